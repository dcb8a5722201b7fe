package markdown

import "strings"

// Stream makes Markdown that is still being written fit to be rendered as it
// comes: whatever the text becomes, no image, link or HTML is in it. It cannot know
// what will turn out to be code, so it breaks up what they begin with there too,
// with a space; Clean, which sees the whole, does not. The zero value is ready.
type Stream struct {
	last byte
}

// Next returns what is to be shown of the next piece.
func (s *Stream) Next(piece string) string {
	var b strings.Builder
	for i := range len(piece) {
		c := piece[i]
		if s.last == ']' && (c == '(' || c == '[' || c == ':') || s.last == '<' && opensTag(c) {
			b.WriteByte(' ')
		}
		b.WriteByte(c)
		s.last = c
	}
	return b.String()
}

// opensTag tells whether a character behind "<" makes a tag of it, or an address.
func opensTag(c byte) bool {
	return c == '/' || c == '!' || c == '?' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
