package program

import (
	"slices"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// Begin returns the beginning of the first sentence of an answer, for the inside
// of an f-string. Where only some of the rows are looked at it says which: "Among
// the rows where sex is female: the". Otherwise it is the word alone, with a
// capital letter.
func (v *view) Begin(word string) string {
	if v.Among != "" {
		return inFString("Among the rows where "+v.Among+": ") + word
	}
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// among writes the filters that the groups of the result do not name already.
func among(q question.Query) string {
	filters := slices.DeleteFunc(slices.Clone(q.Filters), func(f question.Filter) bool {
		both := f.Op == question.In && len(f.Values) == 2
		return both && slices.ContainsFunc(q.By, func(c question.Column) bool { return c.Name == f.Column.Name })
	})
	return sentence(filters)
}

// sentence writes filters as a part of a sentence: "species is Gentoo and year
// is 2007 or later".
func sentence(filters []question.Filter) string {
	parts := make([]string, len(filters))
	for i, f := range filters {
		values := make([]string, len(f.Values))
		for j, value := range f.Values {
			values[j] = number(f.Column, value)
		}
		parts[i] = f.Column.Name + " is " + predicate(f, values)
	}
	return strings.Join(parts, " and ")
}

func predicate(f question.Filter, values []string) string {
	inTime := f.Column.Temporal() || f.Column.Year()
	either := joinWords(values, "or")
	first := strings.Join(values[:min(1, len(values))], "")
	switch f.Op {
	case question.Known:
		return "known"
	case question.Unknown:
		return "missing"
	case question.Between:
		return "from " + joinWords(values, "to")
	case question.Ne, question.NotIn:
		return "other than " + either
	case question.Ge:
		return pick(inTime, first+" or later", "at least "+first)
	case question.Gt:
		return pick(inTime, "after ", "over ") + first
	case question.Le:
		return pick(inTime, first+" or earlier", "at most "+first)
	case question.Lt:
		return pick(inTime, "before ", "under ") + first
	}
	return pick(f.Column.Temporal(), "in ", "") + either
}

// single are the columns that tell which row it is, where the filters leave only
// one: those that were selected from, words first.
func (v *view) single() {
	for _, text := range []bool{true, false} {
		for _, f := range v.query.Filters {
			names := f.Op == question.Eq && f.Column.Text() == text
			if names && !slices.Contains(v.SingleNames, f.Column.Name) {
				v.SingleNames = append(v.SingleNames, f.Column.Name)
			}
		}
	}
	v.SingleSaysAll = len(v.SingleNames) == len(v.query.Filters)
}
