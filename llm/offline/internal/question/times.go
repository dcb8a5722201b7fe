package question

import (
	"fmt"
	"strconv"
	"strings"
)

var timeOps = map[string]Op{
	"time.since": Ge, "time.after": Gt, "time.before": Lt, "time.until": Le, "time.in": Eq,
	"cmp.gt": Gt, "cmp.ge": Ge, "cmp.lt": Lt, "cmp.le": Le, "cmp.eq": Eq,
}

// moment is a date in a question: a day, a month, a quarter or a year.
type moment struct {
	from, to string // ISO, perhaps cut to a month or a year; equal but for a quarter
	spans    []int
}

// readTimes reads "in 2007", "since 1980", "from 1980 to 2000", "in March 2024".
func (r *reader) readTimes() {
	r.readLatest()
	for i := 0; i < len(r.spans) && r.halt == nil; i++ {
		s := &r.spans[i]
		if s.used || s.kind != numberSpan && s.kind != dateSpan && !s.is("month.", "quarter.") {
			continue
		}
		m, ok := r.moment(i)
		if !ok {
			continue
		}
		if before := r.last(i); s.kind == numberSpan && before >= 0 && r.spans[before].is("cmp.") && !r.spans[before].is("cmp.between", "cmp.eq") {
			continue // "orders over 2000" is no date
		}
		c, ok := r.timeColumn()
		if !ok {
			return
		}
		r.readMoment(i, m, c)
	}
}

// readMoment makes a filter of a moment and of what stands around it.
func (r *reader) readMoment(i int, m moment, c Column) {
	if c.Year() && (len(m.from) > 4 || m.from != m.to) {
		r.stop(c.Name + " holds years only, so I cannot select “" + r.words(m.spans) + "”.")
		return
	}
	op := Eq
	before := r.last(i)
	if before >= 0 {
		b := &r.spans[before]
		for k, o := range timeOps {
			if b.is(k) {
				op = o
				b.used = true
			}
		}
		if b.is("is") {
			b.used = true
		}
		if b.is("not") && op == Eq {
			op, b.used = Ne, true
		}
	}
	for _, k := range m.spans {
		r.spans[k].used = true
	}
	// "from 1980 to 2000", "1980-2000", "between 1980 and 2000", "since 1980 until 2000"
	end := m.spans[len(m.spans)-1]
	if sep := r.next(end); sep >= 0 && r.spans[sep].is("to", "time.until", "time.before") && !r.spans[sep].used {
		if j := r.next(sep); j >= 0 {
			if until, ok := r.moment(j); ok {
				r.readSpanOfTime(c, m, until, before, sep)
				return
			}
		}
	}
	if next := end + 1; next < len(r.spans) && (r.spans[next].is("onwards") || strings.EqualFold(r.spans[next].text, "on")) && op == Eq {
		op, r.spans[next].used = Ge, true
	} else if before >= 0 && r.spans[before].is("cmp.between") {
		r.spans[before].used = true
		r.q.note("I took “from " + r.words(m.spans) + "” to mean in " + r.words(m.spans) + ".")
	}
	f := Filter{Column: c, Op: op, Values: []string{m.from}}
	switch {
	case m.from == m.to:
	case op == Eq:
		f.Op, f.Values = Between, []string{m.from, m.to}
	case op == Gt || op == Le:
		f.Values = []string{m.to}
	}
	r.addFilter(f, i)
}

// readSpanOfTime reads the second moment of a span, or of a list: "in 1952 and
// 2007" are two years, "between 1952 and 2007" is what lies between.
func (r *reader) readSpanOfTime(c Column, from, to moment, before, sep int) {
	list := strings.EqualFold(r.spans[sep].text, "and") || strings.EqualFold(r.spans[sep].text, "or")
	if before >= 0 && r.spans[before].is("cmp.between") {
		list = false
		r.spans[before].used = true
	}
	r.spans[sep].used = true
	for _, k := range to.spans {
		r.spans[k].used = true
	}
	if list {
		r.addFilter(Filter{Column: c, Op: In, Values: []string{from.from, to.from}}, sep)
		return
	}
	a, b := from.from, to.to
	if b < a {
		a, b = to.from, from.to
	}
	r.addFilter(Filter{Column: c, Op: Between, Values: []string{a, b}}, sep)
}

