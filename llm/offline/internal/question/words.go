package question

import (
	"strings"
	"unicode"
)

// nameWords splits the name of a column into lower-case words: at anything that
// is neither a letter nor a digit, where the case changes ("gdpPercap") and
// between letters and digits. It always returns at least one word.
func nameWords(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case i > 0 && unicode.IsUpper(r) && unicode.IsLower(runes[i-1]),
			i > 0 && i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsUpper(r) && unicode.IsLower(runes[i+1]),
			i > 0 && unicode.IsDigit(r) != unicode.IsDigit(runes[i-1]):
			flush()
		}
		word = append(word, r)
	}
	flush()
	if len(out) == 0 {
		out = append(out, strings.ToLower(strings.TrimSpace(name)))
	}
	return out
}

// withoutUnits drops a trailing unit from the words of a name, unless nothing
// would be left: "body", "mass", "g" becomes "body", "mass".
func withoutUnits(words []string) []string {
	for len(words) > 1 && hasWord("unit.words", words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	return words
}

// stem brings a word to a form that its plural shares. It is crude on purpose:
// both sides of every comparison go through it.
func stem(w string) string {
	switch {
	case w == "ids":
		return "id"
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") ||
		strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") &&
		!strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// near tells whether a and b differ by a slip of the fingers: one edit from five
// letters on, two from nine on. Words that start differently are never near.
func near(a, b string) bool {
	ra, rb := []rune(a), []rune(b)
	short := min(len(ra), len(rb))
	if short < 4 || ra[0] != rb[0] || a == b {
		return false
	}
	allowed := 1
	if short >= 9 {
		allowed = 2
	}
	if short == 4 && len(ra) == len(rb) && !swapped(ra, rb) {
		return false // "mass" is not "male"
	}
	return distance(ra, rb) <= allowed
}

// swapped tells whether a and b differ by two neighbouring letters only.
func swapped(a, b []rune) bool { return distance(a, b) == 1 && sameLetters(a, b) }

func sameLetters(a, b []rune) bool {
	count := map[rune]int{}
	for _, r := range a {
		count[r]++
	}
	for _, r := range b {
		count[r]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours count one each.
func distance(a, b []rune) int {
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 4 // further than anybody asks for
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
