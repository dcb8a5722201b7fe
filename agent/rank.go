package agent

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
)

const (
	// roomy is the share of a dataset in the catalogue, characters, from which on
	// none need be preferred.
	roomy = 600
	// preferred is how many datasets are told of at more length than others.
	preferred = 5
	// inName and inColumn are what a word of the question counts for.
	inName, inColumn = 3, 1
	// shortest is how many letters a word has at least that counts.
	shortest = 3
)

// ranked is a dataset with what of its words the question has.
type ranked struct {
	*ent.Dataset
	score int
}

// rank orders datasets for a question: those that share words with it first, in
// the order in which they were added where that does not tell them apart.
func rank(datasets []*ent.Dataset, question string) []ranked {
	asked := words(question)
	out := make([]ranked, len(datasets))
	for i, d := range datasets {
		out[i] = ranked{d, score(d, asked)}
	}
	slices.SortStableFunc(out, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	return out
}

func score(d *ent.Dataset, asked map[string]bool) int {
	n := 0
	counted := map[string]bool{}
	count := func(text string, points int) {
		for w := range words(text) {
			if asked[w] && !counted[w] {
				counted[w] = true
				n += points
			}
		}
	}
	count(d.Name, inName)
	count(d.TableDataset+" "+d.TableName, inName)
	for _, c := range d.Edges.Columns {
		count(c.Name, inColumn)
	}
	count(d.Description, inColumn)
	return n
}

// words are those of a text, in lower case and without the plural's s; names are
// cut where their parts meet (order_items, orderItems). Of a script that does not
// part its words each pair of characters is one.
func words(text string) map[string]bool {
	out := map[string]bool{}
	var word []rune
	end := func() {
		switch w := strings.ToLower(string(word)); {
		case len(word) == 0:
		case unparted(word[0]):
			for i := range len(word) - 1 {
				out[string(word[i:i+2])] = true
			}
		case utf8.RuneCountInString(w) >= shortest:
			out[strings.TrimSuffix(w, "s")] = true
		}
		word = word[:0]
	}
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			end()
			continue
		case len(word) > 0 && (unicode.IsUpper(r) && unicode.IsLower(word[len(word)-1]) || unparted(r) != unparted(word[0])):
			end()
		}
		word = append(word, r)
	}
	end()
	return out
}

// unparted tells whether words of the character's script stand without spaces.
func unparted(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// shares says how many characters of the room each of the datasets, which are
// ranked, has. Where there is little for each, the first that the question speaks
// of have two thirds of what is left when all are named.
func (k *work) shares(all []ranked, room int) []int {
	out := make([]int, len(all))
	equal := room / len(all)
	first := 0
	for first < min(preferred, len(all)) && all[first].score > 0 {
		first++
	}
	if equal >= roomy || first == 0 || first == len(all) {
		for i := range out {
			out[i] = equal
		}
		return out
	}
	left := room
	for i, d := range all {
		out[i] = utf8.RuneCountInString(k.catalogued(d.Dataset, 0))
		left -= out[i]
	}
	if left <= 0 {
		return out
	}
	for i := range out {
		if i < first {
			out[i] += left * 2 / 3 / first
		} else {
			out[i] += left / 3 / (len(all) - first)
		}
	}
	return out
}
