package question

import (
	"slices"
	"strings"
)

// spanKind says what a phrase of a question is.
type spanKind int

const (
	unknownSpan spanKind = iota
	stopSpan             // a word without a meaning of its own
	keySpan              // a phrase of the grammar
	columnSpan           // may be a key as well: a column called "year"
	valueSpan            // a value of a text column
	numberSpan
	dateSpan
	signSpan
	breakSpan
	subjectSpan // "rows", "penguins": what the data set is about
)

// span is a phrase of a question and what it may mean.
type span struct {
	kind    spanKind
	text    string // as written
	from    int    // where it starts in the question, in bytes
	to      int
	keys    []string
	columns []columnMatch
	values  []valueMatch
	number  float64
	unit    string // the unit that followed the number
	quoted  bool
	slip    string // the word of the grammar that this is a slip of
	used    bool   // some part of the reading accounts for it
}

// is tells whether the phrase has one of the keys; a key that ends in a dot
// stands for all that start with it.
func (s *span) is(keys ...string) bool {
	return s.key(keys...) != ""
}

// key returns the first of the phrase's keys that is asked for, or "".
func (s *span) key(keys ...string) string {
	for _, k := range s.keys {
		for _, want := range keys {
			if k == want || strings.HasSuffix(want, ".") && strings.HasPrefix(k, want) {
				return k
			}
		}
	}
	return ""
}

// tagger turns the tokens of a question into spans.
type tagger struct {
	data    *Dataset
	found   []Found
	lex     *lexicon
	subject map[string]bool
}

// longestPhrase is how many tokens a column or a value may take.
const longestPhrase = 6

func (t *tagger) spans(text string) []span {
	tokens := tokenize(text)
	var out []span
	for i := 0; i < len(tokens); {
		s, n := t.at(tokens[i:])
		s.from, s.to = tokens[i].from, tokens[i+n-1].to
		s.text = text[s.from:s.to]
		out = append(out, s)
		i += n
	}
	return out
}

// at reads the phrase that the tokens start with, and says how many it takes.
func (t *tagger) at(tokens []token) (span, int) {
	first := tokens[0]
	switch first.kind {
	case quotedToken:
		return t.quoted(first), 1
	case signToken:
		return t.sign(first), 1
	case dateToken:
		return span{kind: dateSpan}, 1
	}
	if s, n, ok := t.sure(tokens); ok {
		return s, n
	}
	switch first.kind {
	case numberToken:
		return t.number(tokens)
	case breakToken:
		return span{kind: breakSpan, used: true}, 1
	}
	return t.unsure(tokens)
}

func (t *tagger) quoted(tok token) span {
	s := span{kind: unknownSpan, quoted: true}
	for _, c := range t.data.Columns {
		if strings.EqualFold(strings.TrimSpace(c.Name), tok.text) {
			return span{kind: columnSpan, quoted: true, columns: []columnMatch{{c, sureExact}}}
		}
	}
	inside := tokenize(tok.text)
	if len(inside) == 0 {
		return s
	}
	if vals := t.data.matchValues(inside, t.found); len(vals) > 0 {
		return span{kind: valueSpan, quoted: true, values: vals}
	}
	if cols := t.data.matchColumns(inside); len(cols) > 0 && cols[0].sure >= sureNoUnit {
		return span{kind: columnSpan, quoted: true, columns: cols}
	}
	return s
}

var signKeys = map[string]string{
	">": "cmp.gt", ">=": "cmp.ge", "<": "cmp.lt", "<=": "cmp.le", "=": "cmp.eq", "!=": "not", "to": "to",
}

func (t *tagger) sign(tok token) span {
	return span{kind: signSpan, keys: []string{signKeys[tok.lower]}}
}

// number reads a number with its scale ("million") and its unit ("g").
func (t *tagger) number(tokens []token) (span, int) {
	s, n := span{kind: numberSpan, number: tokens[0].value}, 1
	if strings.HasSuffix(tokens[0].text, "%") {
		s.unit = "percent"
	}
	for n < len(tokens) && tokens[n].kind == wordToken {
		w := tokens[n].lower
		scale := slices.IndexFunc(t.lex.lookup([]string{stem(w)}), func(k string) bool { return strings.HasPrefix(k, "scale.") })
		switch {
		case scale >= 0 && s.unit == "":
			s.number *= scaleOf(t.lex.lookup([]string{stem(w)})[scale])
		case s.unit == "" && unitName(w) != "":
			s.unit = unitName(w)
		default:
			return s, n
		}
		n++
	}
	return s, n
}

