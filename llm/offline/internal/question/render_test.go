package question_test

import (
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// brief writes a reading on one line, for the tables of the tests.
func brief(r question.Reading) string {
	switch {
	case r.Talk != "":
		return "talk " + r.Talk
	case len(r.Lookup) > 0:
		return "lookup " + strings.Join(r.Lookup, "|")
	case r.Ambiguous != nil:
		return "ambiguous " + r.Ambiguous.Phrase + ": " + strings.Join(r.Ambiguous.Candidates, "|")
	case r.Query == nil:
		return "problem " + r.Problem
	}
	q := r.Query
	out := string(q.Intent)
	if q.Tail {
		out += " tail"
	}
	if q.N > 0 {
		out += fmt.Sprintf(" %d", q.N)
	}
	if q.Bottom {
		out += " bottom"
	}
	for i, a := range q.Aggs {
		out += []string{" ", "+"}[min(i, 1)] + string(a)
	}
	if len(q.Measures) > 0 {
		out += "(" + strings.Join(columnNames(q.Measures), ",") + ")"
	}
	if len(q.By) > 0 {
		out += " by " + strings.Join(columnNames(q.By), ",")
	}
	if q.Time != nil {
		out += " over " + q.Time.Name + "/" + string(q.Period)
	}
	if q.Entity != nil {
		out += " of " + q.Entity.Name
	}
	if len(q.Part) > 0 {
		out += " part " + briefFilters(q.Part)
	}
	if len(q.Filters) > 0 {
		out += " where " + briefFilters(q.Filters)
	}
	if q.Kind != "" {
		out += " as " + string(q.Kind)
	}
	return out
}

func briefFilters(filters []question.Filter) string {
	var out []string
	for _, f := range filters {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Column.Name, f.Op, strings.Join(f.Values, ","))))
	}
	return strings.Join(out, " & ")
}

func columnNames(columns []question.Column) []string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name)
	}
	return out
}
