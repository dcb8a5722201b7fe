package markdown

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain":        {"**Gentoo** is the heaviest: 5,076 g.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "**Gentoo** is the heaviest: 5,076 g.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"},
		"code stays":   {"`df[\"a\"](1)` and `<b>` beside ![x](http://e.example)", "`df[\"a\"](1)` and `<b>` beside [x\\] (http://e.example)"},
		"image":        {"![chart](https://e.example/?q=secret)", "[chart\\] (https://e.example/?q=secret)"},
		"link":         {"[here](javascript:alert(1))", "[here\\] (javascript:alert(1))"},
		"reference":    {"![a][b]\n\n[b]: https://e.example\n", "[a\\] [b]\n\n[b\\]: https://e.example\n"},
		"autolink":     {"<https://e.example>", "\\<https://e.example>"},
		"html":         {"<img src=https://e.example>", "\\<img src=https://e.example>"},
		"comparison":   {"a < b", "a < b"},
		"fenced stays": {"```\n<b>[x](y)</b>\n```\n<i>no</i>", "```\n<b>[x](y)</b>\n```\n\\<i>no\\</i>"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clean(tc.in); got != tc.want {
				t.Errorf("Clean(%q)\n got %q\nwant %q", tc.in, got, tc.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"![a](b)", "[a]: http://x\n[a]", "`<`<b>`", "<!-- -->", "a\n===\n<x>", "|a|\n|-|\n|![x](y)|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if active, _ := inspect([]byte(got)); active {
			t.Fatalf("Clean(%q) = %q still has a link, an image or HTML", s, got)
		}
		if strings.Count(got, "\n") < strings.Count(s, "\n") {
			t.Fatalf("lines were lost: %q became %q", s, got)
		}
	})
}
