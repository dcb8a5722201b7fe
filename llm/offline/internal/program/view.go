package program

import (
	"slices"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// view is what the templates see: everything about a query that a program
// needs, worked out beforehand, so that the templates only say where it goes.
type view struct {
	File, Load, Title string
	SingleTitle       string
	Body              string
	Dates             []date
	Numbers           []string // columns to make numbers of, whatever they hold
	Condition         string   // a Python expression; empty: all rows
	Where             string   // the same in words
	Among             string   // the filters as a part of a sentence: "sex is female"
	Single            string   // the program for the one row that filters may leave
	Alone             bool     // every point or group is one row
	SingleNames       []string // the columns that name that row
	SingleSaysAll     bool     // SingleNames are all the columns that were filtered
	Counted           bool     // the program counts things: "1 row", "2 rows"
	Assumed           string   // a remark where numbers are summed up without having been asked how
	At                string   // before a time: "in", "on"
	KeepsTotal        bool
	Needed            []string // columns whose gaps are left out
	Guarded           bool     // rows may be none
	Measure           string
	Measures          []string
	LastMeasure       string
	Titles            []string // one a measure
	Ordered           []bool   // per measure: its values have an order of their own
	Words             []string // text columns
	By                []string
	ByNumber          bool // the groups have an order of their own
	ByUnbounded       bool // there may be more groups than a chart can hold
	ManyGroups        bool
	Aggs              []question.Agg
	AggCodes          []string
	AggWord           string
	Marks             bool
	Labels            []label
	Label             label
	LabelNames        []string
	SameScale         bool
	YTitle            string
	Rows              string // a name for a column of counts
	Rank              string
	Different         string
	Format            string // of the measure's own values
	ValueFormat       string // of single values of the measure
	ValueFormats      []string
	Decimals          int // 0: do not round
	Kind              question.Kind
	SpreadTitle       string
	RowsTitle         string
	BestTitle         string
	MeanTitle         string
	N                 int
	Bottom, Tail      bool
	Extreme           string
	Entity            string
	NameColumns       []string
	Shown             []string
	SortBy            string
	HoverName         string
	Time, X           string
	Period            question.Period
	PeriodCode        string
	When              string
	TrendBy           []string
	Focus             string
	ShareName         string
	ShareOf           string
	OfWhat            string
	WholeWord         string
	PartCondition     string
	PartWords         string

	intent question.Intent
	query  question.Query
	data   question.Dataset
}

// date is a column of times; Zoned: its texts carry an offset.
type date struct {
	Name  string
	Zoned bool
}

// label is a computed column.
type label struct {
	Measure string
	Agg     string // as pandas calls it
	Name    string // of the column
	Words   string // in a sentence
	Format  string // a format specification: ",.2f"
	First   bool
}

// Rows that a preview and a list show where the question names no number.
const (
	previewRows = 10
	listRows    = 50
)

func newView(q question.Query, d question.Dataset) *view {
	v := &view{
		File: d.File, Load: Load(d), intent: q.Intent, query: q, data: d,
		Condition: "", Measures: names(q.Measures), By: names(q.By), Aggs: q.Aggs,
		N: q.N, Bottom: q.Bottom, Tail: q.Tail, Kind: q.Kind, Period: q.Period, KeepsTotal: q.Intent == question.Count || q.Intent == question.Rows,
	}
	if len(q.Filters) > 0 {
		v.Condition, v.Where = condition(q.Filters), Words(q.Filters)
		v.Among = among(q)
		v.single()
	}
	if q.Assumed && len(q.Measures) > 0 && len(q.Aggs) > 0 {
		v.Assumed = "You did not say how to sum up " + q.Measures[0].Name + ", so I took the " + question.AggName(q.Aggs[0]) + "."
	}
	v.Rows, v.Rank, v.Different = v.free("rows"), v.free("rank"), v.free("different values")
	v.Extreme = map[bool]string{false: "highest", true: "lowest"}[q.Bottom]
	v.measures()
	v.groups()
	v.labels()
	v.dates()
	v.needs()
	v.titles()
	v.details()
	return v
}

// free returns a name that no column has.
func (v *view) free(name string) string {
	for slices.ContainsFunc(v.data.Columns, func(c question.Column) bool { return c.Name == name }) {
		name += "_"
	}
	return name
}

func (v *view) measures() {
	if len(v.query.Measures) == 0 {
		v.Format = ",.0f"
		return
	}
	first := v.query.Measures[0]
	v.Measure, v.LastMeasure = first.Name, v.Measures[len(v.Measures)-1]
	v.Format, v.ValueFormat, v.Decimals = format(first, ""), valueFormat(first), decimals(first)
	for _, m := range v.query.Measures {
		v.ValueFormats = append(v.ValueFormats, valueFormat(m))
		v.Ordered = append(v.Ordered, m.Numeric() || m.Temporal())
	}
}

func (v *view) groups() {
	for _, c := range v.query.By {
		v.ByNumber = v.ByNumber || c.Numeric() || c.Temporal()
		v.ByUnbounded = v.ByUnbounded || c.Distinct < 0 || c.Distinct > 25
		v.ManyGroups = v.ManyGroups || c.Distinct != 2
	}
	if len(v.query.By) > 1 {
		v.ByUnbounded = true
	}
	for _, f := range v.query.Filters {
		if f.Op == question.In && len(f.Values) == 2 && len(v.By) == 1 && f.Column.Name == v.By[0] {
			v.ManyGroups = false
		}
	}
}

// labels names what is computed: one column for each measure and aggregation.
func (v *view) labels() {
	for _, a := range v.Aggs {
		v.AggCodes = append(v.AggCodes, string(a))
	}
	for _, m := range v.query.Measures {
		for _, a := range v.Aggs {
			v.Labels = append(v.Labels, label{
				Measure: m.Name, Agg: string(a), Name: question.AggName(a) + " " + m.Name,
				Words: computedWords(a, m.Name), Format: format(m, a), First: len(v.Labels) == 0,
			})
		}
	}
	v.Alone = v.query.Single && len(v.Labels) == 1
	if v.Alone { // no total of one row
		v.Labels[0].Name, v.Labels[0].Words, v.Labels[0].Format = v.Measure, v.Measure, v.ValueFormat
	}
	if len(v.Labels) == 0 {
		v.Labels = []label{{Name: v.Rows, Words: "number of rows", Format: ",.0f"}}
	}
	v.Label = v.Labels[0]
	for _, l := range v.Labels {
		v.LabelNames = append(v.LabelNames, l.Name)
	}
	// Several aggregations of one measure share an axis; several measures do not.
	v.SameScale = len(v.Labels) > 1 && len(v.query.Measures) == 1 && len(v.By) == 1
	v.YTitle = v.Measure
	if len(v.Aggs) > 0 {
		v.AggWord = question.AggName(v.Aggs[0])
		v.Marks = v.Aggs[0] != question.Sum && v.Aggs[0] != question.Std
	}
}

// computedWords names a computed number in a sentence.
func computedWords(a question.Agg, measure string) string {
	if a == question.Std {
		return question.AggName(a) + " of " + measure
	}
	return question.AggName(a) + " " + measure
}

// dates are the columns of times that the program touches; they are read as such.
func (v *view) dates() {
	add := func(c question.Column) {
		if c.Temporal() && !slices.ContainsFunc(v.Dates, func(d date) bool { return d.Name == c.Name }) {
			v.Dates = append(v.Dates, date{c.Name, slices.ContainsFunc(c.Samples, zoned)})
		}
	}
	for _, f := range slices.Concat(v.query.Filters, v.query.Part) {
		add(f.Column)
	}
	for _, c := range v.query.Uses() {
		add(c)
	}
	if v.intent == question.Describe || v.intent == question.Columns {
		for _, c := range v.data.Columns {
			add(c)
		}
	}
}

// zoned tells whether the text of a time carries an offset.
func zoned(text string) bool {
	_, clock, ok := strings.Cut(strings.Replace(text, " ", "T", 1), "T")
	return ok && (strings.HasSuffix(clock, "Z") || strings.ContainsAny(clock, "+-"))
}

// needs are the columns whose gaps would spoil the result; only those that have
// any, so that a program about complete data stays short.
func (v *view) needs() {
	switch v.intent {
	case question.Preview, question.Columns, question.Missing, question.Duplicates, question.Rows, question.Outliers:
		v.Guarded = len(v.query.Filters) > 0 && v.intent != question.Rows && v.intent != question.Columns
		return
	case question.Describe:
		if len(v.query.Measures) != 1 {
			v.Guarded = len(v.query.Filters) > 0
			return
		}
	case question.Count:
		v.Guarded = len(v.By) > 0
	default:
		v.Guarded = len(v.query.Filters) > 0
	}
	several := v.intent == question.Compare && len(v.query.Measures) > 1 || v.intent == question.Correlation && len(v.query.Measures) != 2
	if several || v.intent == question.Distinct {
		for _, c := range v.query.By {
			if c.Nulls != 0 {
				v.Needed = append(v.Needed, c.Name)
			}
		}
	} else {
		for _, c := range slices.Concat(v.query.Uses(), partColumns(v.query.Part)) {
			if c.Nulls != 0 && !slices.Contains(v.Needed, c.Name) {
				v.Needed = append(v.Needed, c.Name)
			}
		}
	}
	v.Guarded = v.Guarded || len(v.Needed) > 0
}

// mend makes the program forgiving: see Mend.
func (v *view) mend() {
	v.Load = lenient(v.Load)
	for _, c := range v.data.Columns {
		used := slices.ContainsFunc(slices.Concat(v.query.Uses(), partColumns(v.query.Filters), partColumns(v.query.Part)),
			func(u question.Column) bool { return u.Name == c.Name })
		if used && c.Numeric() {
			v.Numbers = append(v.Numbers, c.Name)
		}
		if used && !slices.Contains(v.Needed, c.Name) && v.intent != question.Missing && v.intent != question.Count {
			v.Needed = append(v.Needed, c.Name)
		}
	}
	v.Guarded = v.Guarded || len(v.Needed) > 0
}

// partColumns are the columns of filters, but for those that ask about gaps.
func partColumns(filters []question.Filter) []question.Column {
	var out []question.Column
	for _, f := range filters {
		if f.Op != question.Unknown && f.Op != question.Known {
			out = append(out, f.Column)
		}
	}
	return out
}

func names(columns []question.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}
