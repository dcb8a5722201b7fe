package guard

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mark-analyst/mark/warehouse"
)

// tableFunctions are those that DuckDB may read rows of: they compute. All others
// read files, settings or the catalogue, or run a text as SQL.
var tableFunctions = []string{"RANGE", "GENERATE_SERIES", "UNNEST", "JSON_EACH", "JSON_TREE", "REPEAT", "REPEAT_ROW"}

// others are the words that begin what is no query and may stand in one: DuckDB lets a
// WITH write, and tells of tables where a subquery is. A column of such a name is
// told by what follows it, and may stand in quotes.
var others = []string{"INSERT", "UPDATE", "DELETE", "TRUNCATE", "MERGE", "SHOW", "DESCRIBE", "DESC", "SUMMARIZE", "PIVOT", "PIVOT_WIDER", "UNPIVOT", "PIVOT_LONGER", "CALL", "TABLE"}

// LexicalDuckDB is the first stage for DuckDB's dialect. What the statement is the
// dry run says, which is DuckDB's own parser; this knows enough to refuse what reads
// elsewhere than in tables, whatever DuckDB is set to. Its errors are *LexicalError.
func LexicalDuckDB(sql string, maxBytes int) (*Text, error) {
	if maxBytes > 0 && len(sql) > maxBytes {
		return nil, &LexicalError{Rule: RuleTooLong, Limit: maxBytes}
	}
	s := duckScanner{scanner{sql: sql}}
	list, err := s.tokens()
	if err != nil {
		return nil, err
	}
	p := parsed{sql: sql, list: list, text: &Text{Names: map[string]bool{}}}
	for _, check := range []func() error{p.oneStatement, p.aQuery, p.duckSources} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return p.text, nil
}

// duckSources looks at every name, and at what stands where tables do.
func (p *parsed) duckSources() error {
	var s sources
	for i := 0; i < len(p.list); {
		t := p.list[i]
		isSource := s.begins(p, i) || s.called(p, i)
		if t.kind == literal && isSource {
			return p.fail(RuleFile, t) // FROM 'file.csv'
		}
		if t.kind == literal && p.at(i-1).isMark(".") {
			return p.fail(RuleName, t) // to DuckDB the string in main.'orders' is a name
		}
		if t.kind != word && t.kind != quoted {
			s.mark(p, i)
			i++
			continue
		}
		if p.other(i) {
			return p.fail(RuleNotAQuery, t)
		}
		path, end := p.duckPath(i)
		for _, part := range path {
			p.text.Names[part] = true
		}
		if isSource && p.at(end).isMark("(") && !t.is("LATERAL") && !t.is("VALUES") && !t.is("SELECT") {
			if len(path) > 1 || !slices.Contains(tableFunctions, strings.ToUpper(path[0])) {
				return p.fail(RuleFunction, t)
			}
		}
		if s.word(p, path, i) {
			p.text.Sources = append(p.text.Sources, refOf(path))
		}
		i = end
	}
	return nil
}

// other tells whether the word at token i begins what is no query: within parentheses,
// at once or behind a WITH of its own, or beside a query.
func (p *parsed) other(i int) bool {
	t, before, next := p.at(i), p.at(i-1), p.at(i+1)
	if t.kind != word || !slices.Contains(others, strings.ToUpper(t.text)) {
		return false
	}
	if before.isMark("(") || before.isMark(")") {
		return next.kind == word || next.kind == quoted || next.kind == literal || next.isMark("(") || next.isMark(")") // (DESCRIBE) is all tables
	}
	for i--; p.at(i).is("ALL") || p.at(i).is("DISTINCT") || p.at(i).is("BY") || p.at(i).is("NAME"); i-- {
	}
	return p.at(i).is("UNION") || p.at(i).is("INTERSECT") || p.at(i).is("EXCEPT")
}

// called tells whether what is at token i has its other name before it: FROM o : orders.
func (s *sources) called(p *parsed, i int) bool {
	name := p.at(i - 2)
	return p.at(i-1).isMark(":") && (name.kind == word || name.kind == quoted) && s.begins(p, i-2)
}

