package markdown

import "testing"

func TestStream(t *testing.T) {
	for in, want := range map[string]string{
		"a < b, **c** [d] (e) 1<2":   "a < b, **c** [d] (e) 1<2",
		"![x](https://e.example)":    "![x] (https://e.example)",
		"[a][b]\n\n[b]: //e.example": "[a] [b]\n\n[b] : //e.example",
		"<img src=x></a><!-- --><?":  "< img src=x>< /a>< !-- -->< ?",
		"Größe: [x]\n(y)":            "Größe: [x]\n(y)",
	} {
		for cut := range len(in) {
			var s Stream
			if got := s.Next(in[:cut]) + s.Next(in[cut:]); got != want {
				t.Errorf("%q, cut at %d, is %q, want %q", in, cut, got, want)
			}
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, s := range []string{"![a](b)", "[a]: http://x\n[a]", "`<`<b>`", "<!-- -->", "a\n===\n<x>", "|a|\n|-|\n|![x](y)|", "\\<a>", "[a\\](b)", "[a\n]: x"} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, s string, cut uint8) {
		at := int(cut) % (len(s) + 1)
		var stream Stream
		got := stream.Next(s[:at]) + stream.Next(s[at:])
		if active, _ := inspect([]byte(got)); active {
			t.Fatalf("%q is shown as %q, which has a link, an image or HTML", s, got)
		}
	})
}
