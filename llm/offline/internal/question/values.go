package question

import (
	"slices"
	"strings"
)

// valueMatch is a value of a text column that a phrase may stand for.
type valueMatch struct {
	column Column
	value  string // exactly as the data has it
	slip   bool   // it matched but for a slip
}

// matchValues returns the values that the phrase may stand for, looking at the
// sample values of the text columns and at what a lookup has found in the data.
func (d *Dataset) matchValues(phrase []token, found []Found) []valueMatch {
	var written []string
	for _, t := range phrase {
		written = append(written, t.text)
	}
	text := strings.Join(written, " ")
	asked := fold(text)
	if asked == "" {
		return nil
	}
	full, aliased := theLexicon().aliases[strings.ToLower(text)]
	var out []valueMatch
	add := func(c Column, value string, slip bool) {
		same := func(v valueMatch) bool { return v.column.Name == c.Name && v.value == value }
		if !slices.ContainsFunc(out, same) {
			out = append(out, valueMatch{c, value, slip})
		}
	}
	for _, f := range found {
		if c, ok := d.column(f.Column); ok && c.Text() && fold(f.Value) == asked {
			out = nil
			add(c, f.Value, false)
			return out
		}
	}
	for _, f := range found {
		if c, ok := d.column(f.Column); ok && c.Text() && fold(f.Term) == asked {
			add(c, f.Value, fold(f.Value) != asked)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, c := range d.Columns {
		if c.Type != String {
			continue
		}
		for _, v := range c.Samples {
			if folded := fold(v); folded != "" && (folded == asked || aliased && strings.EqualFold(v, full)) {
				add(c, v, false)
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, c := range d.Columns {
		if c.Type != String {
			continue
		}
		for _, v := range c.Samples {
			if samePlural(text, v) {
				add(c, v, false)
			}
		}
	}
	return out
}

// samePlural tells whether a and b differ by a plural only: "Adelies".
func samePlural(a, b string) bool {
	return slices.Equal(stemAll(nameWords(a)), stemAll(nameWords(b)))
}

// slippedValues is matchValues for values with a slip in them.
func (d *Dataset) slippedValues(phrase []token) []valueMatch {
	var written []string
	for _, t := range phrase {
		written = append(written, t.text)
	}
	asked := fold(strings.Join(written, " "))
	if len(asked) < 5 {
		return nil
	}
	var out []valueMatch
	for _, c := range d.Columns {
		if c.Type != String {
			continue
		}
		for _, v := range c.Samples {
			if near(asked, fold(v)) {
				out = append(out, valueMatch{c, v, true})
			}
		}
	}
	return out
}

// Found is a value that a lookup in the data itself came back with.
type Found struct {
	Term   string // as the question has it
	Column string
	Value  string
}

// Aliases returns the full values that the terms among them which are short
// forms stand for, by the terms in lower case.
func Aliases(terms []string) map[string]string {
	out := map[string]string{}
	for _, term := range terms {
		if full, ok := theLexicon().aliases[strings.ToLower(term)]; ok {
			out[strings.ToLower(term)] = full
		}
	}
	return out
}
