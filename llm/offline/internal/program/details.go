package program

import (
	"math"
	"slices"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// template chooses the template that answers the query.
func (v *view) template() string {
	by, measures := len(v.By) > 0, len(v.query.Measures)
	switch v.intent {
	case question.Aggregate:
		return pick(by, "aggregate_by", "aggregate")
	case question.Count:
		return pick(by, "count_by", "count")
	case question.Distinct:
		return pick(by, "distinct_by", "distinct")
	case question.Top:
		return pick(by, "top_groups", "top_rows")
	case question.Correlation:
		return pick(measures == 2, "correlation_pair", "correlation_matrix")
	case question.Compare:
		return pick(measures == 1, "compare", "compare_many")
	case question.Share:
		return pick(by, "share_by", "share_part")
	case question.Distribution:
		if !v.query.Measures[0].Numeric() || v.query.Measures[0].Year() {
			return pick(by, "distinct_by", "distinct")
		}
	case question.Describe:
		if measures == 1 && v.query.Measures[0].Numeric() && !v.query.Measures[0].Year() {
			return "distribution"
		}
		if measures == 1 {
			return "distinct"
		}
	}
	return string(v.intent)
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// details fills in what only one intent needs.
func (v *view) details() {
	q := v.query
	switch v.intent {
	case question.Aggregate, question.Count, question.Top:
		v.kind(question.Bar)
		if v.intent == question.Top {
			v.top()
		}
	case question.Trend:
		v.kind(question.Line)
		v.trend()
	case question.Correlation:
		v.kind(question.Scatter)
		v.correlation()
	case question.Compare:
		v.kind(question.Box)
	case question.Share:
		v.share()
	case question.Preview:
		if v.N == 0 {
			v.N = previewRows
		}
	case question.Rows:
		v.list()
	case question.Describe:
		if len(v.Measures) == 0 {
			for _, c := range v.data.Columns {
				if c.Numeric() && !c.Identifier() && !c.Year() {
					v.Measures = append(v.Measures, c.Name)
				} else if c.Type == question.String {
					v.Words = append(v.Words, c.Name)
				}
			}
		} else if len(v.Measures) > 1 {
			v.Measures = slices.DeleteFunc(v.Measures, func(name string) bool { return !v.numeric(name) })
		}
	case question.Distribution:
		if !q.Measures[0].Numeric() && v.Kind == "" {
			v.kind(question.Bar)
		}
	}
}

func (v *view) numeric(name string) bool {
	return slices.ContainsFunc(v.query.Measures, func(c question.Column) bool { return c.Name == name && c.Numeric() })
}

func (v *view) kind(usual question.Kind) {
	if v.Kind == "" {
		v.Kind = usual
	}
}

func (v *view) top() {
	if v.N == 0 {
		v.N = 5
	}
	v.N = max(v.N, 1)
	if v.N == 1 {
		v.N = 5 // the winner alone says little: the next four go into the table
	}
	if len(v.By) > 0 {
		return
	}
	if v.query.Entity != nil {
		v.Entity = v.query.Entity.Name
		v.Shown = append(v.Shown, v.Entity)
	}
	v.Shown = append(v.Shown, v.Measure)
	for _, c := range v.data.Columns {
		if c.Text() && len(v.NameColumns) < 3 && c.Name != v.Entity {
			v.NameColumns = append(v.NameColumns, c.Name)
		}
		if !slices.Contains(v.Shown, c.Name) && len(v.Shown) < 10 {
			v.Shown = append(v.Shown, c.Name)
		}
	}
	for _, c := range v.data.Columns { // an identifier says it all
		if c.Identifier() && c.Type == question.String && c.Distinct == v.data.Rows {
			v.NameColumns = []string{c.Name}
			break
		}
	}
}

func (v *view) trend() {
	v.Time = v.query.Time.Name
	v.X, v.When = v.Time, ".astype(str)"
	if !v.query.Time.Year() {
		v.X = v.free(string(v.Period))
		v.PeriodCode = map[question.Period]string{
			question.Day: "D", question.Week: "W", question.Month: "M", question.Quarter: "Q", question.Year: "Y",
		}[v.Period]
		v.When = map[question.Period]string{
			question.Day: `.dt.strftime("%Y-%m-%d")`, question.Week: `.dt.strftime("%Y-%m-%d")`, question.Month: `.dt.strftime("%Y-%m")`,
			question.Quarter: `.dt.to_period("Q").astype(str)`, question.Year: `.dt.strftime("%Y")`,
		}[v.Period]
	}
	v.At = map[question.Period]string{question.Day: "on", question.Week: "in the week of"}[v.Period]
	if v.At == "" {
		v.At = "in"
	}
	v.TrendBy = append([]string{v.X}, v.By...)
}

func (v *view) correlation() {
	switch len(v.query.Measures) {
	case 2:
		v.X = v.Measures[1] // "plot a against b": a goes up
		for _, c := range v.data.Columns {
			if c.Type == question.String && (c.Identifier() || c.Distinct > 25) {
				v.HoverName = c.Name
				break
			}
		}
	case 0, 1:
		if len(v.Measures) == 1 {
			v.Focus = v.Measures[0]
		}
		v.Measures = nil
		for _, c := range v.data.Columns {
			if c.Numeric() && !c.Identifier() && len(v.Measures) < 20 && c.Distinct != 1 && (!c.Year() || c.Name == v.Focus) {
				v.Measures = append(v.Measures, c.Name)
			}
		}
	}
}

func (v *view) share() {
	v.kind(question.Pie)
	v.ShareName, v.OfWhat, v.WholeWord = v.free("share %"), "of the rows", " rows"
	v.ShareOf = "rows"
	if v.Measure != "" {
		v.OfWhat, v.WholeWord, v.ShareOf = "of "+v.Measure, " "+inFString(v.Measure), v.Measure
		v.Format = format(v.query.Measures[0], question.Sum)
	}
	if len(v.query.Part) > 0 {
		v.PartCondition, v.PartWords = condition(v.query.Part), Words(v.query.Part)
	}
}

func (v *view) list() {
	if v.N == 0 {
		v.N = listRows
	}
	if v.query.Entity != nil {
		v.Entity = v.query.Entity.Name
		v.Shown = []string{v.Entity}
	}
	for _, f := range v.query.Filters { // the column that selects sorts as well
		if f.Column.Numeric() && !f.Column.Year() && f.Op != question.Eq && f.Op != question.Unknown {
			v.SortBy = f.Column.Name
			break
		}
	}
	if v.Measure == "" {
		v.Measure = v.SortBy
	}
	v.SpreadTitle = v.Measure + " of the rows with " + v.Where
	for _, c := range v.data.Columns {
		if !slices.Contains(v.Shown, c.Name) && len(v.Shown) < 30 {
			v.Shown = append(v.Shown, c.Name)
		}
	}
}

// decimals is how many digits after the point suit the values of c: enough to
// tell them apart, no more than a table can bear. 0: leave them as they are.
func decimals(c question.Column) int {
	low, high, ok := c.Range()
	size := math.Max(math.Abs(low), math.Abs(high))
	switch {
	case !c.Numeric() || c.Year():
		return 0
	case !ok || size >= 1:
		return 2
	case size >= 0.01:
		return 4
	}
	return 0
}

// valueFormat is the format specification for single values of c.
func valueFormat(c question.Column) string {
	if c.Type == question.Integer && !c.Year() {
		return ",.15g" // whole numbers stay whole; a median may end in .5
	}
	return format(c, "")
}

// format is the format specification for values of c, or for an aggregation of
// them.
func format(c question.Column, a question.Agg) string {
	if c.Year() {
		return map[bool]string{true: ".0f", false: ".1f"}[a == "" || a == question.Min || a == question.Max]
	}
	whole := c.Type == question.Integer && (a == question.Sum || a == question.Min || a == question.Max)
	low, high, ok := c.Range()
	size := math.Max(math.Abs(low), math.Abs(high))
	switch {
	case whole:
		return ",.0f"
	case ok && size >= 1e6:
		return ",.0f"
	case !ok, size >= 1:
		return ",.2f"
	case size >= 0.01:
		return ",.4f"
	}
	return ".4g"
}
