package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/datasets/samples"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

//go:embed testdata/twenty.yaml
var twentyFile []byte

// known is a question whose answer is known.
type known struct {
	Question string    `yaml:"question"`
	Data     string    `yaml:"data"`  // a sample
	Truth    string    `yaml:"truth"` // in pandas
	Numbers  []float64 `yaml:"numbers"`
	Words    []string  `yaml:"words"`
}

func twenty(t testing.TB) []known {
	t.Helper()
	var all []known
	if err := yaml.UnmarshalWithOptions(twentyFile, &all, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return all
}

// missing is what a right answer holds and this one does not.
func (k known) missing(answer string) []string {
	var out []string
	for _, w := range k.Words {
		if !strings.Contains(strings.ToLower(answer), strings.ToLower(w)) {
			out = append(out, w)
		}
	}
	for _, n := range k.Numbers {
		if !holds(answer, n) {
			out = append(out, strconv.FormatFloat(n, 'f', -1, 64))
		}
	}
	return out
}

// number is one as people write it, with what it is multiplied by.
var number = regexp.MustCompile(`(?i)[-−]?(?:\d{1,3}(?:[,\x{202f}\x{a0}]\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?(?:\s*(?:thousand|million|billion)\b)?`)

var scales = map[string]float64{"thousand": 1e3, "million": 1e6, "billion": 1e9}

// closeEnough is how far a rounded number may be from the one that it stands for.
const closeEnough = 0.005

// holds tells whether a text has the number in it.
func holds(text string, want float64) bool {
	for _, written := range number.FindAllString(text, -1) {
		factor, digits := 1.0, strings.ToLower(strings.NewReplacer(",", "", "\u202f", "", "\u00a0", "", "−", "-").Replace(written))
		for word, by := range scales {
			if rest, ok := strings.CutSuffix(digits, word); ok {
				factor, digits = by, strings.TrimSpace(rest)
			}
		}
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			continue
		}
		off := math.Abs(n*factor - want)
		if count := want == math.Trunc(want) && want < 10_000; off == 0 || !count && off <= closeEnough*math.Abs(want) {
			return true
		}
	}
	return false
}

// claims tells whether an answer says anything at all about the data: a number or a
// value of it that the question did not name.
func (k known) claims(t testing.TB, answer string) bool {
	t.Helper()
	for _, n := range number.FindAllString(answer, -1) {
		if !strings.Contains(k.Question, n) {
			return true
		}
	}
	for _, value := range valuesOf(t, k.Data) {
		named := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(value) + `\b`)
		if named.MatchString(answer) && !named.MatchString(k.Question) {
			return true
		}
	}
	return false
}

