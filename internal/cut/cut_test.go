package cut

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s                         string
		most                      int
		bytes, marked, characters string
	}{
		{"", 0, "", "", ""},
		{"abcd", 4, "abcd", "abcd", "abcd"},
		{"abcde", 4, "abcd", "a…", "abc…"},
		{"ééé", 5, "éé", "é…", "ééé"},
		{"a猫b", 3, "a", "…", "a猫b"},
		{"a猫bc", 3, "a", "…", "a猫…"},
		{"abc", 0, "", "…", "…"},
		{"abc", -1, "", "…", "…"},
	} {
		if got := Bytes(c.s, c.most); got != c.bytes {
			t.Errorf("Bytes(%q, %d) = %q, want %q", c.s, c.most, got, c.bytes)
		}
		if got := string(Bytes([]byte(c.s), c.most)); got != c.bytes {
			t.Errorf("Bytes of the bytes of %q, %d = %q, want %q", c.s, c.most, got, c.bytes)
		}
		if got := ToBytes(c.s, c.most); got != c.marked {
			t.Errorf("ToBytes(%q, %d) = %q, want %q", c.s, c.most, got, c.marked)
		}
		if got := ToCharacters(c.s, c.most); got != c.characters {
			t.Errorf("ToCharacters(%q, %d) = %q, want %q", c.s, c.most, got, c.characters)
		}
	}
}

func TestWhateverIsCutFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, most := rapid.String().Draw(t, "s"), rapid.IntRange(3, 50).Draw(t, "most")
		for _, got := range []string{Bytes(s, most), ToBytes(s, most)} {
			if len(got) > most || !utf8.ValidString(got) || !strings.HasPrefix(s, strings.TrimSuffix(got, mark)) {
				t.Errorf("%q of %q", got, s)
			}
		}
		if got := ToCharacters(s, most); utf8.RuneCountInString(got) > most || !utf8.ValidString(got) || !strings.HasPrefix(s, strings.TrimSuffix(got, mark)) {
			t.Errorf("%q of %q", got, s)
		}
	})
}
