package question

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// How surely a phrase names a column. The order is the order of preference.
const (
	sureExact   = 100 // the name itself, whatever its case and punctuation
	sureNoUnit  = 95  // the name without its unit
	sureSynonym = 85  // another word for the same thing
	sureAbbrev  = 80  // the name is short for the phrase, or the phrase for the name
	sureTypo    = 60  // the name, but for a slip
	surePart    = 50  // some of the words of the name
)

// columnMatch is a column that a phrase may stand for.
type columnMatch struct {
	column Column
	sure   int
}

// fold brings text to what names are compared by: letters without accents and
// digits, in lower case.
func fold(text string) string {
	var out strings.Builder
	for _, r := range norm.NFD.String(text) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// matchColumns returns the columns that the phrase may stand for: all those of
// the highest sureness that any column reaches.
func (d *Dataset) matchColumns(phrase []token) []columnMatch {
	var best []columnMatch
	for _, c := range d.Columns {
		sure := sureness(phrase, c.Name)
		if sure == surePart && !c.Numeric() && amountOfOtherName(phrase, c.Name) {
			sure = 0 // "revenue" is not the "Sales Rep"
		}
		switch {
		case sure == 0 || len(best) > 0 && sure < best[0].sure:
		case len(best) > 0 && sure == best[0].sure:
			best = append(best, columnMatch{c, sure})
		default:
			best = []columnMatch{{c, sure}}
		}
	}
	return best
}

// amountOfOtherName tells whether phrase is a word for an amount that the name
// does not hold itself: only a synonym ties the two.
func amountOfOtherName(phrase []token, name string) bool {
	own := stemAll(nameWords(name))
	return slices.ContainsFunc(phrase, func(t token) bool {
		w := stem(t.lower)
		return (hasWord("amount.words", t.lower) || hasWord("amount.words", w)) && !slices.Contains(own, w)
	})
}

// sureness says how surely phrase names the column called name; 0: not at all.
func sureness(phrase []token, name string) int {
	var asked []string
	var written strings.Builder
	for _, t := range phrase {
		written.WriteString(t.text)
		for _, w := range nameWords(t.lower) {
			asked = append(asked, stem(w))
		}
	}
	full := nameWords(name)
	if fold(written.String()) == fold(name) && fold(name) != "" {
		return sureExact
	}
	all := stemAll(full)
	bare := stemAll(withoutUnits(full))
	joined := strings.Join(asked, "")
	switch {
	case slices.Equal(asked, all) || joined == strings.Join(all, ""):
		return sureExact
	case slices.Equal(asked, bare) || joined == strings.Join(bare, ""):
		return sureNoUnit
	case synonymous(asked, bare) || synonymous(asked, all):
		return sureSynonym
	case abbreviates(asked, bare):
		return sureAbbrev
	case len(asked) == len(bare) && slipped(asked, bare), slippedWhole(phrase, full):
		return sureTypo
	case len(bare) > 1 && part(asked, bare):
		return surePart
	}
	return 0
}

func stemAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = stem(w)
	}
	return out
}

// synonymous tells whether one class holds both phrases.
func synonymous(a, b []string) bool {
	index := theLexicon().inClass
	others := index[strings.Join(b, " ")]
	return len(others) > 0 && slices.ContainsFunc(index[strings.Join(a, " ")], func(c int) bool { return slices.Contains(others, c) })
}

// concept tells whether the column measures what the class of that code is
// about: a phrase of the class is the name, its unit aside, or the name holds the
// code itself ("total_weight_kg": weight).
func concept(code string, c Column) bool {
	name := stemAll(withoutUnits(nameWords(c.Name)))
	for _, class := range theLexicon().classes {
		if class.code != code {
			continue
		}
		own := func(phrase []string) bool { return slices.Equal(phrase, name) }
		if slices.ContainsFunc(class.phrases, own) || slices.Contains(name, code) {
			return true
		}
	}
	return false
}

// abbreviates tells whether the words of one side begin with those of the other,
// one by one: "life", "expectancy" and "life", "exp". A word of the name may also
// stand for two asked ("percap", "per capita").
func abbreviates(asked, name []string) bool {
	if len(asked) == 0 {
		return false
	}
	i := 0
	for _, n := range name {
		if i == len(asked) {
			return false
		}
		switch {
		case begins(asked[i], n):
			i++
		case i+1 < len(asked) && begins(asked[i]+asked[i+1], n):
			i += 2
		default:
			return false
		}
	}
	return i == len(asked)
}

// begins tells whether a and b are equal or the shorter, of three letters at
// least, begins the longer.
func begins(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(a) >= 3 && strings.HasPrefix(b, a)
}

// slipped tells whether a and b are equal but for slips in single words.
func slipped(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] && !near(a[i], b[i]) {
			return false
		}
	}
	return true
}

// slippedWhole compares a single word before it is brought to its stem, which a
// slip would spoil: "speceis".
func slippedWhole(phrase []token, name []string) bool {
	return len(phrase) == 1 && near(fold(phrase[0].lower), strings.Join(withoutUnits(name), ""))
}

// part tells whether asked are some of the words of name, in their order.
func part(asked, name []string) bool {
	if len(asked) == 0 || len(asked) >= len(name) {
		return false
	}
	i := 0
	for _, n := range name {
		if i < len(asked) && (asked[i] == n || synonymous(asked[i:i+1], []string{n})) {
			i++
		}
	}
	return i == len(asked)
}