// duckPath returns the parts of the name that begins at token i and the token after
// it.
func (p *parsed) duckPath(i int) ([]string, int) {
	path := []string{p.at(i).text}
	for i++; p.at(i).isMark("."); i += 2 {
		if next := p.at(i + 1); next.kind != word && next.kind != quoted {
			break
		}
		path = append(path, p.at(i+1).text)
	}
	return path, i
}

// duckScanner takes a statement apart as DuckDB does. Where two readers could
// disagree on where a comment, a string or a name ends, it refuses.
type duckScanner struct{ scanner }

func (s *duckScanner) tokens() ([]token, error) {
	for s.pos < len(s.sql) {
		if err := s.next(); err != nil {
			return nil, err
		}
	}
	return s.out, nil
}

func (s *duckScanner) next() error {
	start, c := s.pos, s.sql[s.pos]
	rest := s.sql[s.pos:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case c == ' ' || c == '\t' || c == '\n':
		s.pos++
	case strings.HasPrefix(rest, "\r\n"):
		s.pos += 2
	case strings.HasPrefix(rest, "--"):
		return s.lineComment()
	case strings.HasPrefix(rest, "/*"):
		if err := s.blockComment(); err != nil {
			return err
		}
		if strings.Contains(s.sql[start+2:s.pos], "/*") { // DuckDB nests them
			return s.fail(RuleUnterminated, start, "/*")
		}
	case c == '\'':
		return s.between(start, literal)
	case c == '"':
		return s.between(start, quoted)
	case c == '$':
		return s.parameter(start)
	case nameStart(r):
		for size > 0 && (nameStart(r) || unicode.IsDigit(r) || unicode.IsMark(r)) {
			s.pos += size
			r, size = utf8.DecodeRuneInString(s.sql[s.pos:])
		}
		escapes := strings.HasPrefix(s.sql[s.pos:], "'") && len(s.sql[start:s.pos]) == 1 // E'…', X'…'
		if escapes || strings.HasPrefix(s.sql[s.pos:], "$") {
			return s.fail(RuleCharacter, s.pos, s.sql[s.pos:s.pos+1])
		}
		s.add(word, start, s.sql[start:s.pos])
	case digit(c):
		for s.pos < len(s.sql) && digit(s.sql[s.pos]) {
			s.pos++
		}
		s.add(number, start, s.sql[start:s.pos])
	case strings.IndexByte(punctuation+"#", c) >= 0:
		s.pos++
		s.add(mark, start, s.sql[start:s.pos])
	default:
		return s.fail(RuleCharacter, start, string(r))
	}
	return nil
}

func nameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// between reads a string or a quoted name, in which the quote stands twice for
// itself; there are no escapes.
func (s *duckScanner) between(start int, k kind) error {
	quote := s.sql[start]
	var text strings.Builder
	for s.pos = start + 1; s.pos < len(s.sql); s.pos++ {
		if s.sql[s.pos] != quote {
			text.WriteByte(s.sql[s.pos])
			continue
		}
		if s.pos++; s.pos < len(s.sql) && s.sql[s.pos] == quote {
			text.WriteByte(quote)
			continue
		}
		if k == quoted && text.Len() == 0 {
			return s.fail(RuleName, start, "")
		}
		s.add(k, start, text.String())
		return s.unseen(start, s.sql[start:s.pos], k == literal)
	}
	return s.fail(RuleUnterminated, start, string(quote))
}

// parameter reads $name. What begins with $ and has another $ is a string of a kind
// that is not permitted.
func (s *duckScanner) parameter(start int) error {
	s.pos++
	for s.pos < len(s.sql) && (letter(s.sql[s.pos]) || digit(s.sql[s.pos])) {
		s.pos++
	}
	if s.pos == start+1 || strings.HasPrefix(s.sql[s.pos:], "$") {
		return s.fail(RuleCharacter, start, "$")
	}
	s.add(mark, start, s.sql[start:s.pos])
	return nil
}

// lexical is the first stage in the guard's dialect.
func (g Guard) lexical(sql string) (*Text, error) {
	if g.Dialect == warehouse.DuckDB {
		return LexicalDuckDB(sql, g.Policy.MaxSQLBytes)
	}
	return Lexical(sql, g.Policy.MaxSQLBytes, g.Policy.Wildcards)
}
