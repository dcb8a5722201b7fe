package agent

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mark-analyst/mark/ent"
)

// loadCode is the expression that loads a dataset in this chat, "" where none can
// be told. It was found when the file was alone and had its own name.
func (k *work) loadCode(d *ent.Dataset) string {
	name := k.fileName(d)
	if name == d.FileName {
		return d.LoadCode
	}
	before, after, found := strings.Cut(d.LoadCode, pythonString(d.FileName))
	if !found {
		return ""
	}
	return before + pythonString(name) + after
}

// pythonString is text as Python's repr writes it.
func pythonString(text string) string {
	quote := '\''
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
	var out strings.Builder
	out.WriteRune(quote)
	for _, r := range text {
		switch {
		case r == quote || r == '\\':
			out.WriteRune('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case strconv.IsPrint(r):
			out.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteRune(quote)
	return out.String()
}
