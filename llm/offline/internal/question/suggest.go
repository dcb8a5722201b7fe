package question

import (
	"reflect"
	"slices"
	"strings"
)

// Suggest returns three questions that d can answer, with its real columns. Each
// of them is understood: a test holds that.
func Suggest(d *Dataset) []string {
	var out []string
	add := func(text string, columns ...Column) {
		for _, c := range columns {
			if !speakable(c) {
				return
			}
		}
		if text = d.unquoted(text); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	measures, groups, times := d.measures(), d.groups(), d.timeColumns()
	if len(measures) > 0 && len(groups) > 0 {
		add("Average "+name(measures[0])+" by "+name(groups[0]), measures[0], groups[0])
	}
	if len(measures) > 0 && len(times) > 0 {
		add("Trend of "+name(measures[0])+overTime(times), measures[0], times[0])
	}
	if len(measures) > 1 {
		add("Correlation between "+name(measures[0])+" and "+name(measures[1]), measures[0], measures[1])
	}
	if len(measures) > 0 {
		add("Distribution of "+name(measures[0]), measures[0])
	}
	if len(groups) > 0 {
		add("Count by "+name(groups[0]), groups[0])
	}
	for _, text := range []string{"Describe the data", "Show the first 5 rows", "Are there missing values?"} {
		add(text)
	}
	return out[:3]
}

// FollowUps returns three questions that make sense after q. They are complete
// in themselves, so that they can be asked at any time, and none is q again.
func FollowUps(q Query, d *Dataset) []string {
	var out []string
	add := func(ok bool, text string, columns ...Column) {
		for _, c := range columns {
			ok = ok && speakable(c)
		}
		if !ok || len(out) == followUps {
			return
		}
		text = d.unquoted(text)
		if r := d.Read(text, Context{}); !slices.Contains(out, text) && (r.Query == nil || !alike(*r.Query, q)) {
			out = append(out, text)
		}
	}
	var measure Column
	measured := false
	for _, m := range q.Measures {
		if m.Numeric() && !m.Identifier() && !m.Year() && !measured {
			measure, measured = m, true
		}
	}
	if !measured && len(d.measures()) > 0 {
		measure, measured = d.measures()[0], true
	}
	other, hasOther := d.otherGroup(q.By)
	second, hasSecond := otherMeasure(d, measure)
	times := d.timeColumns()
	m := name(measure)
	if q.Intent != Aggregate && q.Intent != Compare && measured && len(q.By) > 0 {
		add(q.By[0].Text(), "Average "+m+" by "+name(q.By[0]), measure, q.By[0])
	}
	if measured && hasOther {
		add(true, "Average "+m+" by "+name(other), measure, other)
	}
	if measured && len(times) > 0 && q.Intent != Trend {
		add(true, "Trend of "+m+overTime(times), measure, times[0])
	}
	if measured && hasSecond && q.Intent != Correlation {
		add(true, "Correlation between "+m+" and "+name(second), measure, second)
	}
	if measured && q.Intent != Distribution {
		add(true, "Distribution of "+m, measure)
	}
	add(hasOther && q.Intent != Count, "Count by "+name(other), other)
	add(measured && q.Intent != Top, "Top 5 rows by "+m, measure)
	for _, text := range append(Suggest(d), "Are there missing values?", "Are there duplicates?", "Describe the data", "Show the first 5 rows", "Which columns are there?") {
		add(true, text)
	}
	return out
}

// followUps is how many questions are suggested.
const followUps = 3

// Instead returns three questions that can be asked where r came to nothing.
func Instead(r Reading, d *Dataset) []string {
	out := slices.Clone(r.Instead)
	for _, text := range Suggest(d) {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out[:min(len(out), followUps)]
}

// alike tells whether two queries show the same, whatever was said to get there.
func alike(a, b Query) bool {
	return reflect.DeepEqual(flat(a), flat(b))
}

// flat is a query by the names of its columns.
func flat(q Query) []any {
	parts := func(filters []Filter) (out []any) {
		for _, f := range filters {
			out = append(out, f.Column.Name, f.Op, f.Values)
		}
		return out
	}
	when, entity := "", ""
	if q.Time != nil {
		when = q.Time.Name
	}
	if q.Entity != nil {
		entity = q.Entity.Name
	}
	return []any{q.Intent, names(q.Measures), q.Aggs, names(q.By), when, q.Period, q.N, q.Bottom, parts(q.Filters), parts(q.Part), entity, q.Tail, q.Code}
}

// overTime names the times of a trend: there is no need to where there is only
// one column of them.
func overTime(times []Column) string {
	if len(times) == 1 {
		return " over time"
	}
	return " over " + name(times[0])
}

// unquoted returns the question without its quotation marks where it reads the
// same without them.
func (d *Dataset) unquoted(text string) string {
	bare := strings.ReplaceAll(text, `"`, "")
	if bare == text {
		return text
	}
	a, b := d.Read(text, Context{}), d.Read(bare, Context{})
	if a.Query != nil && b.Query != nil && len(a.Query.Notes) == len(b.Query.Notes) && alike(*a.Query, *b.Query) {
		return bare
	}
	return text
}

// otherGroup returns a column to group by that is not among those in use.
func (d *Dataset) otherGroup(used []Column) (Column, bool) {
	for _, c := range d.groups() {
		if !slices.ContainsFunc(used, func(u Column) bool { return u.Name == c.Name }) && speakable(c) {
			return c, true
		}
	}
	return Column{}, false
}

func otherMeasure(d *Dataset, m Column) (Column, bool) {
	for _, c := range d.measures() {
		if c.Name != m.Name && speakable(c) {
			return c, true
		}
	}
	return Column{}, false
}

// speakable tells whether the name of c can stand in a question, in quotation
// marks or without.
func speakable(c Column) bool {
	return fold(c.Name) != "" && len(c.Name) <= 60 && !strings.ContainsAny(c.Name, "\"\n\r`") && strings.TrimSpace(c.Name) == c.Name
}

// name writes the name of a column as a question has it: in quotation marks
// where it is more than a plain word, or a word that means something else.
func name(c Column) string {
	for _, r := range c.Name {
		if r != '_' && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z') {
			return `"` + c.Name + `"`
		}
	}
	if len(theLexicon().lookup(stems(strings.ToLower(c.Name)))) > 0 && !c.Year() {
		return `"` + c.Name + `"`
	}
	return c.Name
}
