package guard

import (
	"slices"
	"strings"

	"github.com/mark-analyst/mark/warehouse"
)

// Text is what the lexical stage found in a statement that it let through.
type Text struct {
	// Names are the parts of all identifiers, split at dots.
	Names map[string]bool
	// Wildcards are the tables whose names, in backticks, have an asterisk.
	// Project is "" where the statement does not say one.
	Wildcards []warehouse.TableRef
	// Schemas are the datasets whose INFORMATION_SCHEMA is read.
	Schemas []Schema
	// Sources are the paths of two parts or more that stand where tables do:
	// tables, or arrays of other sources. Project is "" where the statement does
	// not say one.
	Sources []warehouse.TableRef
	// NamesTables tells that FROM or JOIN is followed by what can only be a
	// table: a path of three parts, or one in backticks with dots.
	NamesTables bool
}

// Schema is a dataset of which INFORMATION_SCHEMA is read; Project is "" where
// the statement does not say one.
type Schema struct{ Project, Dataset string }

// beginnings are the words that a query begins with; FROM is of the pipe syntax.
var beginnings = []string{"SELECT", "WITH", "FROM"}

// pipes are the pipe operators that only read. GoogleSQL knows others that write
// (CREATE TABLE, EXPORT DATA, INSERT) or call (CALL).
var pipes = []string{
	"SELECT", "EXTEND", "SET", "DROP", "RENAME", "AS", "WHERE", "AGGREGATE", "DISTINCT", "ORDER", "LIMIT", "WINDOW", "WITH",
	"JOIN", "LEFT", "RIGHT", "INNER", "FULL", "CROSS", "UNION", "INTERSECT", "EXCEPT", "PIVOT", "UNPIVOT", "TABLESAMPLE",
}

// reaching are functions that reach outside of the tables, or tell who asks.
var reaching = []string{"EXTERNAL_QUERY", "EXTERNAL_OBJECT_TRANSFORM", "SESSION_USER", "CURRENT_USER", "GRAPH_TABLE"}

// families are the functions with a dot in their names that compute and no more.
// All others with a dot are somebody's own (which may send what they are given
// to another service), models, or keys.
var families = map[string][]string{
	"NET": {"HOST", "IP_FROM_STRING", "IP_NET_MASK", "IP_TO_STRING", "IP_TRUNC", "IPV4_FROM_INT64", "IPV4_TO_INT64", "PUBLIC_SUFFIX",
		"REG_DOMAIN", "SAFE_IP_FROM_STRING"},
	"HLL_COUNT": {"INIT", "MERGE", "MERGE_PARTIAL", "EXTRACT"},
	"KLL_QUANTILES": {"INIT_INT64", "INIT_FLOAT64", "MERGE_PARTIAL", "MERGE_INT64", "MERGE_FLOAT64", "MERGE_POINT_INT64",
		"MERGE_POINT_FLOAT64", "EXTRACT_INT64", "EXTRACT_FLOAT64", "EXTRACT_POINT_INT64", "EXTRACT_POINT_FLOAT64"},
}

// schemaViews are the views of a dataset's INFORMATION_SCHEMA. Others tell of a
// project or a region: jobs of other people, names of other datasets.
var schemaViews = []string{"TABLES", "COLUMNS", "COLUMN_FIELD_PATHS", "TABLE_OPTIONS", "PARTITIONS", "VIEWS"}

// Lexical is the first stage: it looks at the text alone. Its errors are
// *LexicalError.
func Lexical(sql string, maxBytes int, wildcards bool) (*Text, error) {
	if maxBytes > 0 && len(sql) > maxBytes {
		return nil, &LexicalError{Rule: RuleTooLong, Limit: maxBytes}
	}
	list, err := tokens(sql)
	if err != nil {
		return nil, err
	}
	p := parsed{sql: sql, list: list, text: &Text{Names: map[string]bool{}}, wildcards: wildcards}
	for _, check := range []func() error{p.oneStatement, p.aQuery, p.marks, p.names} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return p.text, nil
}

// parsed is a statement taken apart.
type parsed struct {
	sql       string
	list      []token
	text      *Text
	wildcards bool
}

func (p *parsed) fail(rule Rule, at token) error {
	return &LexicalError{Rule: rule, Word: at.text, Position: position(p.sql, at.start)}
}

// at returns a token, or a mark without text beyond the ends.
func (p *parsed) at(i int) token {
	if i < 0 || i >= len(p.list) {
		return token{kind: mark, start: len(p.sql)}
	}
	return p.list[i]
}

// oneStatement cuts semicolons at the end and refuses others.
func (p *parsed) oneStatement() error {
	for len(p.list) > 0 && p.list[len(p.list)-1].isMark(";") {
		p.list = p.list[:len(p.list)-1]
	}
	if len(p.list) == 0 {
		return &LexicalError{Rule: RuleEmpty}
	}
	for i, t := range p.list {
		if t.isMark(";") {
			return p.fail(RuleManyStatements, p.at(i+1))
		}
	}
	return nil
}

// aQuery refuses what does not begin as a query does.
func (p *parsed) aQuery() error {
	i := 0
	for p.at(i).isMark("(") {
		i++
	}
	first := p.at(i)
	if first.kind != word || !slices.Contains(beginnings, strings.ToUpper(first.text)) {
		return p.fail(RuleNotAQuery, first)
	}
	return nil
}

