package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	word   kind = iota // an identifier or keyword without backticks
	quoted             // an identifier in backticks; text is what stands between
	literal
	number
	mark // one character of punctuation
)

// token is a token of a statement. Comments and white space are none.
type token struct {
	kind  kind
	text  string
	start int  // offset in bytes
	glued bool // nothing stands between it and the token before
}

// is tells whether the token is the keyword, which is upper case.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

func (t token) isMark(c string) bool { return t.kind == mark && t.text == c }

// tokens takes a statement apart as GoogleSQL does. Where two readers could
// disagree on where a comment, a string or a name ends, it refuses.
func tokens(sql string) ([]token, error) {
	s := scanner{sql: sql}
	for {
		end, err := s.next()
		if err != nil {
			return nil, err
		}
		if end {
			return s.out, nil
		}
	}
}

type scanner struct {
	sql  string
	pos  int
	last int // where the token before ended
	out  []token
}

// punctuation are the marks that a query may have outside of strings and names.
const punctuation = "()[]{}.,;+-*/%<>=!|&^~:?@"

// next reads one token, comment or space, and tells whether the text ended.
func (s *scanner) next() (bool, error) {
	if s.pos >= len(s.sql) {
		return true, nil
	}
	start, c := s.pos, s.sql[s.pos]
	rest := s.sql[s.pos:]
	switch {
	case c == ' ' || c == '\t' || c == '\n':
		s.pos++
	case strings.HasPrefix(rest, "\r\n"):
		s.pos += 2
	case c == '#' || strings.HasPrefix(rest, "--"):
		return false, s.lineComment()
	case strings.HasPrefix(rest, "/*"):
		return false, s.blockComment()
	case c == '\'' || c == '"':
		return false, s.stringLiteral(start)
	case c == '`':
		return false, s.backticks()
	case letter(c):
		for s.pos < len(s.sql) && (letter(s.sql[s.pos]) || digit(s.sql[s.pos])) {
			s.pos++
		}
		if s.pos < len(s.sql) && (s.sql[s.pos] == '\'' || s.sql[s.pos] == '"') && stringPrefix(s.sql[start:s.pos]) {
			return false, s.stringLiteral(start)
		}
		s.add(word, start, s.sql[start:s.pos])
	case digit(c):
		// Digits only: what letters follow is read as a word, and so looked at.
		for s.pos < len(s.sql) && digit(s.sql[s.pos]) {
			s.pos++
		}
		s.add(number, start, s.sql[start:s.pos])
	case strings.IndexByte(punctuation, c) >= 0:
		s.pos++
		s.add(mark, start, s.sql[start:s.pos])
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		return false, s.fail(RuleCharacter, start, string(r))
	}
	return false, nil
}

func (s *scanner) add(k kind, start int, text string) {
	s.out = append(s.out, token{kind: k, text: text, start: start, glued: len(s.out) > 0 && s.last == start})
	s.last = s.pos
}

func (s *scanner) fail(rule Rule, at int, text string) error {
	return &LexicalError{Rule: rule, Word: text, Position: position(s.sql, at)}
}

func (s *scanner) lineComment() error {
	start := s.pos
	end := strings.IndexByte(s.sql[start:], '\n')
	if end < 0 {
		end = len(s.sql) - start
	}
	text := s.sql[start : start+end]
	s.pos = start + end
	// The first line can switch the dialect, and with it all that follows.
	if directive := strings.TrimSpace(strings.TrimLeft(text, "#-")); len(directive) >= 9 && strings.EqualFold(directive[:9], "legacySQL") {
		return s.fail(RuleLegacySQL, start, "#legacySQL")
	}
	if s.pos < len(s.sql) { // a line feed follows
		text = strings.TrimSuffix(text, "\r")
	}
	return s.unseen(start, text, false)
}

func (s *scanner) blockComment() error {
	start := s.pos
	end := strings.Index(s.sql[start+2:], "*/")
	if end < 0 {
		return s.fail(RuleUnterminated, start, "/*")
	}
	s.pos = start + 2 + end + 2
	return s.unseen(start, s.sql[start:s.pos], false)
}

// stringLiteral reads a string or bytes literal of which the prefix, when it has
// one, is read. A backslash takes the next character with it in raw literals,
// too: there it stays in the value, but the quote does not end it.
func (s *scanner) stringLiteral(start int) error {
	quote := s.sql[s.pos : s.pos+1]
	triple := strings.HasPrefix(s.sql[s.pos:], quote+quote+quote)
	closing := quote
	if triple {
		closing = quote + quote + quote
	}
	s.pos += len(closing)
	for s.pos < len(s.sql) {
		switch c := s.sql[s.pos]; {
		case c == '\\':
			if !triple && s.pos+1 < len(s.sql) && (s.sql[s.pos+1] == '\n' || s.sql[s.pos+1] == '\r') {
				return s.fail(RuleUnterminated, start, quote)
			}
			s.pos += 2
		case (c == '\n' || c == '\r') && !triple:
			return s.fail(RuleUnterminated, start, quote)
		case strings.HasPrefix(s.sql[s.pos:], closing):
			s.pos += len(closing)
			s.add(literal, start, s.sql[start:s.pos])
			return s.unseen(start, s.sql[start:s.pos], true)
		default:
			s.pos++
		}
	}
	return s.fail(RuleUnterminated, start, closing)
}

func (s *scanner) backticks() error {
	start := s.pos
	end := strings.IndexByte(s.sql[start+1:], '`')
	if end < 0 {
		return s.fail(RuleUnterminated, start, "`")
	}
	name := s.sql[start+1 : start+1+end]
	// An escape could spell a name so that only the warehouse reads it.
	if name == "" || strings.ContainsAny(name, "\\\n\r\t") {
		return s.fail(RuleName, start, name)
	}
	s.pos = start + 1 + end + 1
	s.add(quoted, start, name)
	return s.unseen(start, name, false)
}

// unseen refuses what a person who reads the statement does not see, or sees
// elsewhere than it stands. In strings joiners may stand, since emoji and some
// scripts need them.
func (s *scanner) unseen(start int, text string, inString bool) error {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		bad := r == utf8.RuneError && size == 1
		switch {
		case r == '\n' || r == '\t':
		case r == '\r':
			bad = !strings.HasPrefix(text[i:], "\r\n")
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			bad = true
		case unicode.Is(unicode.Cf, r):
			bad = !inString || (r != '\u200c' && r != '\u200d')
		}
		if bad {
			return s.fail(RuleCharacter, start+i, string(r))
		}
		i += size
	}
	return nil
}

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

func stringPrefix(w string) bool {
	switch strings.ToLower(w) {
	case "r", "b", "rb", "br":
		return true
	}
	return false
}
