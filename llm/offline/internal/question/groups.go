package question

import (
	"slices"
	"strings"
)

// readGroups reads "by species and sex", "per month", "for each region".
func (r *reader) readGroups() {
	for i := range r.spans {
		s := &r.spans[i]
		if s.used || r.halt != nil {
			continue
		}
		if s.is("by") && s.kind == keySpan {
			r.readGroup(i)
			continue
		}
		// "which month had the highest revenue", "top 3 years by revenue"
		if before := r.last(i); before >= 0 && r.ranks(before) && (s.is("period.") || anyColumn(s, Column.Year)) {
			if c, ok := peek(s, Column.Year); ok {
				s.used = true
				r.divideByTime(c)
			} else if len(r.data.timeColumns()) > 0 {
				r.divideByPeriod(Period(strings.TrimPrefix(s.key("period."), "period.")), s)
			}
			continue
		}
		// "monthly revenue"; "month" alone is not a division
		if p := s.key("period."); p != "" && s.kind == keySpan && (strings.HasSuffix(strings.ToLower(s.text), "ly") || s.is("period.year") && strings.HasPrefix(strings.ToLower(s.text), "annual")) {
			r.divideByPeriod(Period(strings.TrimPrefix(p, "period.")), s)
		}
	}
}

// ranks tells whether the span leads to what a ranking is about.
func (r *reader) ranks(i int) bool {
	s := &r.spans[i]
	return s.is("which") && r.has("top", "bottom", "super.", "common", "rare") ||
		s.is("top", "bottom", "super.") && r.q.N > 0 || s.used && s.kind == numberSpan && r.has("top", "bottom")
}

// readGroup reads the columns after the "by" at i.
func (r *reader) readGroup(i int) {
	ranking := r.has("top", "bottom", "super.")
	for j := r.next(i); j >= 0; {
		s := &r.spans[j]
		if s.used {
			return
		}
		isYear := anyColumn(s, Column.Year)
		switch p := s.key("period."); {
		case p != "" && (s.kind == keySpan || !isYear && anyColumn(s, Column.Temporal)) || p != "" && isYear && r.hasDates():
			r.spans[i].used = true
			r.divideByPeriod(Period(strings.TrimPrefix(p, "period.")), s)
		case s.kind != columnSpan:
			return
		case anyColumn(s, func(c Column) bool { return c.Temporal() || c.Year() }):
			c, ok := r.column(s, func(c Column) bool { return c.Temporal() || c.Year() })
			if !ok {
				return
			}
			r.spans[i].used = true
			r.divideByTime(c)
		case anyColumn(s, Column.Text):
			c, ok := r.column(s, Column.Text)
			if !ok {
				return
			}
			r.spans[i].used = true
			r.divideBy(c)
		default:
			if ranking || r.has("plot", "kind.", "versus", "compare", "correlation") || sortWords.MatchString(r.text) || r.aggAt(j-1) {
				return // "top 5 countries by gdp", "plot mass by length", "compare species by mass"
			}
			c, ok := r.column(s, nil)
			if !ok {
				return
			}
			r.spans[i].used = true
			r.divideBy(c)
		}
		// "by species and sex"
		sep := r.next(j)
		if sep < 0 || !r.spans[sep].is("to") && r.spans[sep].kind != breakSpan {
			return
		}
		if j = r.next(sep); j >= 0 && r.spans[j].is("by") {
			return // the loop over the spans comes to it
		}
		if j >= 0 && r.spans[j].kind == keySpan && r.spans[j].is("period.") && r.q.Time == nil {
			continue
		}
		if j >= 0 && (r.spans[j].kind != columnSpan || !anyColumn(&r.spans[j], func(c Column) bool { return c.Text() || c.Year() || c.Temporal() })) {
			return
		}
	}
}

// aggAt tells whether the span at i is an aggregation: "by average revenue".
func (r *reader) aggAt(i int) bool {
	for ; i >= 0 && r.spans[i].kind == stopSpan; i-- {
		continue
	}
	return i >= 0 && r.spans[i].is("agg.")
}

func (r *reader) hasDates() bool {
	return slices.ContainsFunc(r.data.Columns, Column.Temporal)
}

func (r *reader) divideBy(c Column) {
	if r.data.perRow(c) {
		r.q.note("Every row has its own " + c.Name + ", so I did not divide by it.")
		return
	}
	if !slices.ContainsFunc(r.q.By, func(o Column) bool { return o.Name == c.Name }) {
		r.q.By = append(r.q.By, c)
	}
}

