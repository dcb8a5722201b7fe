package question

import "slices"

// Intent is the kind of thing that is asked for.
type Intent string

// The intents.
const (
	Describe     Intent = "describe"
	Preview      Intent = "preview"
	Columns      Intent = "columns"
	Count        Intent = "count"
	Distinct     Intent = "distinct"
	Top          Intent = "top"
	Aggregate    Intent = "aggregate"
	Trend        Intent = "trend"
	Distribution Intent = "distribution"
	Correlation  Intent = "correlation"
	Missing      Intent = "missing"
	Duplicates   Intent = "duplicates"
	Outliers     Intent = "outliers"
	Compare      Intent = "compare"
	Share        Intent = "share"
	Rows         Intent = "rows"
	Run          Intent = "run" // Python that the question brings along
)

// Agg is a way to make one number of many.
type Agg string

// The aggregations; each is also pandas' name for it.
const (
	Mean   Agg = "mean"
	Median Agg = "median"
	Sum    Agg = "sum"
	Min    Agg = "min"
	Max    Agg = "max"
	Std    Agg = "std"
)

// Kind is a kind of chart.
type Kind string

// The kinds of chart. The empty kind lets the intent choose.
const (
	Bar       Kind = "bar"
	Line      Kind = "line"
	Scatter   Kind = "scatter"
	Histogram Kind = "histogram"
	Box       Kind = "box"
	Pie       Kind = "pie"
)

// Period is a length of calendar time.
type Period string

// The periods.
const (
	Day     Period = "day"
	Week    Period = "week"
	Month   Period = "month"
	Quarter Period = "quarter"
	Year    Period = "year"
)

// Op is how a filter compares.
type Op string

// The comparisons.
const (
	Eq      Op = "="
	Ne      Op = "!="
	Gt      Op = ">"
	Ge      Op = ">="
	Lt      Op = "<"
	Le      Op = "<="
	Between Op = "between" // two values, both inclusive
	In      Op = "in"
	NotIn   Op = "not in"
	Known   Op = "known"
	Unknown Op = "missing"
)

// Filter keeps some of the rows.
type Filter struct {
	Column Column
	Op     Op
	// Values are Python-independent texts: a number in decimal, an ISO date
	// (or its beginning: a year, a month) or a value as the data has it.
	Values []string
}

// Query is a question that was understood.
type Query struct {
	Intent   Intent
	Measures []Column
	Aggs     []Agg // empty: the intent's own choice
	By       []Column
	Time     *Column // of a trend
	Period   Period
	N        int
	Bottom   bool // the least first
	Filters  []Filter
	// Part are the filters whose share of the rows is asked for.
	Part []Filter
	Kind Kind
	// Entity is the column that tells what a row is about ("country").
	Entity *Column
	Tail   bool   // the last rows, not the first
	Code   string // of Run
	// Assumed: how numbers are summed up is Mark's choice, not the question's. That
	// matters only where there is something to sum up, which the program sees.
	Assumed bool
	// Single: every point or group is one row, so that nothing is summed up.
	Single bool
	// Notes are assumptions that the answer has to own up to.
	Notes []string
}

// clone returns a copy that shares nothing that a merge changes.
func (q Query) clone() Query {
	q.Measures = slices.Clone(q.Measures)
	q.By = slices.Clone(q.By)
	q.Aggs = slices.Clone(q.Aggs)
	q.Filters = slices.Clone(q.Filters)
	q.Part = slices.Clone(q.Part)
	q.Notes = slices.Clone(q.Notes)
	return q
}

// Uses returns the columns that the query computes with, each once.
func (q Query) Uses() []Column {
	var out []Column
	add := func(cs ...Column) {
		for _, c := range cs {
			if !slices.ContainsFunc(out, func(o Column) bool { return o.Name == c.Name }) {
				out = append(out, c)
			}
		}
	}
	add(q.By...)
	if q.Time != nil {
		add(*q.Time)
	}
	add(q.Measures...)
	return out
}

func (q *Query) note(text string) {
	if !slices.Contains(q.Notes, text) {
		q.Notes = append(q.Notes, text)
	}
}
