package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-googlesql"
	bq "google.golang.org/api/bigquery/v2"
)

// facts are what a statement is and reads.
type facts struct {
	kind   string // BigQuery's statementType
	tables []tableID
	views  []tableID
	bytes  int64
	schema []*bq.TableFieldSchema
}

// billed is what it may bill: whole mebibytes, ten for each table at least, and
// nothing where nothing is read.
func (f *facts) billed() int64 {
	const mib = 1 << 20
	if f.bytes == 0 {
		return 0
	}
	return max((f.bytes+mib-1)/mib, 10*int64(len(f.tables))) * mib
}

// analyst understands statements with GoogleSQL's own parser and analyzer. It runs
// nothing.
type analyst struct {
	mu       sync.Mutex // one statement at a time: the options hold its parameters
	language *googlesql.LanguageOptions
	parser   *googlesql.ParserOptions
	options  *googlesql.AnalyzerOptions
	types    *googlesql.TypeFactory

	state    *state // that names are of
	names    map[string]*names
	outdated []map[string]*names // GoogleSQL may still point into them
}

func newAnalyst() (*analyst, error) {
	if err := googlesql.Init(); err != nil {
		return nil, fmt.Errorf("GoogleSQL: %w", err)
	}
	a := &analyst{}
	var err error
	var forParser *googlesql.LanguageOptions // which takes what is in them away
	for _, step := range []func() error{
		func() error { a.language, err = language(); return err },
		func() error { forParser, err = language(); return err },
		func() error { a.parser, err = googlesql.NewParserOptions(); return err },
		func() error { return a.parser.SetLanguageOptions(forParser) },
		func() error { a.options, err = googlesql.NewAnalyzerOptions2(); return err },
		func() error { return a.options.SetLanguage(a.language) },
		func() error { return a.options.SetPruneUnusedColumns(true) },
		func() error { a.types, err = googlesql.NewTypeFactory(); return err },
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("GoogleSQL: %w", err)
		}
	}
	return a, nil
}

// understand says what a statement is and reads, for a job in a project. A
// statement that is wrong is a *failure.
func (a *analyst) understand(s *state, project, location, sql string, parameters []*bq.QueryParameter) (*facts, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != s {
		a.outdated = append(a.outdated, a.names)
		a.state, a.names = s, map[string]*names{}
	}
	kind, err := a.kind(project, sql)
	if err != nil {
		return nil, err
	}
	out := &facts{kind: kind}
	if kind != selects {
		return out, nil
	}
	if err := a.declare(project, parameters); err != nil {
		return nil, err
	}
	r := &reading{analyst: a, state: s, location: location, columns: map[tableID]map[int32]bool{}}
	if out.kind, out.schema, err = r.statement(project, sql); err != nil {
		return nil, err
	}
	for id, columns := range r.columns {
		out.tables = append(out.tables, id)
		t := s.table(id)
		for i := range columns {
			if int(i) < len(t.sizes) {
				out.bytes += t.sizes[i]
			}
		}
	}
	slices.SortFunc(out.tables, tableID.compare)
	out.views = r.views
	return out, nil
}

// declare tells of a query's parameters.
func (a *analyst) declare(project string, parameters []*bq.QueryParameter) error {
	if err := a.options.ClearQueryParameters(); err != nil {
		return err
	}
	n, err := a.namesOf(project)
	if err != nil {
		return err
	}
	for _, p := range parameters {
		t, err := googlesql.AnalyzeType(parameterType(p.ParameterType), a.options, n.catalog, a.types)
		if err != nil {
			return invalid("Query parameter '%s': %v", p.Name, err)
		}
		if err := a.options.AddQueryParameter(strings.ToLower(p.Name), t); err != nil {
			return invalid("Query parameter '%s': %v", p.Name, err)
		}
	}
	return nil
}

// reading is what is found in one statement, and in the views that it reads.
type reading struct {
	analyst  *analyst
	state    *state
	location string
	columns  map[tableID]map[int32]bool // that are read, by their places
	views    []tableID
}

// statement reads a query whose names without a project are in the project.
func (r *reading) statement(project, sql string) (kind string, schema []*bq.TableFieldSchema, err error) {
	n, err := r.analyst.namesOf(project)
	if err != nil {
		return "", nil, err
	}
	out, err := googlesql.AnalyzeStatement(sql, r.analyst.options, n.catalog, r.analyst.types)
	if err != nil {
		return "", nil, r.missing(project, err)
	}
	if out == nil {
		return "", nil, invalidQuery("GoogleSQL does not say what the statement is")
	}
	defer runtime.KeepAlive(out)
	resolved, err := out.ResolvedStatement()
	if err != nil {
		return "", nil, err
	}
	query, ok := resolved.(*googlesql.ResolvedQueryStmt)
	if !ok { // a query that ends in a pipe which writes or calls
		return fmt.Sprintf("%T", resolved)[len("*googlesql.Resolved"):], nil, nil
	}
	if err := r.node(query); err != nil {
		return "", nil, err
	}
	schema, err = schemaOf(query)
	return selects, schema, err
}

// node notes the tables below a node.
func (r *reading) node(n googlesql.ResolvedNode) error {
	if scan, ok := n.(*googlesql.ResolvedTableScan); ok {
		if err := r.scan(scan); err != nil {
			return err
		}
	}
	children, err := n.GetChildNodes()
	if err != nil {
		return err
	}
	for _, child := range children {
		if child == nil {
			continue
		}
		if err := r.node(child); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) scan(scan *googlesql.ResolvedTableScan) error {
	named, err := scan.Table()
	if err != nil {
		return err
	}
	name, err := named.Name()
	if err != nil {
		return err
	}
	parts := strings.SplitN(name, ".", 3)
	id := tableID{parts[0], parts[1], parts[2]}
	if at := r.state.dataset(id.project, id.dataset).Location; !strings.EqualFold(at, r.location) {
		return notFound("Dataset %s:%s was not found in location %s", id.project, id.dataset, r.location)
	}
	t := r.state.table(id)
	if t.isView() {
		if !slices.Contains(r.views, id) {
			r.views = append(r.views, id)
			_, _, err = r.statement(id.project, t.about.View.Query)
		}
		return err
	}
	places, err := scan.ColumnIndexList()
	if err != nil {
		return err
	}
	if r.columns[id] == nil {
		r.columns[id] = map[int32]bool{}
	}
	for _, i := range places {
		r.columns[id][i] = true
	}
	return nil
}
