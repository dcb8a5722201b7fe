package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-googlesql"
)

// names is how the tables are called in the statements of one project, in all the
// ways in which backticks may hold their names together.
type names struct {
	catalog *googlesql.SimpleCatalog
	below   map[string]*googlesql.SimpleCatalog // by their paths
	// kept are the tables, to which GoogleSQL points: Go must not free them.
	kept []*googlesql.SimpleTable
}

// namesOf returns the names in statements of a project.
func (a *analyst) namesOf(project string) (*names, error) {
	if n := a.names[project]; n != nil {
		return n, nil
	}
	catalog, err := googlesql.NewSimpleCatalog("names", a.types)
	if err != nil {
		return nil, fmt.Errorf("GoogleSQL: %w", err)
	}
	if err := catalog.AddBuiltinFunctionsAndTypes(&googlesql.BuiltinFunctionOptions{LanguageOptions: a.language}); err != nil {
		return nil, fmt.Errorf("GoogleSQL: %w", err)
	}
	n := &names{catalog: catalog, below: map[string]*googlesql.SimpleCatalog{}}
	for _, t := range a.state.tables {
		named, err := a.table(n, t)
		if err != nil {
			return nil, fmt.Errorf("GoogleSQL: %s: %w", t.id, err)
		}
		p, d, name := t.id.project, t.id.dataset, t.id.table
		ways := [][]string{{p, d, name}, {p + "." + d, name}, {p, d + "." + name}, {p + "." + d + "." + name}}
		if p == project {
			ways = append(ways, []string{d, name}, []string{d + "." + name})
		}
		for _, way := range ways {
			if err := n.add(way, named); err != nil {
				return nil, fmt.Errorf("GoogleSQL: %s: %w", t.id, err)
			}
		}
	}
	a.names[project] = n
	return n, nil
}

func (n *names) add(path []string, t *googlesql.SimpleTable) error {
	at, so := n.catalog, ""
	for _, part := range path[:len(path)-1] {
		so += "/" + part
		next := n.below[so]
		if next == nil {
			var err error
			if next, err = googlesql.NewSimpleCatalog(part, nil); err != nil {
				return err
			}
			if err := at.AddCatalog2(part, next); err != nil {
				return err
			}
			n.below[so] = next
		}
		at = next
	}
	return at.AddTable2(path[len(path)-1], t)
}

// table is a table as GoogleSQL knows it: its name is whole.
func (a *analyst) table(n *names, t *table) (*googlesql.SimpleTable, error) {
	name := t.id.String()
	out, err := googlesql.NewSimpleTable(name, 0)
	if err != nil {
		return nil, err
	}
	n.kept = append(n.kept, out)
	if t.about.Schema == nil {
		return out, nil
	}
	for _, f := range t.about.Schema.Fields {
		kind, err := googlesql.AnalyzeType(fieldType(f), a.options, n.catalog, a.types)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		column, err := googlesql.NewSimpleColumn(name, f.Name, kind, false, true)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := out.AddColumn2(column, true); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return out, nil
}

// noTable is how GoogleSQL says that there is no such table.
var noTable = regexp.MustCompile("Table not found: ([^;\\[]+?)(?:;| \\[|$)")

// missing is an error of the analyzer as BigQuery has it.
func (r *reading) missing(project string, err error) error {
	found := noTable.FindStringSubmatch(err.Error())
	if found == nil {
		return wrong(err)
	}
	parts := strings.Split(strings.ReplaceAll(found[1], "`", ""), ".")
	switch len(parts) {
	case 1:
		return invalidQuery(`Table "%s" must be qualified with a dataset (e.g. dataset.table).`, parts[0])
	case 2:
		parts = append([]string{project}, parts...)
	}
	d := r.state.dataset(parts[0], parts[1])
	if d == nil || !strings.EqualFold(d.Location, r.location) {
		return notFound("Dataset %s:%s was not found in location %s", parts[0], parts[1], r.location)
	}
	return notFound("Table %s:%s.%s was not found in location %s", parts[0], parts[1], strings.Join(parts[2:], "."), r.location)
}
