package offline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/llm/offline/internal/profiles"
	"github.com/mark-analyst/mark/llm/offline/internal/program"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// TestProgramsBearOddData runs a program of every kind over data whose names and
// cells try to be something else, and over data of which there is hardly any.
func TestProgramsBearOddData(t *testing.T) {
	group, other, when := `g"]; raise SystemExit #`, `{df} \N{x} 'q'`, `day "of" {it}`
	header := []string{group, "rows", `n {x} "1"`, `m\n%s`, other, when, "year"}
	const mended = "hostile, mended"
	hostile := [][]string{
		{`a"b`, "x", "1.5", "10", "{0}", "2024-01-31", "2001"}, {`c\`, "y", "2.5", "20", "'''", "2024-02-29", "2002"},
		{"e\nf", "x", "-3.5", "5", `"""`, "2024-03-01", "2001"}, {"<b>", "z", "", "15", "#", "2024-03-02", "2002"},
		{`a"b`, "z", "7.25", "", "{0}", "", "2001"}, {`a"b`, "z", "7.25", "12", "{0}", "2024-12-31", "2001"},
	}
	cells := func(rows ...[]string) [][]string { return rows }
	for name, records := range map[string][][]string{
		"hostile": hostile, mended: hostile,
		"one row":               cells([]string{"a", "x", "1.5", "10", "b", "2024-01-31", "2001"}),
		"all the same":          cells([]string{"a", "x", "0.5", "0", "b", "2024-01-31", "2001"}, []string{"a", "x", "0.5", "0", "b", "2024-01-31", "2001"}, []string{"a", "x", "0.5", "0", "b", "2024-01-31", "2001"}),
		"hardly anything known": cells([]string{"", "", "", "10", "", "", "2001"}, []string{"a", "", "1.5", "", "", "2024-01-31", ""}, []string{"", "x", "", "", "c", "", ""}),
	} {
		t.Run(name, func(t *testing.T) {
			data := profiles.New("odd", header, records)
			d := data.Profile
			for i := range d.Columns { // what little there is may hide the type
				d.Columns[i].Type = []question.Type{question.String, question.String, question.Float, question.Integer, question.String, question.Date, question.Integer}[i]
			}
			run := realPython(t, data)
			for label, q := range oddQueries(d) {
				write := program.Write
				if name == mended {
					write = program.Mend
				}
				p, err := write(q, d)
				if err != nil {
					t.Fatalf("%s: %v", label, err)
				}
				if result := run(p.Code); strings.Contains(result, "<error>") {
					t.Errorf("%s:\n%s\n%s", label, result, p.Code)
				}
			}
			p, err := program.Lookup([]string{`a"b`, "{0}", "nothing", "\u202e"}, d)
			if err != nil {
				t.Fatal(err)
			}
			if result := run(p.Code); strings.Contains(result, "<error>") {
				t.Errorf("lookup:\n%s\n%s", result, p.Code)
			}
		})
	}
}

// oddQueries are queries of every kind and with every chart over the columns of
// a data set as above.
func oddQueries(d question.Dataset) map[string]question.Query {
	g, rows, n, m, other, day := d.Columns[0], d.Columns[1], d.Columns[2], d.Columns[3], d.Columns[4], d.Columns[5]
	one, two := []question.Column{g}, []question.Column{g, other}
	numbers := []question.Column{n, m}
	sum, mean := []question.Agg{question.Sum}, []question.Agg{question.Mean}
	out := map[string]question.Query{
		"describe": {Intent: question.Describe}, "describe number": {Intent: question.Describe, Measures: numbers[:1]}, "describe text": {Intent: question.Describe, Measures: one},
		"preview": {Intent: question.Preview}, "columns": {Intent: question.Columns}, "count": {Intent: question.Count},
		"count by": {Intent: question.Count, By: two}, "count by rows": {Intent: question.Count, By: []question.Column{rows}},
		"distinct": {Intent: question.Distinct, Measures: two}, "distinct by": {Intent: question.Distinct, Measures: one, By: []question.Column{other}},
		"top rows": {Intent: question.Top, N: 3, Measures: numbers[:1]}, "top of": {Intent: question.Top, N: 3, Measures: numbers[:1], Entity: &g, Bottom: true},
		"top groups": {Intent: question.Top, N: 3, Measures: numbers[:1], By: one, Aggs: mean}, "top counts": {Intent: question.Top, N: 3, By: one},
		"aggregate": {Intent: question.Aggregate, Measures: numbers, Aggs: []question.Agg{question.Mean, question.Std, question.Min}},
		"matrix":    {Intent: question.Correlation}, "focus": {Intent: question.Correlation, Measures: numbers[:1]},
		"pair": {Intent: question.Correlation, Measures: numbers}, "pair by": {Intent: question.Correlation, Measures: numbers, By: one},
		"missing": {Intent: question.Missing}, "missing in": {Intent: question.Missing, Measures: two},
		"duplicates": {Intent: question.Duplicates}, "duplicates in": {Intent: question.Duplicates, Measures: two},
		"outliers": {Intent: question.Outliers, Measures: numbers}, "compare": {Intent: question.Compare, Measures: numbers[:1], By: one},
		"compare two": {Intent: question.Compare, Measures: numbers, By: two}, "share": {Intent: question.Share, By: one}, "share of": {Intent: question.Share, By: two, Measures: numbers[:1]},
		"part":    {Intent: question.Share, Part: []question.Filter{{Column: g, Op: question.Eq, Values: []string{`a"b`}}}},
		"part of": {Intent: question.Share, Measures: numbers[:1], Part: []question.Filter{{Column: m, Op: question.Gt, Values: []string{"11"}}}},
		"rows":    {Intent: question.Rows, Filters: []question.Filter{{Column: m, Op: question.Ge, Values: []string{"10"}}, {Column: g, Op: question.NotIn, Values: []string{`c\`, "<b>"}}}, Entity: &other},
		"none":    {Intent: question.Aggregate, Measures: numbers[:1], Aggs: sum, By: one, Filters: []question.Filter{{Column: m, Op: question.Lt, Values: []string{"-1"}}}},
		"single":  {Intent: question.Trend, Time: &day, Period: question.Year, Measures: numbers[:1], Aggs: mean, Assumed: true, Single: true},
		"alone":   {Intent: question.Aggregate, Measures: numbers[:1], Aggs: sum, By: one, Assumed: true, Single: true},
		"year":    {Intent: question.Aggregate, Measures: numbers[:1], Aggs: sum, By: d.Columns[6:7]},
		"value":   {Intent: question.Aggregate, Measures: numbers, Aggs: mean, Filters: []question.Filter{{Column: g, Op: question.Eq, Values: []string{`c\`}}}},
		"days":    {Intent: question.Rows, Filters: []question.Filter{{Column: day, Op: question.In, Values: []string{"2024-01", "2024-12-31"}}}},
	}
	for _, k := range []question.Kind{"", question.Bar, question.Line, question.Scatter, question.Pie} {
		out[fmt.Sprintf("aggregate by as %q", k)] = question.Query{Intent: question.Aggregate, Measures: numbers[:1], Aggs: sum, By: one, Kind: k}
		out[fmt.Sprintf("aggregate by two as %q", k)] = question.Query{Intent: question.Aggregate, Measures: numbers[:1], Aggs: mean, By: two, Kind: k}
	}
	for _, k := range []question.Kind{question.Histogram, question.Box} {
		for by, columns := range [][]question.Column{nil, one, two} {
			out[fmt.Sprintf("distribution by %d as %s", by, k)] = question.Query{Intent: question.Distribution, Measures: numbers[:1], By: columns, Kind: k}
		}
	}
	for _, p := range []question.Period{question.Day, question.Week, question.Month, question.Quarter, question.Year} {
		out["trend per "+string(p)] = question.Query{Intent: question.Trend, Time: &day, Period: p, Measures: numbers[:1], Aggs: mean, N: 2, Kind: question.Bar}
		out["counts by group per "+string(p)] = question.Query{Intent: question.Trend, Time: &day, Period: p, By: one}
	}
	return out
}