// valuesOf are the texts that stand in a sample's cells.
func valuesOf(t testing.TB, name string) []string {
	t.Helper()
	s, ok := samples.Find(name)
	if !ok {
		t.Fatalf("there is no sample %s", name)
	}
	rows, err := csv.NewReader(strings.NewReader(string(contentOf(t, s)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "NA" {
				found[cell] = true
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}

func TestOnlyWhatNamesSomethingIsAClaim(t *testing.T) {
	q := known{Question: "Which species was the heaviest in 2007?", Data: "penguins"}
	for answer, want := range map[string]bool{
		"I do not know what you mean.":        false,
		"In 2007? Please say which species.":  false,
		"It was the Adelie.":                  true,
		"It weighed 4 kg.":                    true,
		"The chart shows it, on each island.": false,
	} {
		if got := q.claims(t, answer); got != want {
			t.Errorf("%s: %v", answer, got)
		}
	}
}

func TestRightAnswersAreTold(t *testing.T) {
	mass := known{Numbers: []float64{5076.02, 0.8712}, Words: []string{"Gentoo"}}
	people := known{Numbers: []float64{2406957150}}
	count := known{Numbers: []float64{13}}
	for name, tc := range map[string]struct {
		question known
		answer   string
		missing  string
	}{
		"rounded":              {mass, "**gentoo**: 5,076 g, r = 0.87.", ""},
		"a cell of a table":    {mass, "Gentoo [5076.016 0.8712]", ""},
		"another number":       {mass, "Gentoo: 5,176 g, r = 0.87", "5076.02"},
		"rounded too far":      {mass, "Gentoo: 5,076 g, r = 0.9", "0.8712"},
		"another word":         {mass, "Adelie: 5,076 g, r = 0.87", "Gentoo"},
		"nothing":              {mass, "", "Gentoo 5076.02 0.8712"},
		"billions":             {people, "About 2.41 billion people.", ""},
		"in full":              {people, "2,406,957,150", ""},
		"by exponent":          {people, "2.40695715e+09", ""},
		"too many":             {people, "2.5 billion", "2406957150"},
		"a count":              {count, "There were 13.", ""},
		"a count is not round": {count, "There were 13.05.", "13"},
		"part of a number":     {count, "There were 130, in 2013.", "13"},
		"after a year":         {count, "2007,13", ""},
	} {
		if got := strings.Join(tc.question.missing(tc.answer), " "); got != tc.missing {
			t.Errorf("%s: %q is missing, want %q", name, got, tc.missing)
		}
	}
}

// internals is what no sentence for a person holds.
var internals = regexp.MustCompile(`[{}<>]|https?://|0x[0-9a-f]{4}|goroutine|Traceback|\b[Ee]rr(or)?[:=]`)

// forPeople tells whether a person can read why a run failed.
func forPeople(code, sentence string) bool {
	return code != agent.CodeInternal && strings.HasSuffix(sentence, ".") && !internals.MatchString(sentence)
}

func TestWhatPeopleCannotReadIsFound(t *testing.T) {
	for sentence, want := range map[string]bool{
		"The model's server is not available (502). Try again in a moment.": true,
		"":                                       false,
		`{"error":{"message":"no such model."}}`: false,
		"<html>Bad gateway.":                     false,
		"Post http://10.0.0.1/v1: connection refused.":          false,
		"error: context deadline exceeded.":                     false,
		"panic at 0x7f3a: goroutine 7 [running]":                false,
		"Traceback (most recent call last):\n  ValueError: no.": false,
	} {
		if got := forPeople("MODEL_UNAVAILABLE", sentence); got != want {
			t.Errorf("%s: %v", sentence, got)
		}
	}
	if forPeople("INTERNAL", "Something broke inside Mark; it has been logged.") {
		t.Error("INTERNAL tells a person nothing")
	}
}

// What is held to be right is what pandas computes of the data.
func TestTheAnswersOfTheTwentyQuestionsAreTrue(t *testing.T) {
	all := twenty(t)
	if len(all) != 20 {
		t.Errorf("there are %d questions", len(all))
	}
	dir := t.TempDir()
	var files []execution.File
	for _, s := range samples.All() {
		path := filepath.Join(dir, s.File)
		if err := os.WriteFile(path, contentOf(t, s), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, execution.File{Name: s.File, Path: path})
	}
	session, err := gvisortest.Provider(t).Open(t.Context(), execution.Spec{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, q := range all {
		if len(q.Numbers)+len(q.Words) == 0 {
			t.Errorf("%s: nothing is asked for", q.Question)
		}
		var printed strings.Builder
		result, err := session.Run(t.Context(), fmt.Sprintf("d = pd.read_csv(\"/mnt/data/%s.csv\")\nprint(%s)", q.Data, q.Truth),
			execution.Listener(func(e execution.Event) {
				if e.Chunk != nil {
					printed.WriteString(e.Chunk.Text)
				}
			}))
		if err != nil || result.Failure != nil {
			t.Fatal(q.Question, err, result.Failure)
		}
		if missing := q.missing(printed.String()); len(missing) > 0 {
			t.Errorf("%s: there is no %s in %s", q.Question, strings.Join(missing, " "), printed.String())
		}
	}
}

func contentOf(t testing.TB, s samples.Sample) []byte {
	t.Helper()
	f, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
