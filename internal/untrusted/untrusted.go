// Package untrusted makes text that came from a file, a person or a program fit
// to be shown and to be put before a model.
package untrusted

import (
	"strings"
	"unicode"
)

// Clean returns s without characters that are read but not seen: Unicode tags and
// variation selectors (which can carry a hidden text), zero-width characters,
// directional overrides and controls other than tab and line feed. Carriage returns
// become line feeds, bytes that are not UTF-8 become U+FFFD. Joiners and selectors
// are kept where they do what they are for: between emoji or letters of scripts
// that need them, and once behind them.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	before := rune(0)
	runes := []rune(s)
	for i, r := range runes {
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		switch {
		case r == '\r':
			r = '\n'
		case r == '\n' || r == '\t':
		case r == '\u200c' || r == '\u200d':
			if !joinable(before) || !joinable(next) || hidden(next) {
				continue
			}
		case r == '\uFE0F':
			if !pictured(before, next) {
				continue
			}
		case mongolianSelector(r):
			if !unicode.Is(unicode.Mongolian, before) || hidden(before) {
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

// Visible is Clean for a piece of a text that is still being written, of which
// nobody knows what comes next: joiners and emoji's selectors stay, and carriage
// returns go.
func Visible(piece string) string {
	return strings.Map(func(r rune) rune {
		kept := r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d' || r == '\uFE0F' || mongolianSelector(r)
		if !kept && hidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(piece, "\uFFFD"))
}

// Hidden returns the first character of s that Clean would take out, or 0. The
// carriage returns of Windows' line ends hide nothing.
func Hidden(s string) rune {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	clean := []rune(Clean(s))
	for i, r := range []rune(s) {
		if i >= len(clean) || clean[i] != r {
			return r
		}
	}
	return 0
}

// hidden tells whether a character is read but not seen.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r >= 0xAD && unicode.Is(ignorable, r)
}

// ignorable are the characters for which nothing is shown: Unicode's property
// Default_Ignorable_Code_Point, and the marks of annotations.
var ignorable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00AD, Hi: 0x00AD, Stride: 1}, {Lo: 0x034F, Hi: 0x034F, Stride: 1}, {Lo: 0x061C, Hi: 0x061C, Stride: 1},
		{Lo: 0x115F, Hi: 0x1160, Stride: 1}, {Lo: 0x17B4, Hi: 0x17B5, Stride: 1}, {Lo: 0x180B, Hi: 0x180F, Stride: 1},
		{Lo: 0x200B, Hi: 0x200F, Stride: 1}, {Lo: 0x202A, Hi: 0x202E, Stride: 1}, {Lo: 0x2060, Hi: 0x206F, Stride: 1},
		{Lo: 0x3164, Hi: 0x3164, Stride: 1}, {Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, {Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
		{Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1}, {Lo: 0xFFF0, Hi: 0xFFFB, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1BCA0, Hi: 0x1BCA3, Stride: 1}, {Lo: 0x1D173, Hi: 0x1D17A, Stride: 1},
		{Lo: 0xE0000, Hi: 0xE0FFF, Stride: 1}, // tags and more selectors
	},
}

// mongolianSelector tells whether a character chooses the form of the Mongolian
// letter before it.
func mongolianSelector(r rune) bool { return r >= 0x180B && r <= 0x180D || r == 0x180F }

// pictured tells whether U+FE0F, which asks for a picture, stands where it can have
// one: behind a symbol, or in a keycap.
func pictured(before, next rune) bool {
	if before == '#' || before == '*' || before >= '0' && before <= '9' {
		return next == 0x20E3
	}
	return before != 0xFE0F && (before > 0x2000 || before == '©' || before == '®') &&
		(unicode.IsSymbol(before) || unicode.IsPunct(before) || before == 'ℹ')
}

// joinable tells whether a zero-width joiner beside a character has a purpose.
func joinable(r rune) bool {
	return r > 0x2190 && (unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r) || r == 0xFE0F) ||
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi,
			unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
			unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Mongolian, unicode.Tibetan)
}
