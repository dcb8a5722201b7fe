package storable_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/storable"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"ordinary text", "naïve 🐧\n", "naïve 🐧\n"},
		{"a NUL", "a\x00b", "a\uFFFDb"},
		{"bytes that are not UTF-8", "a\xff\x00b", "a\uFFFD\uFFFDb"},
		{"an encoded surrogate", "a\xed\xa0\x80b", "a\uFFFDb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := storable.Text(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing to do", `{"a":"b\n\u00e9\"\\"}`, `{"a":"b\n\u00e9\"\\"}`},
		{"a NUL", `"a\u0000b"`, `"a\ufffdb"`},
		{"a NUL in a key", `{"\u0000":1}`, `{"\ufffd":1}`},
		{"a backslash before u0000", `"\\u0000"`, `"\\u0000"`},
		{"a backslash and a NUL", `"\\\u0000"`, `"\\\ufffd"`},
		{"a pair", `"\ud83d\udc27"`, `"\ud83d\udc27"`},
		{"a pair in capitals", `"\uD83D\uDC27"`, `"\uD83D\uDC27"`},
		{"a lone high half", `"\ud83d!"`, `"\ufffd!"`},
		{"a lone low half", `"\udc27"`, `"\ufffd"`},
		{"two high halves and a low one", `"\ud83d\ud83d\udc27"`, `"\ufffd\ud83d\udc27"`},
		{"a high half and a NUL", `"\ud83d\u0000"`, `"\ufffd\ufffd"`},
		{"a high half at the end", `"\ud83d"`, `"\ufffd"`},
		{"bytes that are not UTF-8", "\"a\xffb\"", "\"a\uFFFDb\""},
		{"empty", ``, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(storable.JSON(json.RawMessage(c.in))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":["\u0000\\\ud800\udc00","\udc00"]}`))
	f.Add([]byte(`"\`))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out := storable.JSON(in)
		if !bytes.Equal(in, before) {
			t.Fatal("the argument was changed")
		}
		if again := storable.JSON(out); !bytes.Equal(again, out) {
			t.Fatalf("not settled: %q became %q", out, again)
		}
		if !json.Valid(in) {
			return
		}
		var a, b any
		if err := json.Unmarshal(out, &b); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if !utf8.Valid(out) || strings.Contains(decoded(b), "\x00") {
			t.Fatalf("%q became %q, which cannot be stored", in, out)
		}
		// encoding/json replaces lone halves and bad bytes as well, so beside
		// NULs the two must say the same.
		if err := json.Unmarshal(in, &a); err != nil {
			t.Fatal(err)
		}
		if got, want := decoded(b), strings.ReplaceAll(decoded(a), "\x00", "\uFFFD"); !strings.Contains(string(in), `{`) && got != want {
			t.Fatalf("%q became %q: decoded %q, want %q", in, out, got, want)
		}
	})
}

// decoded strings everything together that v holds as text.
func decoded(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all strings.Builder
		for _, e := range v {
			all.WriteString(decoded(e))
		}
		return all.String()
	case map[string]any:
		var all strings.Builder
		for k, e := range v {
			all.WriteString(k + decoded(e))
		}
		return all.String()
	}
	return ""
}
