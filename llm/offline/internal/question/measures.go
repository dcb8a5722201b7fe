package question

import (
	"slices"
	"strings"
)

// readMeasures reads the columns that no filter or division has taken: numbers
// are measured, words tell what a row is about, times carry a trend.
func (r *reader) readMeasures() {
	numeric := r.has("agg.", "correlation", "outliers", "super.", "kind.histogram", "kind.box", "kind.scatter", "top", "bottom")
	counting := r.has("count", "distinct")
	if i := r.find("super."); i >= 0 {
		r.readSuperlative(i)
	}
	for i := range r.spans {
		s := &r.spans[i]
		if s.used || s.kind != columnSpan || r.halt != nil {
			continue
		}
		var fits func(Column) bool
		if len(s.columns) > 1 {
			fits = r.preference(s, numeric, counting)
		}
		if counting && r.namesRows(s) {
			s.kind, s.used = subjectSpan, true
			continue
		}
		c, ok := r.column(s, fits)
		if !ok {
			continue
		}
		switch {
		case c.Temporal() || c.Year():
			r.readTimeMention(c)
		case c.Numeric() && !(counting && c.Identifier()) && !s.thing(c):
			if !slices.ContainsFunc(r.q.Measures, func(o Column) bool { return o.Name == c.Name }) {
				r.q.Measures = append(r.q.Measures, c)
			}
		default:
			r.entities = append(r.entities, c)
		}
	}
	for i := range r.spans {
		s := &r.spans[i]
		if s.used || s.kind != keySpan {
			continue
		}
		if k := s.key("agg."); k != "" {
			a := Agg(strings.TrimPrefix(k, "agg."))
			if !slices.Contains(r.q.Aggs, a) {
				r.q.Aggs = append(r.q.Aggs, a)
			}
			r.said.aggs, s.used = true, true
		}
		if k := s.key("kind."); k != "" && r.q.Kind == "" {
			r.q.Kind = Kind(strings.TrimPrefix(k, "kind."))
			r.said.kind, s.used = true, true
		}
	}
	r.readSorting()
	if r.has("bottom", "super.bottom.", "rare") {
		r.q.Bottom, r.said.order = true, true
	} else if r.has("top", "super.top.", "common") {
		r.said.order = true
	}
}

// preference returns what the question's other words say about a phrase that
// fits several columns; nil: nothing.
func (r *reader) preference(s *span, numeric, counting bool) func(Column) bool {
	named := strings.EqualFold
	switch {
	case counting && anyColumn(s, Column.Identifier):
		return Column.Identifier
	case numeric && anyColumn(s, Column.Numeric) && !named(s.text, "date"):
		return Column.Numeric
	}
	return nil
}

// namesRows tells whether the span is the data set's own name, and only by
// another word a column: "how many sales" of sales.csv does not add up the amounts.
func (r *reader) namesRows(s *span) bool {
	return r.data.subject()[stem(strings.ToLower(s.text))] && s.columns[0].sure <= sureSynonym
}

// thing tells whether the span names what c tells apart, and not c itself: the
// numbers of "orders" are not to be computed with.
func (s *span) thing(c Column) bool {
	return c.Identifier() && slices.ContainsFunc(s.columns, func(m columnMatch) bool {
		return m.column.Name == c.Name && m.sure < sureExact
	})
}

// readSuperlative reads "heaviest": an order and the column it is about.
func (r *reader) readSuperlative(i int) {
	s := &r.spans[i]
	_, what, _ := strings.Cut(strings.TrimPrefix(s.key("super."), "super."), ".")
	c, ok := r.conceptColumn(what, s)
	if r.halt != nil {
		return
	}
	if !ok {
		r.stop("I found no column that says what is “" + s.text + "”." + r.data.columnsSentence())
		return
	}
	s.used = true
	r.q.Measures = append(r.q.Measures, c)
}

