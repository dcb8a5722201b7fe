package question

import (
	"regexp"
	"slices"
	"strings"
)

// Resolve reads a reply to the question which of the candidates was meant. It
// returns the first question with the phrase replaced by the candidate; ok is
// false where the reply names none or several.
func (a Ambiguity) Resolve(question, reply string) (string, bool) {
	chosen := ""
	for _, c := range a.Candidates {
		if _, value, _ := strings.Cut(c, " = "); fold(c) == fold(reply) || a.Values && fold(value) == fold(reply) {
			chosen = c // in so many words
		}
	}
	if chosen == "" {
		meant := slices.DeleteFunc(slices.Clone(a.Candidates), func(c string) bool { return !means(reply, c) })
		if len(meant) != 1 {
			return "", false
		}
		chosen = meant[0]
	}
	quoted := quote(chosen)
	if column, value, ok := strings.Cut(chosen, " = "); a.Values && ok {
		quoted = quote(column) + " is " + quote(value)
	}
	if !strings.Contains(question, a.Phrase) {
		return question + " " + quoted, true
	}
	return strings.Replace(question, a.Phrase, quoted, 1), true
}

// Replies returns the question once for each candidate, for a person to choose
// from.
func (a Ambiguity) Replies(d *Dataset, question string) []string {
	var out []string
	for _, c := range a.Candidates {
		if whole, ok := a.Resolve(question, c); ok && strings.Contains(question, a.Phrase) && len(out) < maxReplies {
			out = append(out, d.unquoted(whole))
		}
	}
	return out
}

// maxReplies is how many candidates are offered as questions of their own.
const maxReplies = 5

// longestReply is how many words a reply to a question back has at most; more
// are a new question.
const longestReply = 8

// iMean is how a reply may begin.
var iMean = regexp.MustCompile(`(?i)\bi\s+meant?\b`)

// means tells whether all the words of the reply that mean something are in the
// candidate.
func means(reply, candidate string) bool {
	lex := theLexicon()
	var said []string
	tokens := tokenize(iMean.ReplaceAllString(reply, " "))
	if len(tokens) > longestReply {
		return false
	}
	for _, t := range tokens {
		keys := lex.lookup([]string{stem(t.lower)})
		meaning := func(k string) bool { return k != "stop" && k != "it" && k != "back" && k != "number.1" }
		if t.kind == breakToken || len(keys) > 0 && !slices.ContainsFunc(keys, meaning) {
			continue
		}
		said = append(said, nameWords(t.text)...)
	}
	whole := stemAll(nameWords(candidate))
	if len(said) == 0 {
		return false
	}
	for _, w := range stemAll(said) {
		if !slices.Contains(whole, w) {
			return false
		}
	}
	return true
}

// quote puts text into quotation marks that it does not hold itself.
func quote(text string) string {
	switch {
	case !strings.Contains(text, `"`):
		return `"` + text + `"`
	case !strings.Contains(text, "`"):
		return "`" + text + "`"
	}
	return text
}

// Names tells whether the text does nothing but name the data set: the answer to
// the question which one was meant.
func (d *Dataset) Names(text string) bool {
	lex := theLexicon()
	own := d.ownWords()
	named := false
	for _, t := range tokenize(iMean.ReplaceAllString(text, " ")) {
		if t.kind == breakToken {
			continue
		}
		for _, w := range nameWords(t.text) {
			switch {
			case own[stem(w)]:
				named = true
			case hasWord("row.words", stem(w)), w == "csv", isFiller(lex.lookup([]string{stem(w)})):
			default:
				return false
			}
		}
	}
	return named
}

// isFiller tells a word that asks for nothing: "now for the penguins", and not
// "count the penguins".
func isFiller(keys []string) bool {
	return !slices.Contains(keys, "list") && slices.ContainsFunc(keys, func(k string) bool {
		return slices.Contains([]string{"stop", "it", "back", "to", "time.in", "cmp.between", "where", "again", "instead"}, k)
	})
}

// Mentioned tells whether the text names the data set: by a word of its own, or by
// its file's whole name, of which all the words may be others' too: "data.csv".
func (d *Dataset) Mentioned(text string) bool {
	if strings.Contains(d.File, ".") && regexp.MustCompile(`(?i)(^|\W)`+regexp.QuoteMeta(d.File)+`($|\W)`).MatchString(text) {
		return true
	}
	own := d.ownWords()
	for _, t := range tokenize(text) {
		for _, w := range nameWords(t.text) {
			if own[stem(w)] {
				return true
			}
		}
	}
	return false
}

// ownWords are the words of the data set's name and file that tell it from
// others.
func (d *Dataset) ownWords() map[string]bool {
	out := map[string]bool{}
	for _, w := range append(nameWords(d.Name), nameWords(strings.SplitN(d.File, ".", 2)[0])...) {
		if len(w) > 2 && !hasWord("row.words", stem(w)) {
			out[stem(w)] = true
		}
	}
	return out
}
