package agent

import "fmt"

// clip cuts the middle out of a text that has more than limit characters, and
// says so in its place: errors stand at the end, context at the beginning.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	if limit < 200 { // no room for a note
		return string(runes[:max(limit-1, 0)]) + "…"
	}
	room := limit - 60 // for the note
	head := room * 2 / 3
	tail := room - head
	return fmt.Sprintf("%s\n… (%d characters left out) …\n%s", string(runes[:head]), len(runes)-head-tail, string(runes[len(runes)-tail:]))
}
