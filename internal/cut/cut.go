// Package cut shortens texts, between two characters and never within one.
package cut

import "unicode/utf8"

const mark = "…"

// Bytes returns the longest beginning of s that has at most most bytes.
func Bytes[T string | []byte](s T, most int) T {
	if len(s) <= most {
		return s
	}
	end := max(most, 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// ToBytes returns s, or its beginning and an ellipsis: at most most bytes, and the
// ellipsis (3 bytes) at least.
func ToBytes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return Bytes(s, most-len(mark)) + mark
}

// ToCharacters returns s, or its beginning and an ellipsis: at most most characters,
// and the ellipsis at least.
func ToCharacters(s string, most int) string {
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:max(most-1, 0)]) + mark
}
