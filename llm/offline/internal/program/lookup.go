package program

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// Lookup writes the program that looks for terms among the values of the text
// columns of d whose samples are not all the values there are.
func Lookup(terms []string, d question.Dataset) (Program, error) {
	v := struct {
		File, Load     string
		Terms, Columns []string
		Aliases        map[string]string
	}{File: d.File, Load: Load(d), Terms: terms, Aliases: question.Aliases(terms)}
	for _, c := range d.Columns {
		if c.Type == question.String {
			v.Columns = append(v.Columns, c.Name)
		}
	}
	code, err := render("lookup", v)
	return Program{Code: code + "\n", Title: "Words looked up"}, err
}

// lookupMark is how the programs of Lookup begin.
const lookupMark = "# Are these words values of a text column?"

// IsLookup tells whether code was written by Lookup.
func IsLookup(code string) bool { return strings.HasPrefix(code, lookupMark) }

// wordsLine is where a program of Lookup says which words it looks up.
var wordsLine = regexp.MustCompile(`(?m)^words = (\[.*\])$`)

// LookedUp returns the terms that a program of Lookup looks up. Those whose
// literals JSON does not know are left out.
func LookedUp(code string) []string {
	m := wordsLine.FindStringSubmatch(code)
	var terms []string
	if m == nil || json.Unmarshal([]byte(m[1]), &terms) != nil {
		return nil
	}
	return terms
}