// readTimeMention reads a column of times that is named without "by": beside
// "over", "against" or in a plot it carries the trend.
func (r *reader) readTimeMention(c Column) {
	switch {
	case slices.ContainsFunc(r.q.Filters, func(f Filter) bool { return f.Column.Name == c.Name }):
		// "in the year 2007": the filter has said it
	case r.has("plot", "kind.line", "kind.bar", "kind.scatter", "versus", "cmp.gt", "trend", "agg."):
		for i := range r.spans {
			if s := &r.spans[i]; s.is("cmp.gt") && strings.EqualFold(s.text, "over") {
				s.used = true // "plot revenue over order_date"
			}
		}
		r.divideByTime(c)
	default:
		r.entities = append(r.entities, c)
	}
}

// readUnknown ends the reading if words are left that nothing accounts for:
// first by asking the data whether they are values, then by saying so.
func (r *reader) readUnknown() {
	runs := slices.DeleteFunc(r.unknownRuns(), func(run []int) bool {
		// "world population" is that of all rows, unless a row is about the world.
		word := r.words([]int{run[0], run[len(run)-1]})
		all := hasWord("whole.words", strings.ToLower(word)) && (r.missed(word) || !r.data.hidesValues())
		r.whole = r.whole || all
		return all
	})
	if len(runs) == 0 {
		return
	}
	var missed, ask []string
	for _, run := range runs {
		for _, phrase := range r.phrases(run) {
			if r.missed(phrase) {
				missed = append(missed, phrase)
			} else if fold(phrase) != "" {
				ask = append(ask, phrase)
			}
		}
	}
	if len(ask) > 0 && r.data.hidesValues() {
		r.halt = &Reading{Lookup: ask}
		return
	}
	var names []string
	for _, run := range runs {
		names = append(names, "“"+r.words([]int{run[0], run[len(run)-1]})+"”")
	}
	if len(missed) > 0 || !r.data.hidesValues() {
		if len(names) > 1 {
			r.stop("I do not know what " + join(names) + " mean here: they are not words I understand, nor columns or values of " + r.data.File + ".")
			return
		}
		r.stop("I do not know what " + names[0] + " means here: it is not a word I understand, nor a column or a value of " + r.data.File + ".")
	}
}

// missed tells whether a lookup has not found the phrase in the data.
func (r *reader) missed(phrase string) bool {
	return slices.ContainsFunc(r.ctx.Missed, func(m string) bool { return fold(m) == fold(phrase) })
}

// hidesValues tells whether a text column has values that its samples do not show.
func (d *Dataset) hidesValues() bool {
	return slices.ContainsFunc(d.Columns, func(c Column) bool { return c.Type == String && !c.Complete() })
}

// unknownRuns returns the runs of words that nobody knows. Small words between
// two of them belong to a run: "Bosnia and Herzegovina".
func (r *reader) unknownRuns() [][]int {
	var runs [][]int
	var run []int
	for i := range r.spans {
		s := &r.spans[i]
		switch {
		case s.kind == unknownSpan && !s.used:
			run = append(run, i)
		case len(run) > 0 && (s.kind == stopSpan || s.is("to") || s.kind == breakSpan) && i+1 < len(r.spans) &&
			r.spans[i+1].kind == unknownSpan && !strings.ContainsAny(s.text, ";?!"):
			run = append(run, i)
		case len(run) > 0:
			runs = append(runs, run)
			run = nil
		}
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	return runs
}

// maxPhrases bounds what one question may have looked up.
const maxPhrases = 24

// phrases returns the phrases within a run that might be values, the longest
// first.
func (r *reader) phrases(run []int) []string {
	var out []string
	for n := len(run); n > 0; n-- {
		for i := 0; i+n <= len(run); i++ {
			first, last := run[i], run[i+n-1]
			if r.spans[first].kind != unknownSpan || r.spans[last].kind != unknownSpan {
				continue
			}
			if text := r.words([]int{first, last}); len(out) < maxPhrases && !slices.Contains(out, text) {
				out = append(out, strings.Trim(text, "\"'`“”‘’„«» "))
			}
		}
	}
	return out
}

// join writes a list as a person would.
func join(list []string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

func names(columns []Column) []string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name)
	}
	return out
}

// maxNamed is how many columns a sentence lists.
const maxNamed = 12

func (d *Dataset) columnsSentence() string {
	list := names(d.Columns)
	if len(list) > maxNamed {
		list = append(list[:maxNamed:maxNamed], "others")
	}
	return " The columns are " + join(list) + "."
}
