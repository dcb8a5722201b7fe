// Package storable makes text and JSON that came from outside fit to be stored
// on either database. PostgreSQL keeps neither the character U+0000 nor half a
// surrogate pair, in text or in jsonb, and refuses the whole statement; a
// Python program that prints one must not end its run with it.
package storable

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns s with U+0000 and bytes that are not UTF-8 replaced by U+FFFD.
func Text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// JSON returns raw with every \u0000 and every lone surrogate escape replaced
// by \ufffd, and bytes that are not UTF-8 by U+FFFD. Valid JSON stays valid and
// otherwise unchanged; raw itself is not written to.
func JSON(raw json.RawMessage) json.RawMessage {
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	var out []byte // nil until something has to change
	kept := 0      // raw[:kept] is in out
	for i := 0; ; {
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			break
		}
		i += next
		width, ok := escape(raw[i:])
		if !ok {
			out = append(append(out, raw[kept:i]...), `\ufffd`...)
			kept = i + width
		}
		i += width
	}
	if out == nil {
		return raw
	}
	return append(out, raw[kept:]...)
}

// escape returns the width of the escape that s begins with, a surrogate pair
// being one, and whether it can be stored.
func escape(s []byte) (width int, ok bool) {
	unit, isUnit := codeUnit(s)
	switch {
	case !isUnit:
		return min(2, len(s)), true
	case unit == 0:
		return 6, false
	case unit < 0xD800 || unit > 0xDFFF:
		return 6, true
	}
	low, isUnit := codeUnit(s[6:])
	if unit < 0xDC00 && isUnit && low >= 0xDC00 && low <= 0xDFFF {
		return 12, true
	}
	return 6, false
}

// codeUnit reads a \uXXXX.
func codeUnit(s []byte) (uint64, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return unit, err == nil
}
