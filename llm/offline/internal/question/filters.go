package question

import (
	"slices"
	"strconv"
	"strings"
)

// settleKeywords decides what a word is that is a column and a phrase of the
// grammar at once ("count", "year"): a column after a word that wants one.
func (r *reader) settleKeywords() {
	for i := range r.spans {
		s := &r.spans[i]
		if s.kind != columnSpan || len(s.keys) == 0 || s.is("period.") || s.quoted {
			continue
		}
		before := r.last(i)
		wanted := before >= 0 && (r.spans[before].is("agg.", "by", "plot", "kind.", "versus", "distinct", "distribution", "super.", "top", "bottom", "correlation", "trend") ||
			r.spans[before].kind == numberSpan)
		if wanted || !strings.EqualFold(s.text, s.columns[0].column.Name) || strings.ContainsRune(s.text, '_') {
			s.keys = nil
			continue
		}
		s.kind, s.columns = keySpan, nil
	}
}

// readMarkers reads the words that point at the question before.
func (r *reader) readMarkers() {
	for i := range r.spans {
		s := &r.spans[i]
		switch {
		case s.kind != keySpan:
		case s.is("again", "instead", "back", "it"):
			r.likeBefore = true
			r.said.add = r.said.add || s.is("add")
			s.used = true
		case s.is("to") && i == 0:
			r.likeBefore, s.used = true, true // "and the median?"
		case s.is("all"):
			r.likeBefore, r.said.clear, s.used = true, true, true
		}
		if s.slip != "" {
			r.q.note("I read “" + s.text + "” as “" + s.slip + "”.")
		}
	}
}

// readNumbers reads a count of rows or groups: "top 5", "5 largest", "first 10".
func (r *reader) readNumbers() {
	orders := []string{"top", "bottom", "super.", "first", "last", "preview", "tail", "common", "rare"}
	for i := range r.spans {
		s := &r.spans[i]
		n, ok := s.number, s.kind == numberSpan && s.unit == ""
		if k := s.key("number."); k != "" {
			f, err := strconv.ParseFloat(strings.TrimPrefix(k, "number."), 64)
			n, ok = f, err == nil
		}
		if !ok || s.used || n != float64(int(n)) || n < 1 {
			continue
		}
		before, after := r.last(i), r.next(i)
		near := before >= 0 && r.spans[before].is(orders...) || after >= 0 && r.spans[after].is(orders...) ||
			after >= 0 && r.spans[after].kind == subjectSpan && n < earliestYear && r.likeRows(before)
		if near {
			r.q.N, r.said.number, s.used = min(int(n), maxN), true, true
		}
	}
}

// maxN bounds the N of "top N": more rows than that are not an answer to read.
const maxN = 1000

// likeRows tells whether what stands before a number makes "… 5 rows" a wish to
// see rows, and not a comparison.
func (r *reader) likeRows(before int) bool {
	return before < 0 || r.spans[before].is("list", "plot", "which", "preview", "add", "again", "back")
}

var opOf = map[string]Op{"gt": Gt, "ge": Ge, "lt": Lt, "le": Le, "eq": Eq}

// readComparisons reads "body mass over 4000", "between 3 and 5", "heavier than
// 5 kg", "sex is missing".
func (r *reader) readComparisons() {
	for i := range r.spans {
		s := &r.spans[i]
		if s.used || r.halt != nil {
			continue
		}
		switch {
		case s.is("cmp.between"):
			r.readBetween(i)
		case s.is("cmp."):
			r.readComparison(i)
		case s.is("missing", "present"):
			r.readKnown(i)
		case s.is("is"):
			if j := r.next(i); j >= 0 && r.spans[j].kind == numberSpan && !r.spans[j].used {
				if k := r.last(i); k >= 0 && r.spans[k].kind == columnSpan {
					r.compare(i, j, Eq)
				}
			}
		}
	}
}

// readKnown reads "where sex is missing" and "with known sex".
func (r *reader) readKnown(i int) {
	s := &r.spans[i]
	op := Unknown
	if s.is("present") {
		op = Known
	}
	at := r.last(i)
	isBefore := false
	with := at >= 0 && r.spans[at].is("where")
	for at >= 0 && (r.spans[at].is("is", "not", "where")) {
		if r.spans[at].is("not") {
			op = Known
		}
		isBefore = true
		at = r.last(at)
	}
	if with && r.next(i) >= 0 && r.spans[r.next(i)].kind == columnSpan || !isBefore && op == Known {
		at, isBefore = r.next(i), true // "with known sex", "have missing sex"
	}
	// "missing values in sex" asks about what is missing, it selects nothing.
	if at < 0 || r.spans[at].kind != columnSpan || !isBefore {
		return
	}
	if op == Unknown && !r.has("where", "list", "count") {
		return
	}
	if c, ok := r.column(&r.spans[at], nil); ok {
		for j := min(at, i); j <= max(at, i); j++ {
			r.spans[j].used = true
		}
		r.addFilter(Filter{Column: c, Op: op}, i)
	}
}

