package question

import (
	"slices"
	"strings"
)

// conclude settles the intent, on its own or as a change to the query before.
func (r *reader) conclude() {
	intent, whole := r.intent()
	r.q.Intent = intent
	if r.ctx.Previous != nil && (r.likeBefore && !r.independent(whole) || !whole) {
		r.merge(*r.ctx.Previous)
		return
	}
	if intent == "" {
		r.stop("I did not understand the question.")
	}
}

// independent tells whether a question that says "now" or "only" is complete
// in itself all the same: "now show the distribution of body mass".
func (r *reader) independent(whole bool) bool {
	if !whole || r.said.clear {
		return false
	}
	for i := range r.spans {
		if r.spans[i].is("again", "instead", "it") {
			return false
		}
	}
	first := -1
	for i := range r.spans {
		if r.spans[i].kind != breakSpan {
			first = i
			break
		}
	}
	return first < 0 || !r.spans[first].is("back") || r.has("agg.", "distribution", "correlation", "trend", "plot", "describe", "count", "top", "bottom", "compare", "share", "missing", "duplicates", "outliers", "columns", "preview", "kind.")
}

// intent returns what is asked for, and whether everything that it needs stands
// in the question itself.
func (r *reader) intent() (Intent, bool) {
	q := &r.q
	measures, groups := len(q.Measures), len(q.By)+len(r.entities)
	measured := measures > 0
	r.q.Tail = r.has("tail", "last")
	r.takeEntities()
	if measured || r.has("count") {
		r.takeTimesOfValues()
	}
	switch {
	case r.has("duplicates"):
		r.measureEntities()
		return Duplicates, true
	case r.has("outliers"):
		return Outliers, measured || !r.likeBefore
	case r.has("missing") && !r.usedKey("missing"):
		r.measureEntities()
		return Missing, true
	case r.has("correlation"):
		return Correlation, measures != 1 && !(measures == 0 && r.likeBefore) || measures == 1
	case r.has("columns") && !measured && groups == 0:
		return Columns, true
	case r.has("distribution"), q.Kind == Histogram, q.Kind == Box:
		if len(r.entities) > 0 && measured {
			r.takeGroup()
		} else if len(r.entities) > 0 {
			r.measureEntities()
			measured = true
		}
		return Distribution, measured
	case r.has("share"):
		r.takeGroup()
		return Share, len(q.By) > 0 || len(q.Filters) > 0
	case r.has("compare") && !r.has("trend") && q.Time == nil && !r.differsInTime():
		return r.comparison()
	case r.has("trend") || q.Time != nil || r.has("compare"):
		r.takeGroupOfValues()
		counted := r.has("count") || len(r.entities) > 0 && r.data.perRow(r.entities[0])
		r.takeGroup()
		if counted && !measured {
			q.note(countedRows)
		}
		return Trend, measured || counted && q.Time != nil
	case r.has("common", "rare"), r.said.order, q.N > 0 && !r.has("first", "last", "preview", "tail") && (measured || groups > 0):
		return r.ranking()
	case r.has("count") && !(r.said.aggs && measured):
		return r.counting()
	case r.has("distinct"):
		r.measureEntities()
		return Distinct, len(q.Measures) > 0
	case measures == 2 && !r.said.aggs && (q.Kind == Scatter || r.related() || groups == 0 && r.has("plot")):
		r.useRelation()
		return Correlation, true
	case r.said.aggs && measured:
		r.takeGroupOfValues()
		r.takeGroup()
		return Aggregate, true
	case r.said.aggs:
		return Aggregate, len(q.Filters) == 1 && q.Filters[0].Column.Numeric() && q.Filters[0].Op != Eq
	case r.has("preview", "first", "last", "tail") && !measured:
		return Preview, true
	case r.has("describe"):
		r.measureEntities()
		return Describe, measured || groups > 0 || !r.likeBefore
	}
	return r.plain(measures, groups)
}

// plain reads a question without a word that says what to do.
func (r *reader) plain(measures, groups int) (Intent, bool) {
	q := &r.q
	measured := measures > 0
	charted := r.has("plot") || r.said.kind
	switch {
	case measured && len(q.Filters) > 0 && groups > 0 && r.has("which", "list") && len(q.By) == 0 && !charted && r.filtersNumber():
		return Rows, true
	case measured && !charted && len(q.By) == 0 && r.panelTrend():
		return Trend, true
	case measured && groups > 0:
		r.takeGroup()
		return Aggregate, true
	case measured && charted:
		if measures == 1 {
			r.takeGroupOfValues()
			if len(q.By) > 0 {
				return Aggregate, true
			}
			return Distribution, true
		}
		return Correlation, true
	case measured && len(r.groupOfValues()) > 0:
		r.takeGroupOfValues()
		return Aggregate, true
	case measured && (len(q.Filters) > 0 || r.whole):
		return Aggregate, true
	case measured && r.has("howmuch") && measures == 1 && q.Measures[0].Additive():
		return Aggregate, true
	case measured && r.likeBefore:
		return "", false
	case measured:
		return Describe, !r.ctx.Pending
	case charted && groups > 0:
		r.takeGroup()
		return Count, !r.likeBefore
	case len(q.By) > 0 && r.hasSubject():
		return Count, true // "penguins per island"
	case len(q.By) > 0:
		return "", false
	case len(r.entities) == 1 && len(q.Filters) > 0 && !r.filtersNumber() && !r.data.perRow(r.entities[0]) && !r.entities[0].Identifier() && !charted:
		r.measureEntities() // "countries in Oceania"
		return Distinct, !r.likeBefore
	case len(q.Filters) > 0 && r.has("which", "list", "where", "preview", "is"):
		r.useEntity()
		return Rows, !r.likeBefore
	case len(r.entities) > 0 && len(q.Filters) == 0 && !charted:
		r.measureEntities()
		return Distinct, !r.likeBefore && !r.ctx.Pending
	case len(r.entities) > 0:
		r.useEntity()
		return Rows, !r.likeBefore
	case q.N > 0 && r.hasSubject() || r.has("list") && (r.hasSubject()) && len(q.Filters) == 0 && !r.likeBefore:
		return Preview, !r.likeBefore
	case len(q.Filters) > 0:
		return Rows, r.hasSubject() && !r.likeBefore
	}
	return "", false
}

