// Package layout holds the repository to its shape.
package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mark-analyst/mark/"

// allowed are the project's packages that a package may import, by the first
// folder of its path, beside those of its own folder and of internal. Data flows
// one way: what stands lower here never imports what stands higher. Tests may
// import more.
var allowed = map[string][]string{
	"cmd":        {"*"},
	"server":     {"graph", "auth"},
	"resolvers":  {"graph", "agent", "eventlog", "chatfeed", "auth", "datasets", "warehouse", "ent"},
	"graph":      {"ent"},
	"agent":      {"eventlog", "warehouse", "ent"},
	"datasets":   {"auth", "files", "warehouse", "ent"},
	"auth":       {"ent"},
	"backup":     {"store", "migrations"},
	"store":      {"ent", "migrations"},
	"migrations": {"ent", "store"},
	"eventlog":   {"ent"},
	"dispatch":   {},
	"chatfeed":   {"ent"},
	"files":      {},
	"llm":        {},
	"sandbox":    {},
	"warehouse":  {},
	"web":        {},
	"test":       {"*"},
	"internal":   {},
	"ent":        {},
}

// schemaMayImport is what the hand-written part of ent may import.
const schemaMayImport = module + "internal/ids"

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	packages := 0
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			if why := forbidden(p.ImportPath, imported); why != "" {
				t.Errorf("%s imports %s: %s", strings.TrimPrefix(p.ImportPath, module), strings.TrimPrefix(imported, module), why)
			}
		}
	}
	if packages < 20 {
		t.Fatalf("only %d packages were looked at", packages)
	}
}

// forbidden says why one package may not import the other, or "".
func forbidden(importer, imported string) string {
	from, to := folder(importer), folder(imported)
	if strings.HasSuffix(importer, "/ent/schema") && imported != schemaMayImport && imported != module+"ent/schema" {
		return "the data model imports the ids only"
	}
	if to == "warehouse" && imported != module+"warehouse" && from != to && from != "cmd" && from != "test" {
		return "only the seam is known outside; cmd/mark chooses the driver"
	}
	list, known := allowed[from]
	switch {
	case !known:
		return "the folder " + from + " is not in the list of this test"
	case from == to || slices.Contains(list, "*") || slices.Contains(list, to):
		return ""
	case to == "internal" && from != "ent":
		return ""
	case to == "internal" && strings.HasSuffix(importer, "/ent/schema"):
		return ""
	case to == "internal" && imported == schemaMayImport:
		return ""
	}
	return from + " may not import " + to
}

func folder(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return first
}

func TestForbiddenSeesWhatIsForbidden(t *testing.T) {
	for _, pair := range [][2]string{
		{"agent", "graph"}, {"agent", "resolvers"}, {"agent", "server"}, {"agent", "llm"}, {"llm", "agent"}, {"sandbox/gvisor", "ent"},
		{"graph", "agent"}, {"server", "resolvers"}, {"internal/ids", "ent"}, {"ent/schema", "internal/dialogue"}, {"unheard", "ent"},
		{"warehouse/bigquery", "ent"}, {"warehouse", "agent"}, {"agent", "warehouse/bigquery"}, {"datasets", "warehouse/guard"}, {"llm", "warehouse"},
	} {
		if forbidden(module+pair[0], module+pair[1]) == "" {
			t.Errorf("%s may import %s", pair[0], pair[1])
		}
	}
}