// readComparison reads an operator and the number after it.
func (r *reader) readComparison(i int) {
	s := &r.spans[i]
	_, rest, _ := strings.Cut(s.key("cmp."), ".")
	code, what, _ := strings.Cut(rest, ".")
	if code == "than" {
		return
	}
	j := r.next(i)
	if what != "" && j >= 0 && r.spans[j].is("cmp.than") {
		r.spans[j].used = true
		j = r.next(j)
	}
	op := opOf[code]
	if j < 0 || r.spans[j].kind != numberSpan && r.spans[j].kind != dateSpan {
		// "4000 or more"
		if k := r.last(i); k >= 0 && r.spans[k].kind == numberSpan && !r.spans[k].used && (op == Ge || op == Le) {
			r.compare(i, k, op)
		}
		return
	}
	if r.spans[j].kind == dateSpan {
		s.keys = []string{timeOf[op]} // "over 2024-01-01": the dates are read next
		return
	}
	r.compare(i, j, op)
}

var timeOf = map[Op]string{Gt: "time.after", Ge: "time.since", Lt: "time.before", Le: "time.until", Eq: "time.in"}

// compare makes a filter of the operator at i and the number at j.
func (r *reader) compare(i, j int, op Op) {
	c, ok := r.comparedColumn(i, j)
	if !ok {
		return
	}
	value, ok := r.numberFor(c, &r.spans[j])
	if !ok {
		return
	}
	r.spans[i].used, r.spans[j].used = true, true
	if k := r.last(i); k >= 0 && r.spans[k].is("is", "where") {
		r.spans[k].used = true
	}
	if k := r.last(i); k >= 0 && r.spans[k].is("not") && op == Eq {
		r.spans[k].used, op = true, Ne
	}
	r.addFilter(Filter{Column: c, Op: op, Values: []string{value}}, j)
}

// numberFor returns the number of s in the unit of c.
func (r *reader) numberFor(c Column, s *span) (string, bool) {
	if s.unit == "percent" && fraction(c) {
		r.q.note(strings.TrimSpace(s.text) + " is " + plain(s.number/100) + " in " + c.Name + ".")
		return plain(s.number / 100), true
	}
	value, changed, ok := inUnitOf(c, s.number, s.unit)
	if !ok {
		r.stop("“" + s.text + "” cannot be compared with " + c.Name + ": the units are of different kinds.")
		return "", false
	}
	if changed {
		words := nameWords(c.Name)
		r.q.note(strings.TrimSpace(s.text) + " is " + plain(value) + " " + words[len(words)-1] + ", the unit of " + c.Name + ".")
	}
	return plain(value), true
}

// fraction tells whether c holds shares of one, not percentages.
func fraction(c Column) bool {
	low, high, ok := c.Range()
	return ok && low >= -1 && high <= 1
}

// comparedColumn finds the numeric column that a comparison is about: what the
// comparison itself says ("heavier"), else the nearest before it, else the next
// after it.
func (r *reader) comparedColumn(i, j int) (Column, bool) {
	if _, what, ok := strings.Cut(strings.TrimPrefix(r.spans[i].key("cmp."), "cmp."), "."); ok {
		return r.conceptColumn(what, &r.spans[i])
	}
	candidates := []int{}
	for k := i - 1; k >= 0; k-- {
		if s := &r.spans[k]; s.kind == columnSpan && anyColumn(s, func(c Column) bool { return c.Numeric() && !s.thing(c) }) {
			candidates = append(candidates, k)
			break
		} else if s.kind == breakSpan {
			break
		}
	}
	if k := r.next(j); k >= 0 && r.spans[k].kind == columnSpan && anyColumn(&r.spans[k], Column.Numeric) && !r.spans[k].used {
		// "more than 20 quantity" but not "over 4000 by year"
		candidates = append(candidates, k)
	}
	if len(candidates) == 0 {
		return r.columnOfUnit(&r.spans[j])
	}
	c, ok := r.column(&r.spans[candidates[0]], Column.Numeric)
	return c, ok
}

