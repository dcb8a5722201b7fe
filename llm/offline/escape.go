package offline

import (
	"strings"
	"unicode"
)

// escapeMarkdown makes text stand in Markdown for itself: what a program printed
// may hold cells of the data, and they must not become links, pictures, HTML or
// headings. An underscore within a word is no markup and stays as it is.
func escapeMarkdown(text string) string {
	var out strings.Builder
	runes := []rune(text)
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	lineStart := true
	for i, r := range runes {
		switch {
		case r == '\n':
			lineStart = true
			out.WriteRune(' ')
			continue
		case unicode.IsControl(r):
			continue
		case strings.ContainsRune("\\`*[]<>|~!", r),
			r == '_' && !(word(i-1) && word(i+1)),
			r == ':' && i+2 < len(runes) && runes[i+1] == '/' && runes[i+2] == '/',
			r == '@' && word(i-1) && word(i+1),
			r == '.' && i >= 3 && strings.EqualFold(string(runes[i-3:i]), "www"),
			r == '&' && (word(i+1) || i+1 < len(runes) && runes[i+1] == '#'),
			lineStart && strings.ContainsRune("#+-=", r):
			out.WriteRune('\\')
		}
		if !unicode.IsSpace(r) {
			lineStart = false
		}
		out.WriteRune(r)
	}
	return out.String()
}

// fenced puts text into a code block that it cannot end.
func fenced(text string) string {
	longest, run := 0, 0
	for _, r := range text {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", max(3, longest+1))
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence
}
