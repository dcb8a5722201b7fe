package guard

import (
	"slices"
	"strings"
)

// sources follows a statement from token to token and tells which names stand
// where tables do. It may take an array for a table, and no table for something
// else.
type sources struct{ open []clause }

// clause is what is known between two parentheses.
type clause struct {
	from    bool // FROM or JOIN was the last to begin
	extract bool // in EXTRACT(YEAR FROM x), where FROM begins nothing
}

// enders are the words that end a FROM clause.
var enders = []string{"SELECT", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "QUALIFY", "WINDOW", "UNION", "INTERSECT", "EXCEPT"}

func (s *sources) top() *clause {
	if len(s.open) == 0 {
		s.open = append(s.open, clause{})
	}
	return &s.open[len(s.open)-1]
}

// mark takes the token at i, which is no word.
func (s *sources) mark(p *parsed, i int) {
	switch t := p.at(i); {
	case t.isMark("("):
		inside := clause{extract: p.at(i - 1).is("EXTRACT"), from: s.begins(p, i)}
		s.open = append(s.open, inside)
	case t.isMark(")") && len(s.open) > 1:
		s.open = s.open[:len(s.open)-1]
	case t.isMark("|") && p.at(i+1).isMark(">"):
		s.top().from = false
	}
}

// dashed returns where the name at token i really begins: a project's may have
// dashes without standing in backticks, of which each makes a token.
func (p *parsed) dashed(i int) int {
	joins := func(t token) bool { return t.isMark("-") || t.kind == number }
	for p.at(i).glued && (joins(p.at(i)) || joins(p.at(i-1)) || p.at(i-1).isMark(".") && p.at(i-2).kind == number) {
		i--
		if p.at(i).isMark(".") { // "shop-2.sales": the dot belongs to the number
			i--
		}
	}
	return i
}

// word takes the name that begins at token i, and tells whether it is a source.
func (s *sources) word(p *parsed, path []string, i int) bool {
	t := p.at(i)
	if len(path) > 1 {
		return s.begins(p, i) || p.at(i-1).is("TABLE")
	}
	switch upper := strings.ToUpper(t.text); {
	case t.kind != word:
	case upper == "FROM" || upper == "JOIN":
		s.top().from = !s.top().extract && !p.at(i-1).is("DISTINCT")
	case slices.Contains(enders, upper):
		s.top().from = false
	}
	return false
}

// begins tells whether a source begins at token i.
func (s *sources) begins(p *parsed, i int) bool {
	before := p.at(i - 1)
	return s.top().from && (before.is("FROM") || before.is("JOIN") || before.is("LATERAL") || before.isMark(",") || before.isMark("("))
}