// columnOfUnit returns the only column that is measured in the unit of the
// number: "penguins over 4 kg".
func (r *reader) columnOfUnit(s *span) (Column, bool) {
	var fitting []Column
	for _, c := range r.data.Columns {
		words := nameWords(c.Name)
		own, ok := inBase[words[len(words)-1]]
		if ok && len(words) > 1 && c.Numeric() && own.kind == inBase[s.unit].kind {
			fitting = append(fitting, c)
		}
	}
	if len(fitting) != 1 {
		return Column{}, false
	}
	r.q.note("I took " + strings.TrimSpace(s.text) + " to be about " + fitting[0].Name + ".")
	return fitting[0], true
}

// conceptColumn returns the one column that measures what a superlative or a
// comparative is about; a column that the question names comes first.
func (r *reader) conceptColumn(code string, s *span) (Column, bool) {
	var fitting []columnMatch
	for _, c := range r.data.Columns {
		if c.Numeric() && !c.Identifier() && concept(code, c) {
			fitting = append(fitting, columnMatch{c, sureSynonym})
		}
	}
	for i := range r.spans { // "longest flipper": the word beside it says which
		named := &r.spans[i]
		for _, m := range named.columns {
			if named.kind == columnSpan && slices.ContainsFunc(fitting, func(f columnMatch) bool { return f.column.Name == m.column.Name }) {
				named.columns = []columnMatch{m}
				return r.column(named, nil)
			}
		}
	}
	switch len(fitting) {
	case 0:
		return Column{}, false
	case 1:
		r.q.note("I took “" + s.text + "” to be about " + fitting[0].column.Name + ".")
		return fitting[0].column, true
	}
	r.ambiguous(s, fitting)
	return Column{}, false
}

// readBetween reads "between 3 and 5" and "from 1980 to 2000".
func (r *reader) readBetween(i int) {
	j := r.next(i)
	if j < 0 || r.spans[j].kind != numberSpan {
		return
	}
	to := r.next(j)
	if to < 0 || !r.spans[to].is("to", "time.until", "add") {
		return
	}
	k := r.next(to)
	if k < 0 || r.spans[k].kind != numberSpan {
		return
	}
	low, high := &r.spans[j], &r.spans[k]
	if low.unit == "" {
		low.unit = high.unit
	}
	if yearLike(low) && yearLike(high) && r.data.coversYears(low.number, high.number) {
		return // readTimes takes them
	}
	c, ok := r.comparedColumn(i, k)
	if !ok {
		return
	}
	a, okA := r.numberFor(c, low)
	b, okB := r.numberFor(c, high)
	if !okA || !okB {
		return
	}
	if high.number < low.number {
		a, b = b, a
	}
	for _, used := range []int{i, j, to, k} {
		r.spans[used].used = true
	}
	if before := r.last(i); before >= 0 && r.spans[before].is("is", "where") {
		r.spans[before].used = true
	}
	r.addFilter(Filter{Column: c, Op: Between, Values: []string{a, b}}, j)
}

func yearLike(s *span) bool {
	return s.kind == numberSpan && s.unit == "" && s.number == float64(int(s.number)) && s.number >= earliestYear && s.number <= latestYear
}

// coversYears tells whether both numbers are years that the data is about.
func (d *Dataset) coversYears(a, b float64) bool {
	for _, c := range d.timeColumns() {
		low, high, ok := c.Range()
		if c.Temporal() && len(c.Min) >= 4 && len(c.Max) >= 4 {
			from, errFrom := strconv.ParseFloat(c.Min[:4], 64)
			to, errTo := strconv.ParseFloat(c.Max[:4], 64)
			low, high, ok = from, to, errFrom == nil && errTo == nil
		}
		if !ok || max(a, b) >= low && min(a, b) <= high {
			return true
		}
	}
	return false
}

// addFilter adds a filter that the span at says.
func (r *reader) addFilter(f Filter, at int) {
	for i, o := range r.q.Filters {
		// "in 2023 vs 2024", "in January or March": one or the other
		if o.Column.Name == f.Column.Name && f.Op == Eq && (o.Op == Eq || o.Op == In) && !f.Column.Text() {
			r.q.Filters[i].Op = In
			r.q.Filters[i].Values = append(r.q.Filters[i].Values, f.Values...)
			return
		}
	}
	r.q.Filters = append(r.q.Filters, f)
	r.filterAt = append(r.filterAt, at)
}