// sure returns the longest phrase that is certainly a column, a value or a
// phrase of the grammar.
func (t *tagger) sure(tokens []token) (span, int, bool) {
	if tokens[0].kind == breakToken {
		return span{}, 0, false
	}
	for n := min(max(longestPhrase, t.lex.longest), len(tokens)); n > 0; n-- {
		phrase := tokens[:n]
		broken := slices.ContainsFunc(phrase, func(x token) bool { return x.kind != wordToken && x.kind != numberToken })
		quoted := slices.ContainsFunc(phrase, func(x token) bool { return x.kind == quotedToken })
		if quoted || phrase[n-1].kind == breakToken {
			continue
		}
		onlyNumber := n == 1 && phrase[0].kind == numberToken
		var values []valueMatch
		if !onlyNumber && n <= longestPhrase {
			values = t.data.matchValues(phrase, t.found)
		}
		if broken {
			if len(values) > 0 {
				return span{kind: valueSpan, values: values}, n, true
			}
			continue
		}
		keys := t.lex.lookup(phraseStems(phrase))
		var columns []columnMatch
		if n <= longestPhrase && !onlyNumber {
			columns = t.data.matchColumns(phrase)
		}
		if s, ok := t.choose(phrase, keys, columns, values); ok {
			return s, n, true
		}
	}
	return span{}, 0, false
}

// choose settles what a phrase is that several lists know.
func (t *tagger) choose(phrase []token, keys []string, columns []columnMatch, values []valueMatch) (span, bool) {
	if len(columns) > 0 && columns[0].sure < sureAbbrev {
		columns = nil
	}
	onlyStop := len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return k != "stop" })
	// "total" is no short form of "total_bill", but "amount" is "Amount (USD)".
	named := sureExact
	if onlyStop {
		named = sureNoUnit
	}
	if len(columns) > 0 && columns[0].sure < named && len(keys) > 0 {
		columns = nil
	}
	short := len(phrase) == 1 && len(phrase[0].lower) < 3
	subject := len(phrase) == 1 && t.subject[stem(phrase[0].lower)]
	switch {
	case len(columns) > 0 && columns[0].sure >= named && !(onlyStop && short):
		s := span{kind: columnSpan, columns: columns}
		if !onlyStop {
			s.keys = keys
		}
		return s, true
	case len(values) > 0 && (len(keys) == 0 || onlyStop) && !(short && phrase[0].text != strings.ToUpper(phrase[0].text)):
		return span{kind: valueSpan, values: values}, true
	case onlyStop:
		return span{kind: stopSpan, keys: keys, used: true}, true
	case len(keys) > 0:
		return span{kind: keySpan, keys: keys, values: values}, true
	case len(columns) > 0 && !(subject && columns[0].sure < sureSynonym):
		return span{kind: columnSpan, columns: columns}, true
	case subject:
		return span{kind: subjectSpan, used: true}, true
	}
	return span{}, false
}

// unsure reads a word that no list knows as it stands: as a part of a column's
// name, else as a slip.
func (t *tagger) unsure(tokens []token) (span, int) {
	for n := min(longestPhrase, len(tokens)); n > 0; n-- {
		if slices.ContainsFunc(tokens[:n], func(x token) bool { return x.kind != wordToken }) {
			continue
		}
		if cols := t.data.matchColumns(tokens[:n]); len(cols) > 0 {
			return span{kind: columnSpan, columns: cols}, n
		}
	}
	for n := min(longestPhrase, len(tokens)); n > 0; n-- {
		if slices.ContainsFunc(tokens[:n], func(x token) bool { return x.kind != wordToken }) {
			continue
		}
		if vals := t.data.slippedValues(tokens[:n]); len(vals) > 0 {
			return span{kind: valueSpan, values: vals}, n
		}
	}
	if w, keys := t.lex.nearest(stem(tokens[0].lower)); len(keys) > 0 {
		return span{kind: keySpan, keys: keys, slip: w}, 1
	}
	for name := range t.subject {
		if near(stem(tokens[0].lower), name) {
			return span{kind: subjectSpan, slip: name, used: true}, 1
		}
	}
	return span{kind: unknownSpan}, 1
}

func phraseStems(phrase []token) []string {
	out := make([]string, len(phrase))
	for i, p := range phrase {
		out[i] = stem(p.lower)
	}
	return out
}
