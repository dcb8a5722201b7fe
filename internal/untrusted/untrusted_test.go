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
		"selectors as bytes":   {"ok\ufe05\ufe0b\ufe0f\U000E0121", "ok"},
		"selectors of symbols": {"☀\ufe0f ☀\ufe0f\ufe0f 1\ufe0f\u20e3 1\ufe0f ©\ufe0f", "☀\ufe0f ☀\ufe0f 1\ufe0f\u20e3 1 ©\ufe0f"},
		"a flag stays":         {"🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"},
		"mongolian":            {"ᠠ\u180b\u180b a\u180b", "ᠠ\u180b a"},
		"annotations":          {"a\ufff9b\ufffac\ufffb", "abc"},
		"controls of notation": {"a\U0001D173b\U0001BCA0c", "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clean(tc.in); got != tc.want {
				t.Errorf("Clean(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
	if got := Visible("a\u200b\U000E0041\x1b\r\n👩\u200d🔬"); got != "a\n👩\u200d🔬" {
		t.Errorf("Visible = %q", got)
	}
	for in, want := range map[string]rune{"plain\n": 0, "a\u202eb": 0x202e, "a\u200c": 0x200c, "a\r\nb": 0, "a\rb": '\r'} {
		if got := Hidden(in); got != want {
			t.Errorf("Hidden(%q) = %U", in, got)
		}
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
		if again := Clean(once); again != once {
			t.Fatalf("%q, cleaned again %q", once, again)
		}
		for _, r := range once {
			if r != '\n' && r != '\t' && r != '\u200c' && r != '\u200d' && r != '\uFE0F' && !mongolianSelector(r) && hidden(r) {
				t.Fatalf("%q kept %U", s, r)
			}
		}
	})
}
