package question

import "slices"

// takeEntities drops from the entities what a filter or a division has said
// already.
func (r *reader) takeEntities() {
	r.entities = slices.DeleteFunc(r.entities, func(e Column) bool {
		return slices.ContainsFunc(r.q.By, func(c Column) bool { return c.Name == e.Name })
	})
}

// takeGroup divides by the columns that are named without a "by".
func (r *reader) takeGroup() {
	for _, e := range r.entities {
		if len(r.q.By) < maxDivisions && !r.data.perRow(e) {
			r.divideBy(e)
		}
	}
	r.entities = nil
}

// maxDivisions is how many columns a result may be divided by: a table and a
// chart show no more.
const maxDivisions = 2

// groupOfValues returns the column of which the question names several values.
func (r *reader) groupOfValues() []Column {
	var out []Column
	for _, f := range r.q.Filters {
		if f.Op == In && (f.Column.Text() || f.Column.Year()) {
			out = append(out, f.Column)
		}
	}
	return out
}

// takeGroupOfValues divides by the column of which the question names several
// values: "average mass of Adelie and Gentoo".
func (r *reader) takeGroupOfValues() {
	for _, c := range r.groupOfValues() {
		if len(r.q.By) < maxDivisions && r.q.Time == nil || c.Text() && len(r.q.By) < maxDivisions {
			r.divideBy(c)
			r.entities = slices.DeleteFunc(r.entities, func(e Column) bool { return e.Name == c.Name })
		}
	}
}

// measureEntities makes the columns that are named without a role what the
// question is about.
func (r *reader) measureEntities() {
	r.q.Measures = append(r.q.Measures, r.entities...)
	r.entities = nil
}

// panelTrend tells whether a measure of a panel is asked for without a year or
// with a span of years: then its course is the answer.
func (r *reader) panelTrend() bool {
	entity, year, ok := r.data.panel()
	if !ok {
		return false
	}
	one := false
	for _, f := range r.q.Filters {
		switch {
		case f.Column.Name == year.Name:
			return f.Op == Between || f.Op == Ge || f.Op == Gt || f.Op == Le || f.Op == Lt
		case f.Column.Name == entity.Name && f.Op == Eq:
			one = true
		}
	}
	return one
}

// takeTimesOfValues makes a trend of several times that are named: "revenue in
// 2023 vs 2024".
func (r *reader) takeTimesOfValues() {
	for _, f := range r.q.Filters {
		if f.Op == In && f.Column.Temporal() && r.q.Time == nil {
			r.divideByTime(f.Column)
			r.q.Period = map[int]Period{4: Year, 7: Month}[len(f.Values[0])]
			if r.q.Period == "" {
				r.q.Period = Day
			}
		}
	}
}

// useEntity keeps what the rows of a list are about.
func (r *reader) useEntity() {
	if len(r.entities) > 0 && !r.data.perRow(r.entities[0]) && !r.entities[0].Identifier() {
		r.q.Entity = &r.entities[0]
	}
}

// related tells whether a word that sets two columns in relation stands between
// the two measures: "mass by length", "mass vs length".
func (r *reader) related() bool {
	isMeasure := func(i int) bool {
		return i >= 0 && slices.ContainsFunc(r.q.Measures, func(c Column) bool { return peekIs(&r.spans[i], c) })
	}
	for i := range r.spans {
		next := r.next(i)
		for next >= 0 && r.spans[next].text == "." { // "vs."
			next = r.next(next)
		}
		if r.spans[i].is("versus", "by", "cmp.gt") && isMeasure(r.last(i)) && isMeasure(next) {
			return true
		}
	}
	return false
}

// useRelation accounts for the word between the two columns of a plot.
func (r *reader) useRelation() {
	for i := range r.spans {
		if s := &r.spans[i]; s.is("versus", "by") || s.is("cmp.gt") && r.next(i) >= 0 && r.spans[r.next(i)].kind == columnSpan {
			r.spans[i].used = true
		}
	}
}

func (r *reader) hasSubject() bool {
	return slices.ContainsFunc(r.spans, func(s span) bool { return s.kind == subjectSpan })
}

// usedKey tells whether every phrase with the key was accounted for.
func (r *reader) usedKey(key string) bool {
	for i := range r.spans {
		if r.spans[i].kind == keySpan && r.spans[i].is(key) && !r.spans[i].used {
			return false
		}
	}
	return true
}

func (r *reader) filtersNumber() bool {
	return slices.ContainsFunc(r.q.Filters, func(f Filter) bool { return f.Column.Numeric() && !f.Column.Year() })
}