// marks looks at what follows punctuation: variables, hints, pipe operators.
func (p *parsed) marks() error {
	for i, t := range p.list {
		next := p.at(i + 1)
		switch {
		case t.isMark("@") && (next.isMark("@") || next.isMark("{")):
			return p.fail(RuleVariable, t)
		case t.isMark("|") && next.isMark(">"):
			operator := p.at(i + 2)
			if operator.kind != word || !slices.Contains(pipes, strings.ToUpper(operator.text)) {
				return p.fail(RulePipe, operator)
			}
		case t.isMark(".") && next.isMark("("):
			return p.fail(RuleFunction, t) // a chained call of a function by its path
		}
	}
	return nil
}

// names looks at every identifier, taking those that dots join together.
func (p *parsed) names() error {
	var s sources
	for i := 0; i < len(p.list); {
		if k := p.list[i].kind; k != word && k != quoted {
			s.mark(p, i)
			i++
			continue
		}
		path, end, err := p.path(i)
		if err != nil {
			return err
		}
		for _, part := range path {
			p.text.Names[part] = true
		}
		if err := p.name(path, i, end); err != nil {
			return err
		}
		first := p.dashed(i)
		if s.word(p, path, first) && !slices.ContainsFunc(path, isSchema) {
			path[0] = p.sql[p.at(first).start:p.at(i).start] + path[0]
			p.text.Sources = append(p.text.Sources, refOf(path))
		}
		i = end
	}
	return nil
}

// path returns the parts of the identifier that begins at token i and the token
// after it.
func (p *parsed) path(i int) ([]string, int, error) {
	var path []string
	for {
		t := p.at(i)
		parts := []string{t.text}
		if t.kind == quoted {
			if strings.Contains(t.text, "*") && !p.wildcards {
				return nil, 0, p.fail(RuleWildcard, t)
			}
			parts = strings.Split(t.text, ".")
		}
		path = append(path, parts...)
		i++
		if next := p.at(i + 1); !p.at(i).isMark(".") || next.kind != word && next.kind != quoted {
			return path, i, nil
		}
		i++
	}
}

// name looks at the identifier of tokens first to end.
func (p *parsed) name(path []string, first, end int) error {
	t := p.list[first]
	for n, part := range path {
		if strings.HasPrefix(part, "__") && strings.HasSuffix(part, "__") && len(part) > 4 {
			return p.fail(RuleMetaTable, t) // __TABLES__ lists what is there
		}
		if strings.EqualFold(strings.TrimSpace(part), "INFORMATION_SCHEMA") {
			if err := p.schema(path, n, first); err != nil {
				return err
			}
		}
	}
	if strings.Contains(strings.Join(path, "."), "*") {
		if len(path) < 2 {
			return p.fail(RuleWildcard, t)
		}
		p.text.Wildcards = append(p.text.Wildcards, refOf(path))
	}
	if p.at(end).isMark("(") {
		if err := p.function(path, first); err != nil {
			return err
		}
	}
	if before := p.at(first - 1); before.is("FROM") || before.is("JOIN") {
		if len(path) >= 3 || t.kind == quoted && len(path) > 1 {
			p.text.NamesTables = p.text.NamesTables || !slices.ContainsFunc(path, isSchema)
		}
	}
	return nil
}

// refOf reads a path of two parts or more; a project's name may have dots.
func refOf(path []string) warehouse.TableRef {
	last := len(path) - 1
	return warehouse.TableRef{Project: strings.Join(path[:last-1], "."), Dataset: path[last-1], Table: path[last]}
}

func isSchema(part string) bool { return strings.EqualFold(part, "INFORMATION_SCHEMA") }

// schema permits what a dataset tells of itself, where the statement says which
// dataset. Names that a dash or a number may belong to must stand in backticks,
// since without them two readers can disagree on where the path begins.
func (p *parsed) schema(path []string, n, first int) error {
	t := p.list[first]
	before := p.at(first - 1)
	apart := !t.glued || before.isMark("(") || before.isMark(",")
	if !apart || before.kind == number || before.isMark("-") || before.isMark(".") {
		return p.fail(RuleInformationSchema, t)
	}
	if n < 1 || n > 2 || len(path) != n+2 || !slices.Contains(schemaViews, strings.ToUpper(path[n+1])) {
		return p.fail(RuleInformationSchema, t)
	}
	dataset := path[n-1]
	if dataset == "" || strings.ContainsAny(dataset, "-* ") {
		return p.fail(RuleInformationSchema, t) // a region
	}
	s := Schema{Dataset: dataset}
	if n == 2 {
		s.Project = path[0]
	}
	p.text.Schemas = append(p.text.Schemas, s)
	return nil
}

// function permits functions that compute.
func (p *parsed) function(path []string, first int) error {
	t := p.list[first]
	chained := first >= 2 && p.at(first-1).isMark(".") // (x).f(…)
	switch {
	case len(path) == 1:
		if slices.Contains(reaching, strings.ToUpper(strings.TrimSpace(path[0]))) {
			return p.fail(RuleFunction, t)
		}
		return nil
	case len(path) == 2 && !chained && t.kind == word:
		family, name := strings.ToUpper(path[0]), strings.ToUpper(path[1])
		if family == "SAFE" && !slices.Contains(reaching, name) || slices.Contains(families[family], name) {
			return nil
		}
	}
	return &LexicalError{Rule: RuleFunction, Word: strings.Join(path, "."), Position: position(p.sql, t.start)}
}