func (r *reader) divideByTime(c Column) {
	r.said.period = true
	r.q.Time = &c
	if c.Year() {
		r.q.Period = Year
	}
}

func (r *reader) divideByPeriod(p Period, s *span) {
	c, ok := r.timeColumn()
	if !ok {
		return
	}
	if c.Year() && p != Year {
		r.stop(c.Name + " holds years only, so I cannot divide it by " + string(p) + ".")
		return
	}
	s.used = true
	r.divideByTime(c)
	r.q.Period = p
}

// readValues makes filters of the values that the question names.
func (r *reader) readValues() {
	chosen := map[string]*Filter{}
	at := map[string]int{}
	var order []string
	for i := range r.spans {
		s := &r.spans[i]
		if r.halt != nil {
			return
		}
		if s.kind == columnSpan && !s.used && anyColumn(s, func(c Column) bool { return c.Type == Boolean }) {
			r.readTruth(i)
			continue
		}
		if s.kind != valueSpan || s.used {
			continue
		}
		v, ok := r.valueOf(i)
		if !ok {
			return
		}
		s.used = true
		if i+1 < len(r.spans) && r.spans[i+1].kind == columnSpan && !r.spans[i+1].used && peekIs(&r.spans[i+1], v.column) {
			r.spans[i+1].used = true // "on Dream island" asks for no division
		}
		if v.slip {
			r.q.note("I took “" + s.text + "” to be " + v.value + ", a value of " + v.column.Name + ".")
		}
		negated := r.negated(i, v.column)
		key := v.column.Name
		if negated {
			key = "not " + key
		}
		if chosen[key] == nil {
			op := In
			if negated {
				op = NotIn
			}
			chosen[key] = &Filter{Column: v.column, Op: op}
			order = append(order, key)
			at[key] = i
		}
		if !slices.Contains(chosen[key].Values, v.value) {
			chosen[key].Values = append(chosen[key].Values, v.value)
		}
	}
	for _, key := range order {
		f := *chosen[key]
		if len(f.Values) == 1 {
			f.Op = map[Op]Op{In: Eq, NotIn: Ne}[f.Op]
		}
		r.addFilter(f, at[key])
	}
}

// valueOf settles which column's value the span at i is: the column that the
// question names beside it, if several have the value.
func (r *reader) valueOf(i int) (valueMatch, bool) {
	s := &r.spans[i]
	if len(s.values) == 1 {
		return s.values[0], true
	}
	for _, v := range s.values {
		for j := range r.spans {
			if c, ok := peek(&r.spans[j], nil); ok && r.spans[j].kind == columnSpan && c.Name == v.column.Name {
				return v, true
			}
		}
	}
	a := &Ambiguity{Phrase: s.text, Values: true}
	for _, v := range s.values {
		a.Candidates = append(a.Candidates, v.column.Name+" = "+v.value)
	}
	r.halt = &Reading{Ambiguous: a}
	return valueMatch{}, false
}

// negated tells whether the value at i is to be left out ("not Adelie", "sex is
// not male"), and accounts for the words that lead to it.
func (r *reader) negated(i int, c Column) bool {
	not := false
	for j := r.last(i); j >= 0; j = r.last(j) {
		s := &r.spans[j]
		switch {
		case s.is("not"):
			not, s.used = true, true
		case s.is("is", "cmp.eq", "where"):
			s.used = true
		case s.kind == columnSpan && peekIs(s, c) && !s.used:
			s.used = true // "species is Gentoo"
			return not
		case s.is("to") || s.kind == breakSpan || s.kind == valueSpan:
			// "not Adelie or Gentoo"
			if s.kind == breakSpan && strings.ContainsAny(s.text, ".;?!") {
				return not
			}
		default:
			return not
		}
	}
	return not
}

// readTruth reads "active is true" and "not active".
func (r *reader) readTruth(i int) {
	j := r.next(i)
	if j >= 0 && r.spans[j].is("is", "cmp.eq") {
		j = r.next(j)
	}
	if j < 0 || !r.spans[j].is("true", "false") {
		return
	}
	c, ok := r.column(&r.spans[i], func(c Column) bool { return c.Type == Boolean })
	if !ok {
		return
	}
	value := "True"
	if r.spans[j].is("false") {
		value = "False"
	}
	r.spans[j].used = true
	r.addFilter(Filter{Column: c, Op: Eq, Values: []string{value}}, j)
}
