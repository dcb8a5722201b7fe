package question

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is before anybody asks what it means.
type tokenKind int

const (
	wordToken tokenKind = iota
	numberToken
	quotedToken
	dateToken // 2024-03-01 or 2024-03
	signToken // > >= < <= = == != and the en dash between numbers
	breakToken
)

// token is a piece of a question.
type token struct {
	kind  tokenKind
	text  string // as written; of a quoted token what is inside
	lower string // lower case, without a possessive 's
	value float64

	from, to int // where it stands in the question, in bytes
}

// A question within these bounds is read; what is longer was not meant for a
// closed grammar.
const (
	maxQuestion = 2000 // bytes
	maxTokens   = 120
)

// tokenize splits a question. It accepts any text.
func tokenize(text string) []token {
	if len(text) > maxQuestion {
		text = text[:maxQuestion]
	}
	var out []token
	whole := len(text)
	for len(text) > 0 && len(out) <= maxTokens {
		r, size := utf8.DecodeRuneInString(text)
		var tok token
		n := size
		switch {
		case unicode.IsSpace(r):
			text = text[size:]
			continue
		case closing(r) != 0 && strings.ContainsRune(text[size:], closing(r)) && (r != '\'' || quoteLike(text)):
			end := strings.IndexRune(text[size:], closing(r))
			inside := strings.TrimSpace(text[size : size+end])
			tok = token{kind: quotedToken, text: inside, lower: strings.ToLower(inside)}
			n = size + end + utf8.RuneLen(closing(r))
		case r == '-' && len(out) > 0 && out[len(out)-1].kind == numberToken &&
			out[len(out)-1].to == whole-len(text) && startsNumber(text[size:]):
			tok = token{kind: signToken, text: "to", lower: "to"} // "1980-2000"
		case unicode.IsDigit(r) || strings.ContainsRune("-.$€£", r) && startsNumber(text[size:]):
			tok, n = number(text)
		case strings.ContainsRune("<>=!≤≥≠–", r):
			tok, n = sign(text)
		case unicode.IsLetter(r) || r == '_':
			tok, n = word(text)
		case strings.ContainsRune(",.;:?!()", r):
			tok = token{kind: breakToken, text: string(r), lower: string(r)}
		case r == '&' || r == '+':
			tok = token{kind: wordToken, text: string(r), lower: "and"}
		default:
			text = text[size:]
			continue
		}
		tok.from, tok.to = whole-len(text), whole-len(text)+n
		out = append(out, tok)
		text = text[n:]
	}
	return out
}

func closing(r rune) rune {
	switch r {
	case '"', '`', '\'':
		return r
	case '“', '„':
		return '”'
	case '‘':
		return '’'
	case '«':
		return '»'
	}
	return 0
}

// quoteLike tells a quotation mark from an apostrophe: the closing one must be
// followed by no letter.
func quoteLike(text string) bool {
	end := strings.IndexByte(text[1:], '\'') + 2
	if end < 3 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(text[end:])
	return !unicode.IsLetter(r)
}

func startsNumber(text string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, "-.$"))
	return unicode.IsDigit(r)
}

// word reads letters, digits and underscores, and an apostrophe between letters.
func word(text string) (token, int) {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		inside := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
		if (r == '\'' || r == '’') && n+size < len(text) {
			next, _ := utf8.DecodeRuneInString(text[n+size:])
			inside = unicode.IsLetter(next)
		}
		if !inside {
			break
		}
		n += size
	}
	lower := strings.ToLower(strings.ReplaceAll(text[:n], "’", "'"))
	return token{kind: wordToken, text: text[:n], lower: strings.TrimSuffix(lower, "'s")}, n
}

// The shapes of numbers and dates.
var (
	isoDate    = regexp.MustCompile(`^(\d{4})-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?(?:[^\d-]|$)`)
	numberForm = regexp.MustCompile(`^[$€£]?(-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE]\d{1,2})?)`)
	multiplier = regexp.MustCompile(`^(?i:(k|bn|m|%))(?:[^\pL\d]|$)`)
)

// number reads a number, with thousands separators, a multiplier ("4k", "2m")
// or a percent sign, or an ISO date.
func number(text string) (token, int) {
	if m := isoDate.FindStringSubmatch(text); m != nil {
		date := m[1] + "-" + m[2]
		if m[3] != "" {
			date += "-" + m[3]
		}
		return token{kind: dateToken, text: date, lower: date}, len(date)
	}
	m := numberForm.FindStringSubmatch(text)
	if m == nil {
		return token{kind: breakToken, text: ".", lower: "."}, 1
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
	if err != nil { // a lone sign, or a number beyond what a float holds
		n := max(len(m[0]), 1)
		return token{kind: breakToken, text: text[:n], lower: text[:n]}, n
	}
	n := len(m[0])
	if scale := multiplier.FindStringSubmatch(text[n:]); scale != nil {
		n += len(scale[1])
		switch strings.ToLower(scale[1]) {
		case "k":
			value *= 1e3
		case "m":
			value *= 1e6
		case "bn":
			value *= 1e9
		}
	}
	return token{kind: numberToken, text: text[:n], lower: strings.ToLower(text[:n]), value: value}, n
}

func sign(text string) (token, int) {
	for _, s := range []struct{ written, op string }{
		{">=", ">="}, {"<=", "<="}, {"==", "="}, {"!=", "!="}, {"<>", "!="}, {"≥", ">="}, {"≤", "<="}, {"≠", "!="},
		{"–", "to"}, {">", ">"}, {"<", "<"}, {"=", "="},
	} {
		if strings.HasPrefix(text, s.written) {
			return token{kind: signToken, text: s.op, lower: s.op}, len(s.written)
		}
	}
	return token{kind: breakToken, text: "!", lower: "!"}, 1
}
