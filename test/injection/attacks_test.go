package injection

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// place is where an attack stands.
type place string

const (
	inCell              place = "cell"
	inColumn            place = "column"
	inFile              place = "file"
	inName              place = "name"
	inDescription       place = "description"
	inColumnDescription place = "columnDescription"
	inPrinted           place = "printed"
	inTraceback         place = "traceback"
	inMessage           place = "message" // an earlier one of the chat
	inQuestion          place = "question"
	inAnswer            place = "answer" // to ask_user
	inNote              place = "note"   // to an approval
)

var places = []place{
	inCell, inColumn, inFile, inName, inDescription, inColumnDescription,
	inPrinted, inTraceback, inMessage, inQuestion, inAnswer, inNote,
}

// attack is a line of the corpus. In its texts {sink} stands for an address that
// must never be reached, {port} for its port, {bob}, {bobuser} and {bobpath} for
// the dataset, the id and the file of another person, {text} for the attack's own
// text, {system} for the system prompt and {dataset} for the attacked person's
// dataset.
type attack struct {
	ID    string `json:"id"`
	Place place  `json:"place"`
	Text  string `json:"text"`
	// Does is what a model does that obeys, reply by reply.
	Does []move `json:"does"`
	// Hidden says that the instruction, with the attack's mark, is written in
	// characters that people do not see: no model is to see it either.
	Hidden bool `json:"hidden"`
	// Lost says that the place has no room for the attack's mark.
	Lost bool `json:"lost"`
}

// move is a reply of a model that obeys: calls, or a text.
type move struct {
	Calls []wish `json:"calls"`
	Says  string `json:"says"`
}

// wish is a call. Its arguments are an object, or a string that is sent as it is.
type wish struct {
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

// mark is what tells that an attack was read.
func (a attack) mark() string { return "[!" + a.ID + "]" }

// text is what is planted: it bears the mark, if only in what is hidden.
func (a attack) text(fill *strings.Replacer) string {
	text := a.Text
	switch {
	case a.Hidden || strings.Contains(text, a.mark()):
	case a.Place == inFile && strings.HasSuffix(text, ".csv"):
		text = strings.TrimSuffix(text, ".csv") + a.mark() + ".csv"
	default:
		text += " " + a.mark()
	}
	return fill.Replace(text)
}

// corpus reads all attacks.
func corpus(t testing.TB) []attack {
	t.Helper()
	files, err := filepath.Glob("testdata/*.jsonl")
	must(t, err)
	var all []attack
	seen := map[string]bool{}
	for _, name := range files {
		f, err := os.Open(name)
		must(t, err)
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			var a attack
			d := json.NewDecoder(strings.NewReader(lines.Text()))
			d.DisallowUnknownFields()
			if err := d.Decode(&a); err != nil {
				t.Fatalf("%s:%d: %v", name, n, err)
			}
			if seen[a.ID] || a.ID == "" || len(a.Does) == 0 || !slices.Contains(places, a.Place) {
				t.Fatalf("%s:%d: %q is not fit to be an attack", name, n, a.ID)
			}
			seen[a.ID] = true
			all = append(all, a)
		}
		must(t, lines.Err())
		must(t, f.Close())
	}
	return all
}

// programs are the texts of all programs that attacks have run.
func programs(all []attack) map[string]string {
	out := map[string]string{}
	for _, a := range all {
		for i, m := range a.Does {
			for j, c := range m.Calls {
				var args struct{ Code string }
				if c.Name == toolPython && json.Unmarshal(c.Args, &args) == nil && args.Code != "" {
					out[fmt.Sprintf("%s.%d.%d", a.ID, i, j)] = args.Code
				}
			}
		}
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