// differsInTime tells whether a difference is asked for between two times, and
// not between groups: "difference in mass between 2007 and 2009 by species".
func (r *reader) differsInTime() bool {
	differ := slices.ContainsFunc(r.spans, func(s span) bool {
		return s.is("compare") && strings.HasPrefix(strings.ToLower(s.text), "differ")
	})
	spans := slices.ContainsFunc(r.q.Filters, func(f Filter) bool {
		return f.Op == Between && (f.Column.Year() || f.Column.Temporal())
	})
	return differ && spans && len(r.q.Measures) > 0 && len(r.groupOfValues()) == 0
}

// comparison reads "compare A and B", "compare species by body mass".
func (r *reader) comparison() (Intent, bool) {
	r.takeGroupOfValues()
	r.takeGroup()
	if len(r.q.By) == 0 && len(r.q.Measures) == 2 {
		return Correlation, true
	}
	return Compare, len(r.q.By) > 0
}

// ranking reads "top 5 …", "which … has the highest …", "the highest …".
func (r *reader) ranking() (Intent, bool) {
	q := &r.q
	if r.has("common", "rare") {
		r.takeGroup()
		if q.N == 0 {
			q.N = 1
		}
		return Top, len(q.By) > 0
	}
	r.takeGroupOfValues()
	measured := len(q.Measures) > 0
	if !measured && len(r.entities) == 2 && r.has("top", "bottom") { // "which continent has the most countries"
		q.By, q.Measures, r.entities = r.entities[:1:1], r.entities[1:], nil
		return Distinct, true
	}
	if !measured && r.hasSubject() && len(r.entities)+len(q.By) > 0 { // "which island has the most penguins"
		r.takeGroup()
		q.N = max(q.N, 1)
		r.countsRows = true
		return Top, true
	}
	if !measured && r.has("top", "bottom") && r.has("count") {
		r.takeGroup()
		if q.N == 0 {
			q.N = 1
		}
		return Top, len(q.By) > 0 // "which species has the highest count"
	}
	// "what is the highest body mass by species" is a maximum in each group.
	if measured && q.N == 0 && len(r.entities) == 0 && !r.has("which", "list") && !r.said.aggs && !r.asksWho() {
		if q.Bottom {
			q.Aggs = []Agg{Min}
		} else {
			q.Aggs = []Agg{Max}
		}
		q.Bottom, r.said.aggs = false, true
		return Aggregate, true
	}
	if q.N == 0 && !r.said.number && (len(r.entities) > 0 || len(q.By) > 0 || r.asksWho()) {
		q.N = 1
		if r.plural() {
			q.N = defaultTop
		}
	}
	r.takeGroup()
	return Top, measured
}

// countedRows is the note of a trend that no number was named for.
const countedRows = "You named no number, so I counted rows."

// defaultTop is the N of "the largest countries".
const defaultTop = 5

// asksWho tells whether a superlative is about rows: "the heaviest penguin".
func (r *reader) asksWho() bool {
	return r.hasSubject()
}

// plural tells whether what is ranked is named in the plural.
func (r *reader) plural() bool {
	for i := range r.spans {
		s := &r.spans[i]
		if s.kind != subjectSpan && (s.kind != columnSpan || !anyColumn(s, Column.Text)) {
			continue
		}
		w := strings.ToLower(s.text)
		if stem(w) != w && !r.has("which") {
			return true
		}
	}
	return false
}

// counting reads "how many …": rows, or the different values of a column.
func (r *reader) counting() (Intent, bool) {
	q := &r.q
	if len(q.Aggs) == 1 && q.Aggs[0] == Sum { // "the total number of penguins"
		q.Aggs = nil
	}
	if len(q.Aggs) > 0 {
		r.stop("I can count, or take the " + AggName(q.Aggs[0]) + " of a column, but not both at once." + r.data.numbersSentence())
		return Count, true
	}
	if len(q.Measures) == 1 && q.Measures[0].Additive() && len(r.entities) == 0 && !slicesHas(q.Filters, q.Measures[0]) {
		q.Aggs, r.said.aggs = []Agg{Sum}, true
		q.note("I added up " + q.Measures[0].Name + ".")
		return Aggregate, true
	}
	if len(r.entities) > 0 {
		e := r.entities[0]
		if r.data.perRow(e) {
			q.note("Every row has its own " + e.Name + ", so I counted rows.")
			r.entities = nil
			return Count, true
		}
		if r.has("by") && len(q.By) == 0 && !r.usedKey("by") {
			r.takeGroup()
			return Count, true
		}
		r.measureEntities()
		return Distinct, true
	}
	r.takeGroupOfValues() // "how many males and females on each island"
	return Count, len(q.By) > 0 || len(q.Filters) > 0 || r.hasSubject() || !r.likeBefore
}

func slicesHas(filters []Filter, c Column) bool {
	for _, f := range filters {
		if f.Column.Name == c.Name {
			return true
		}
	}
	return false
}
