package untrusted

import (
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain":                {"Süße 猫, 1 < 2\t.\n", "Süße 猫, 1 < 2\t.\n"},
		"tags":                 {"hi\U000E0049\U000E0067\U000E006E", "hi"},
		"zero width":           {"ig\u200bno\u2060re\ufeff", "ignore"},
		"direction":            {"abc\u202edcba\u202c", "abcdcba"},
		"controls":             {"a\x00b\x1b[31mc\x7f", "ab[31mc"},
		"line ends":            {"a\r\nb\rc", "a\nb\nc"},
		"bad UTF-8":            {"a\xffb", "a\uFFFDb"},
		"joined emoji stay":    {"👩\u200d🔬", "👩\u200d🔬"},
		"persian joiner stays": {"می\u200cخواهم", "می\u200cخواهم"},
		"joiner in latin goes": {"pass\u200dword", "password"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clean(tc.in); got != tc.want {
				t.Errorf("Clean(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
	if got := Line(" a\n\tb\u200b  c "); got != "a b c" {
		t.Errorf("Line = %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\u200b\U000E0041\x00")
	f.Fuzz(func(t *testing.T, s string) {
		once := Clean(s)
		if !utf8.ValidString(once) {
			t.Fatalf("not UTF-8: %q", once)
		}
		for _, r := range once {
			if r != '\n' && r != '\t' && r != '\u200c' && r != '\u200d' && hidden(r) {
				t.Fatalf("%q kept %U", s, r)
			}
		}
	})
}