// moment reads the moment that starts at span i. A bare number is a year only
// where the data has a column of times and the number could be one.
func (r *reader) moment(i int) (moment, bool) {
	s := &r.spans[i]
	switch {
	case s.used:
	case s.kind == dateSpan:
		return moment{s.text, s.text, []int{i}}, true
	case yearLike(s) && len(r.data.timeColumns()) > 0 && !strings.ContainsAny(s.text, ",.kKmM"):
		y := plain(s.number)
		return moment{y, y, []int{i}}, true
	case s.is("month.", "quarter."):
		key, number, _ := strings.Cut(s.key("month.", "quarter."), ".")
		n, err := strconv.Atoi(number)
		year, spans, ok := r.yearAfter(i)
		if err != nil || !ok {
			return moment{}, false
		}
		if key == "month" {
			text := fmt.Sprintf("%s-%02d", year, n)
			return moment{text, text, spans}, true
		}
		return moment{fmt.Sprintf("%s-%02d", year, 3*n-2), fmt.Sprintf("%s-%02d", year, 3*n), spans}, true
	}
	return moment{}, false
}

// yearAfter returns the year that follows the month at i; without one it is the
// only year of the data, and where there are several the reading ends.
func (r *reader) yearAfter(i int) (year string, spans []int, ok bool) {
	if j := r.next(i); j >= 0 && yearLike(&r.spans[j]) {
		return plain(r.spans[j].number), []int{i, j}, true
	}
	// "may" and "march" are words as well: a month stands after "in" and the like.
	if before := r.last(i); before < 0 || !r.spans[before].is("time.", "cmp.", "to", "versus") {
		return "", nil, false
	}
	c, ok := r.timeColumn()
	if !ok || !c.Temporal() || len(c.Min) < 4 || len(c.Max) < 4 {
		return "", nil, false
	}
	if c.Min[:4] != c.Max[:4] {
		r.lacking("Which year’s " + r.spans[i].text + " do you mean? " + c.Name + " goes from " + c.Min[:4] + " to " + c.Max[:4] + ".")
		return "", nil, false
	}
	return c.Min[:4], []int{i}, true
}

// timeColumn returns the column of times that the question is about: the one it
// names, else the only one.
func (r *reader) timeColumn() (Column, bool) {
	columns := r.data.timeColumns()
	isTime := func(c Column) bool { return c.Temporal() || c.Year() }
	for i := range r.spans {
		s := &r.spans[i]
		if c, ok := peek(s, isTime); ok {
			s.used = s.used || s.quoted // the answer to the question which one
			return c, true
		}
	}
	switch len(columns) {
	case 0:
		r.stop(r.data.File + " has no column with dates or years.")
		return Column{}, false
	case 1:
		return columns[0], true
	}
	a := &Ambiguity{Phrase: "time"}
	for _, c := range columns {
		a.Candidates = append(a.Candidates, c.Name)
	}
	r.halt = &Reading{Ambiguous: a}
	return Column{}, false
}

// readLatest reads "in the latest year".
func (r *reader) readLatest() {
	i := r.find("time.latest", "time.earliest")
	if i < 0 || len(r.data.timeColumns()) == 0 {
		return
	}
	c, ok := r.timeColumn()
	if !ok {
		return
	}
	edge := c.Max
	if r.spans[i].is("time.earliest") {
		edge = c.Min
	}
	year := c.Year() || strings.Contains(strings.ToLower(r.text), "year")
	if !year || len(edge) < 4 {
		return // "the latest order" asks for rows; it stays unaccounted for
	}
	r.spans[i].used = true
	for j := range r.spans { // the word "year" after "latest"
		if s := &r.spans[j]; j == r.next(i) && s.is("period.year") {
			s.used = true
		} else if j == i+1 && s.kind == columnSpan && peekIs(s, c) {
			s.used = true
		}
	}
	r.addFilter(Filter{Column: c, Op: Eq, Values: []string{edge[:4]}}, i)
}

func peekIs(s *span, c Column) bool {
	got, ok := peek(s, nil)
	return ok && got.Name == c.Name
}

// words returns the text from the first to the last of the spans.
func (r *reader) words(spans []int) string {
	return r.text[r.spans[spans[0]].from:r.spans[spans[len(spans)-1]].to]
}
