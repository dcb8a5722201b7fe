package question

import (
	"regexp"
	"strings"
)

// Context is what a question is read against, its own words aside.
type Context struct {
	// Previous is the query that a follow-up ("now by region") builds on; nil:
	// there is none. It may be one that still lacks something.
	Previous *Query
	// Pending tells that Previous lacks something that was asked for last.
	Pending bool
	// Found are the values that lookups in the data came back with.
	Found []Found
	// Missed are the words that lookups did not find in the data.
	Missed []string
}

// Reading is what a question turned out to mean. Exactly one of Query (with an
// empty Problem), Talk, Lookup, Ambiguous and Problem says so.
type Reading struct {
	Query *Query
	// Talk is "greeting", "thanks" or "help": nothing to compute.
	Talk string
	// Lookup are phrases that no list knows: perhaps they are values that the
	// profile's samples do not show.
	Lookup []string
	// Ambiguous is a phrase that fits more than one thing.
	Ambiguous *Ambiguity
	// Problem says, in a sentence for a person, why there is no query.
	Problem string
	// Instead are questions that can be answered, beside a Problem.
	Instead []string
	// Partial is a query that lacks what Problem asks for.
	Partial *Query
}

// Ambiguity is a phrase that fits more than one column or value.
type Ambiguity struct {
	Phrase     string
	Candidates []string
	Values     bool // the candidates are values, not columns
}

// reader holds one question while it is taken apart. Each of its passes marks
// the spans that it accounts for.
type reader struct {
	data  *Dataset
	ctx   Context
	text  string
	spans []span
	q     Query
	halt  *Reading // set by a pass that cannot go on

	// What was said in so many words; a follow-up changes only this.
	said struct {
		aggs, kind, number, order, period, clear, add bool
	}
	likeBefore bool     // words that point at the question before
	countsRows bool     // "the most penguins" are rows
	filterAt   []int    // the span that says each of q.Filters
	whole      bool     // "the world": all rows
	entities   []Column // named, and neither measured nor divided by
}

var fence = regexp.MustCompile("(?s)```(?:python|py)?[ \t]*\r?\n(.*?)```")

// Read takes a question apart.
func (d *Dataset) Read(text string, ctx Context) Reading {
	if m := fence.FindStringSubmatch(text); m != nil && strings.TrimSpace(m[1]) != "" {
		return Reading{Query: &Query{Intent: Run, Code: m[1]}}
	}
	if len(text) > maxQuestion || len(tokenize(text)) > maxTokens {
		return Reading{Problem: "That is longer than the questions I understand; please ask in a sentence or two."}
	}
	t := tagger{data: d, found: ctx.Found, lex: theLexicon(), subject: d.subject()}
	r := &reader{data: d, ctx: ctx, text: text, spans: t.spans(text)}
	if talk := r.talk(); talk != "" {
		return Reading{Talk: talk}
	}
	for _, pass := range []func(){
		r.readWhy, r.settleKeywords, r.readMarkers, r.readNumbers, r.readComparisons, r.readTimes,
		r.readGroups, r.readValues, r.readMeasures, r.readUnknown, r.conclude, r.finish,
	} {
		pass()
		if r.halt != nil {
			return *r.halt
		}
	}
	return Reading{Query: &r.q}
}

// Talk reads a message that no data set is needed for: "greeting", "thanks",
// "help" or "".
func Talk(text string) string {
	return (&Dataset{}).Read(text, Context{}).Talk
}

// talk returns what the message is if it is nothing but talk.
func (r *reader) talk() string {
	said := ""
	for i := range r.spans {
		s := &r.spans[i]
		switch {
		case s.kind == breakSpan:
		case s.is("chat."):
			if k := s.key("chat."); said == "" || said == "chat.greeting" {
				said = k
			}
		case s.kind == stopSpan:
		default:
			return ""
		}
	}
	return strings.TrimPrefix(said, "chat.")
}

// stop ends the reading with a sentence for a person.
func (r *reader) stop(problem string) {
	r.halt = &Reading{Problem: problem}
}

// lacking ends the reading with a question whose answer would complete it.
func (r *reader) lacking(problem string) {
	partial := r.q.clone()
	r.halt = &Reading{Problem: problem, Partial: &partial}
}

// ambiguous ends the reading because a phrase fits several columns.
func (r *reader) ambiguous(s *span, matches []columnMatch) {
	a := &Ambiguity{Phrase: s.text}
	for _, m := range matches {
		a.Candidates = append(a.Candidates, m.column.Name)
	}
	r.halt = &Reading{Ambiguous: a}
}

// next returns the index of the next span that is not a mere stop word, or -1.
func (r *reader) next(i int) int {
	for i++; i < len(r.spans); i++ {
		if k := r.spans[i].kind; k != stopSpan {
			return i
		}
	}
	return -1
}

// last is next in the other direction.
func (r *reader) last(i int) int {
	for i--; i >= 0; i-- {
		if k := r.spans[i].kind; k != stopSpan {
			return i
		}
	}
	return -1
}

// has tells whether a phrase with one of the keys stands anywhere.
func (r *reader) has(keys ...string) bool { return r.find(keys...) >= 0 }

// find returns the index of the first phrase with one of the keys, or -1.
func (r *reader) find(keys ...string) int {
	for i := range r.spans {
		if s := &r.spans[i]; s.kind != columnSpan && s.is(keys...) && !(s.used && s.kind == numberSpan) {
			return i
		}
	}
	return -1
}

// column settles which column a span means, for a use that only some columns
// fit; ok is false where it means none or the reading was ended.
func (r *reader) column(s *span, fits func(Column) bool) (Column, bool) {
	matches := s.columns
	if len(matches) == 0 {
		return Column{}, false
	}
	if fits != nil {
		var fitting []columnMatch
		for _, m := range matches {
			if fits(m.column) {
				fitting = append(fitting, m)
			}
		}
		if len(fitting) == 0 {
			return Column{}, false
		}
		matches = fitting
	}
	if len(matches) > 1 {
		r.ambiguous(s, matches)
		return Column{}, false
	}
	s.used = true
	m := matches[0]
	if m.sure < sureNoUnit && !obvious(s.text, m.column) {
		r.q.note("I took “" + strings.TrimSpace(s.text) + "” to be " + m.column.Name + ".")
	}
	return m.column, true
}

// obvious tells whether a synonym needs no note: the name begins like the
// phrase, "population" for "pop".
func obvious(text string, c Column) bool {
	name := fold(strings.Join(withoutUnits(nameWords(c.Name)), ""))
	return len(name) >= 3 && strings.HasPrefix(fold(text), name) && len(fold(text)) > len(name)+1
}

// peek is column without consequences: the one column that fits, if it is one.
func peek(s *span, fits func(Column) bool) (Column, bool) {
	var out Column
	n := 0
	for _, m := range s.columns {
		if fits == nil || fits(m.column) {
			out = m.column
			n++
		}
	}
	return out, n == 1
}

// anyColumn tells whether the span may be a column that fits.
func anyColumn(s *span, fits func(Column) bool) bool {
	for _, m := range s.columns {
		if fits(m.column) {
			return true
		}
	}
	return false
}
