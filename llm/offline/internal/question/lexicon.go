package question

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

var (
	//go:embed lexicon.txt
	lexiconText string
	//go:embed synonyms.txt
	synonymText string
	//go:embed aliases.txt
	aliasText string
)

// lexicon is what the three word files hold, read once and never changed.
type lexicon struct {
	keys    map[string][]string        // a phrase in stems, joined by spaces → its keys
	longest int                        // words in the longest phrase
	lists   map[string]map[string]bool // "unit.words" → its words
	single  []string                   // phrases of one long word: those that forgive slips
	classes []class
	inClass map[string][]int  // a phrase in stems, joined by spaces → the classes that hold it
	aliases map[string]string // a short form → the full value, lower case
}

// class is a set of phrases that may stand for one another.
type class struct {
	code    string
	phrases [][]string // each in stems
}

var theLexicon = sync.OnceValue(func() *lexicon {
	lex := &lexicon{
		keys:    map[string][]string{},
		lists:   map[string]map[string]bool{},
		aliases: map[string]string{},
		inClass: map[string][]int{},
	}
	for key, list := range entries(lexiconText, ":") {
		for _, phrase := range list {
			if strings.HasSuffix(key, ".words") {
				if lex.lists[key] == nil {
					lex.lists[key] = map[string]bool{}
				}
				lex.lists[key][phrase] = true
				continue
			}
			ws := stems(phrase)
			joined := strings.Join(ws, " ")
			if slices.Contains(lex.keys[joined], key) {
				continue // singular and plural are one phrase
			}
			lex.keys[joined] = append(lex.keys[joined], key)
			lex.longest = max(lex.longest, len(ws))
			if len(ws) == 1 && len(ws[0]) >= 6 {
				lex.single = append(lex.single, ws[0])
			}
		}
	}
	for code, list := range entries(synonymText, "=") {
		c := class{code: code}
		for _, phrase := range list {
			c.phrases = append(c.phrases, stems(phrase))
			joined := strings.Join(stems(phrase), " ")
			lex.inClass[joined] = append(lex.inClass[joined], len(lex.classes))
		}
		lex.classes = append(lex.classes, c)
	}
	for short, full := range entries(aliasText, "=") {
		lex.aliases[short] = strings.ToLower(full[0])
	}
	return lex
})

// entries yields the lines of a word file in their order.
func entries(text, separator string) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, rest, _ := strings.Cut(line, separator)
			var list []string
			for phrase := range strings.SplitSeq(rest, ",") {
				list = append(list, strings.TrimSpace(phrase))
			}
			if !yield(strings.TrimSpace(key), list) {
				return
			}
		}
	}
}

func stems(phrase string) []string {
	var out []string
	for w := range strings.FieldsSeq(phrase) {
		// As the words of a question are: without a possessive 's.
		out = append(out, stem(strings.TrimSuffix(w, "'s")))
	}
	return out
}

// lookup returns the keys of a phrase given in stems.
func (l *lexicon) lookup(phrase []string) []string {
	return l.keys[strings.Join(phrase, " ")]
}

// nearest returns the keys of the one word of the grammar that w is a slip of.
func (l *lexicon) nearest(w string) (word string, keys []string) {
	for _, candidate := range l.single {
		if near(w, candidate) {
			return candidate, l.keys[candidate]
		}
	}
	return "", nil
}

// hasWord tells whether a list of the lexicon holds w.
func hasWord(list, w string) bool { return theLexicon().lists[list][w] }

// words returns the words of a list.
func words(list string) []string {
	var out []string
	for w := range theLexicon().lists[list] {
		out = append(out, w)
	}
	return out
}
