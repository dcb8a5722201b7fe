package program

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal writes s as a Python string literal on one line. Whatever s holds, the
// literal ends where it should and reads back as s; what is not printable, and
// what could change how the line looks (bidirectional marks and the like), is
// escaped. Invalid UTF-8 becomes U+FFFD first, as in all text that Mark keeps.
func literal(s string) string {
	return `"` + escape(s) + `"`
}

// inFString writes s as a part of a double-quoted f-string.
func inFString(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}").Replace(escape(s))
}

func escape(s string) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\r':
			out.WriteString(`\r`)
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	return out.String()
}

// comment writes s so that it may stand behind a "#": on one line, cut to a
// length that a line can bear.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	const longest = 200
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return strings.Join(strings.Fields(s), " ")
}

// list writes literals as a Python list.
func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = literal(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
