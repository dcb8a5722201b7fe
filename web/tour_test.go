package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// remembered are the names that the playground replaces in variables; see
// playground/src/memory.ts.
var remembered = regexp.MustCompile(`"\$(datasetId|chatId|messageId|runId)"`)

// TestTour holds the tour to the schema: every document is valid, every
// variable file fits its document's operations.
func TestTour(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	documents, err := filepath.Glob("playground/tour/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) < 8 {
		t.Fatalf("the tour has %d stops; it was at least 8", len(documents))
	}
	for i, path := range documents {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			document, errs := gqlparser.LoadQueryWithRules(schema, string(text), rules.NewDefaultRules())
			if errs != nil {
				t.Fatal(errs)
			}
			heading := regexp.MustCompile(`^# (\d+)\. \S`).FindStringSubmatch(string(text))
			if heading == nil || json.Number(heading[1]) != json.Number(strings.TrimLeft(filepath.Base(path)[:2], "0")) {
				t.Errorf("stop %d begins with %q, want its number and a title", i+1, strings.SplitN(string(text), "\n", 2)[0])
			}
			variables := readVariables(t, strings.TrimSuffix(path, ".graphql")+".json")
			for _, operation := range document.Operations {
				if _, err := validator.VariableValues(schema, operation, variables); err != nil {
					t.Errorf("the variables do not fit %s: %v", operation.Name, err)
				}
			}
		})
	}
}

func readVariables(t *testing.T, path string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return strings.ContainsRune(" \n,[]{}:", r) }) {
		if strings.HasPrefix(name, `"$`) && !remembered.MatchString(name) {
			t.Errorf("%s: %s stands for nothing", path, name)
		}
	}
	var variables map[string]any
	if err := json.Unmarshal(text, &variables); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return variables
}

// TestOwnDocuments holds the documents that the playground's own panels send
// to the schema.
func TestOwnDocuments(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	sources, err := filepath.Glob("playground/src/*.ts*")
	if err != nil {
		t.Fatal(err)
	}
	template := regexp.MustCompile("(?s)Document = `([^`]+)`")
	found := 0
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range template.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, errs := gqlparser.LoadQueryWithRules(schema, match[1], rules.NewDefaultRules()); errs != nil {
				t.Errorf("%s: %v", path, errs)
			}
		}
	}
	if found != 6 {
		t.Errorf("found %d documents, want the 6 of session, upload and answer", found)
	}
}
