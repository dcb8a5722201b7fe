package question

import "regexp"

// To "order" is left out: orders are what many tables are about.
var (
	sortWords = regexp.MustCompile(`(?i)\b(sort|sorted|ordered|ranked) `)
	ascending = regexp.MustCompile(`(?i)\b(ascending|asc)\b`)
)

// sortedRows is how many rows a sorted list shows.
const sortedRows = 10

// sorts tells whether rows are wanted in an order, and nothing that is computed.
func (r *reader) sorts() bool {
	return sortWords.MatchString(r.text) && !r.has("agg.", "count", "distinct", "share", "trend")
}

// readSorting reads "penguins sorted by body mass": the rows at one end.
func (r *reader) readSorting() {
	if !r.sorts() || r.q.Time != nil {
		return
	}
	if len(r.q.Measures) == 0 {
		r.stop("I sort rows by a column of numbers only." + r.data.numbersSentence())
		return
	}
	r.said.order = true
	r.q.Bottom = ascending.MatchString(r.text)
	if r.q.N == 0 {
		r.q.N = sortedRows
	}
	if r.q.Bottom {
		r.q.note("I sorted from the lowest to the highest.")
	} else {
		r.q.note("I sorted from the highest to the lowest; say “ascending” for the other way round.")
	}
}
