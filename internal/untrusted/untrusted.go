// Package untrusted makes text that came from a file, a person or a program fit
// to be shown and to be put before a model.
package untrusted

import (
	"strings"
	"unicode"
)

// Clean returns s without characters that are read but not seen: Unicode tags
// (which can carry a hidden text), zero-width characters, directional overrides
// and controls other than tab and line feed. Carriage returns become line feeds,
// bytes that are not UTF-8 become U+FFFD. Joiners that join emoji or letters of
// scripts that need them are kept between such characters.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	before := rune(0)
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == '\r':
			r = '\n'
		case r == '\n' || r == '\t':
		case r == '\u200c' || r == '\u200d':
			if !joinable(before) || i+1 == len(runes) || !joinable(runes[i+1]) {
				continue
			}
		case hidden(r):
			continue
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// Line is Clean for text that stands on one line, such as a name.
func Line(s string) string {
	return strings.Join(strings.Fields(Clean(s)), " ")
}

// hidden tells whether a character is read but not seen.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r >= 0xE0000 && r <= 0xE0FFF: // tags and variation selectors supplement
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	case r == 0xFEFF || r == 0x00AD || r == 0x034F || r == 0x061C || r == 0x180E || r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0:
		return true
	}
	return false
}

// joinable tells whether a zero-width joiner beside a character has a purpose.
func joinable(r rune) bool {
	return r > 0x2190 && (unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r) || r == 0xFE0F) ||
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi,
			unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
			unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Mongolian, unicode.Tibetan)
}
