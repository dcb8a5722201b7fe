package program

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// readLiteral reads a double-quoted Python string literal as Python's grammar
// has it, and fails where anything but one literal stands there.
func readLiteral(s string) (string, error) {
	if len(s) < 2 || s[0] != '"' {
		return "", fmt.Errorf("no literal")
	}
	var out strings.Builder
	for i := 1; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			if i != len(s)-1 {
				return "", fmt.Errorf("the literal ends at %d of %d", i, len(s))
			}
			return out.String(), nil
		case c == '\n' || c == '\r' || c < 0x20:
			return "", fmt.Errorf("a raw control character at %d", i)
		case c == '\\':
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i+1]]
			switch {
			case digits > 0:
				n, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 32)
				if err != nil {
					return "", err
				}
				out.WriteRune(rune(n))
			case s[i+1] == 'n':
				out.WriteByte('\n')
			case s[i+1] == 't':
				out.WriteByte('\t')
			case s[i+1] == 'r':
				out.WriteByte('\r')
			case s[i+1] == '"' || s[i+1] == '\\':
				out.WriteByte(s[i+1])
			default:
				return "", fmt.Errorf("the escape \\%c", s[i+1])
			}
			i += 2 + digits
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			out.WriteRune(r)
			i += size
		}
	}
	return "", fmt.Errorf("the literal does not end")
}

// nasty are names of columns and values that try to be something else.
var nasty = []string{
	"", "plain", `"`, `\`, `\"`, `"]; import os #`, "a\nb", "a\r\nprint(1)", "\x00\x07\x1b[31m", "{x}", "{{", "}", "'''", `"""`,
	"\u2028line\u2029", "\u202egnp.exe", "zero\u200bwidth", "🙂", "Größe", "\\N{BULLET}", "\\", "%s", "{df.__class__}", "\u0085", "\ufeffBOM", "#", "tab\there",
}

func TestLiteralsReadBack(t *testing.T) {
	for _, s := range nasty {
		got, err := readLiteral(literal(s))
		if err != nil || got != s {
			t.Errorf("literal(%q) = %s reads back as %q, %v", s, literal(s), got, err)
		}
	}
}

func FuzzLiteral(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := strings.ToValidUTF8(s, "\ufffd")
		if got, err := readLiteral(literal(s)); err != nil || got != want {
			t.Fatalf("literal(%q) = %s reads back as %q, %v", s, literal(s), got, err)
		}
		// Inside an f-string braces are doubled and nothing else differs.
		inside := inFString(s)
		if strings.Count(inside, "{")%2 != 0 || strings.Count(inside, "}")%2 != 0 {
			t.Fatalf("inFString(%q) = %s has an odd brace", s, inside)
		}
		undoubled := strings.NewReplacer("{{", "{", "}}", "}").Replace(inside)
		if got, err := readLiteral(`"` + undoubled + `"`); err != nil || got != want {
			t.Fatalf("inFString(%q) = %s reads back as %q, %v", s, inside, got, err)
		}
		if c := comment(s); strings.ContainsAny(c, "\n\r\f\v\x00\u0085\u2028\u2029") {
			t.Fatalf("comment(%q) = %q is more than a line", s, c)
		}
	})
}

func TestLookedUpWordsAreReadFromTheProgram(t *testing.T) {
	for _, term := range []string{"Japan", `a "b" \c`, "Côte d'Ivoire"} {
		raw, err := json.Marshal([]string{term})
		if err != nil {
			t.Fatal(err)
		}
		if got := LookedUp("words = " + string(raw) + "\n"); len(got) != 1 || got[0] != term {
			t.Errorf("LookedUp of %q = %q", term, got)
		}
	}
	if got := LookedUp("print('words')"); got != nil {
		t.Errorf("LookedUp of another program = %q", got)
	}
}
