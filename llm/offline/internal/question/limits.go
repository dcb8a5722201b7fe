package question

import (
	"slices"
	"strings"
	"time"
)

// readWhy ends the reading of a question for causes: data shows what is so, not
// why. What it shows of the matter is offered instead.
func (r *reader) readWhy() {
	if !r.has("why") {
		return
	}
	r.stop("I cannot explain why something is so: I compute what the data shows, not what causes it. What I can show is how groups differ and what goes together.")
	var group, measure []Column
	add := func(to *[]Column, c Column) {
		if !slices.ContainsFunc(*to, func(o Column) bool { return o.Name == c.Name }) && speakable(c) {
			*to = append(*to, c)
		}
	}
	for i := range r.spans {
		s := &r.spans[i]
		for _, v := range s.values {
			add(&group, v.column)
		}
		for _, c := range r.data.Columns {
			named := slices.ContainsFunc(s.columns, func(m columnMatch) bool { return m.column.Name == c.Name })
			key := s.key("cmp.gt.", "cmp.lt.", "super.top.", "super.bottom.")
			switch {
			case c.Numeric() && !c.Identifier() && !c.Year() && (named || key != "" && concept(key[strings.LastIndexByte(key, '.')+1:], c)):
				add(&measure, c)
			case named && slices.ContainsFunc(r.data.groups(), func(g Column) bool { return g.Name == c.Name }):
				add(&group, c)
			}
		}
	}
	for _, m := range measure {
		for _, g := range group {
			r.halt.Instead = append(r.halt.Instead, r.data.unquoted("Compare "+name(m)+" by "+name(g)))
		}
		r.halt.Instead = append(r.halt.Instead, r.data.unquoted("What correlates with "+name(m)+"?"))
	}
}

// finishReach ends the reading where a time is asked for that lies beyond the
// data altogether: nothing is forecast.
func (r *reader) finishReach() {
	for _, f := range slices.Concat(r.q.Filters, r.q.Part) {
		first, last := edge(f.Column.Min), edge(f.Column.Max)
		if !f.Column.Temporal() && !f.Column.Year() || first == "" || last == "" || len(f.Values) == 0 {
			continue
		}
		from, to := slices.Min(f.Values), slices.Max(f.Values)
		after := from > last[:min(len(from), len(last))]
		before := to < first[:min(len(to), len(first))]
		bounded := f.Op == Eq || f.Op == In || f.Op == Between
		switch {
		case after && (bounded || f.Op == Gt || f.Op == Ge):
			r.stop("The column " + f.Column.Name + " ends in " + last + ", so there is nothing about “" + from + "” in the data, and I do not forecast.")
		case before && (bounded || f.Op == Lt || f.Op == Le):
			r.stop("The column " + f.Column.Name + " begins in " + first + ", so there is nothing about “" + to + "” in the data.")
		default:
			continue
		}
		return
	}
}

// edge returns the day or the year that the end of a column of times lies in; ""
// where it is no time in ISO form.
func edge(text string) string {
	for _, form := range []string{time.DateOnly, "2006"} {
		if len(text) < len(form) {
			continue
		}
		if _, err := time.Parse(form, text[:len(form)]); err == nil {
			return text[:len(form)]
		}
	}
	return ""
}
