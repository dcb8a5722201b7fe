// Package limit bounds what one operation, one client and all clients together
// may ask of the server.
package limit

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/mark-analyst/mark/internal/fault"
)

// Document bounds the shape of a GraphQL document. Fragments count wherever
// they are spread, as they are when they are executed.
type Document struct {
	Bytes      int // length of the text
	Tokens     int // lexical tokens
	Depth      int // nesting of fields; introspection is not counted
	Fields     int // fields
	Aliases    int // fields under another name
	Directives int // uses of directives
	// Introspection tells whether __schema and __type may be asked for.
	Introspection bool
}

// Check measures a document before it is validated, because validation itself
// takes time that grows with the square of some of these numbers. A document
// that does not parse passes: the executor finds that out and says where.
func (d Document) Check(query string) error {
	if len(query) > d.Bytes {
		return fault.New(fault.LimitExceeded, "The document has %d bytes; at most %d are allowed.", len(query), d.Bytes)
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, d.Tokens)
	if err != nil {
		if strings.Contains(err.Error(), "exceeded token limit") {
			return fault.New(fault.LimitExceeded, "The document has more than %d tokens.", d.Tokens)
		}
		return nil
	}
	w := walker{
		fragments: map[string]*ast.FragmentDefinition{},
		measured:  map[string]size{},
		open:      map[string]bool{},
		limits:    d,
	}
	for _, f := range doc.Fragments {
		w.fragments[f.Name] = f
	}
	var total size
	for _, op := range doc.Operations {
		for _, v := range op.VariableDefinitions {
			w.value(v.DefaultValue)
			total = total.and(w.directives(v.Directives))
		}
		total = total.and(w.directives(op.Directives)).and(w.set(op.SelectionSet))
	}
	if err := d.compare(total); err != nil {
		return err
	}
	// A fragment that nobody spreads is validated all the same.
	for _, f := range doc.Fragments {
		if err := d.compare(w.fragment(f.Name)); err != nil {
			return err
		}
	}
	return w.err
}

func (d Document) compare(s size) error {
	for _, c := range []struct {
		got, max int
		what     string
	}{
		{s.depth, d.Depth, "levels of fields"},
		{s.fields, d.Fields, "fields"},
		{s.aliases, d.Aliases, "aliases"},
		{s.directives, d.Directives, "directives"},
	} {
		if c.got > c.max {
			return fault.New(fault.LimitExceeded, "The operation has more than %d %s.", c.max, c.what)
		}
	}
	return nil
}

// size is what a part of a document amounts to.
type size struct{ depth, fields, aliases, directives int }

// and is the size of two parts side by side.
func (s size) and(t size) size {
	return size{
		depth:      max(s.depth, t.depth),
		fields:     plus(s.fields, t.fields),
		aliases:    plus(s.aliases, t.aliases),
		directives: plus(s.directives, t.directives),
	}
}

// huge is where sums stop growing: fragments that spread fragments double a
// count at every level, so 64 of them would overflow.
const huge = 1 << 30

func plus(a, b int) int { return min(a+b, huge) }

type walker struct {
	fragments map[string]*ast.FragmentDefinition
	measured  map[string]size
	open      map[string]bool // fragments that are being measured
	limits    Document
	err       error // the first thing that is refused whatever its size
}

func (w *walker) refuse(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *walker) set(set ast.SelectionSet) (total size) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			total = total.and(w.field(sel))
		case *ast.InlineFragment:
			total = total.and(w.directives(sel.Directives)).and(w.set(sel.SelectionSet))
		case *ast.FragmentSpread:
			total = total.and(w.directives(sel.Directives)).and(w.fragment(sel.Name))
		}
	}
	return total
}

func (w *walker) field(f *ast.Field) size {
	w.arguments(f.Arguments)
	s := w.directives(f.Directives).and(w.set(f.SelectionSet))
	s.depth++
	s.fields = plus(s.fields, 1)
	if f.Alias != f.Name {
		s.aliases = plus(s.aliases, 1)
	}
	if f.Name == "__schema" || f.Name == "__type" {
		if !w.limits.Introspection {
			w.refuse(fault.New(fault.Forbidden, "Introspection is switched off on this server."))
		}
		// Honest introspection is 15 levels deep; the validator bounds the
		// lists in it by a rule of its own.
		s.depth = 1
	}
	return s
}

// fragment measures a fragment once, however often it is spread. One that
// contains itself counts as nothing here; validation refuses it.
func (w *walker) fragment(name string) size {
	if s, ok := w.measured[name]; ok {
		return s
	}
	f := w.fragments[name]
	if f == nil || w.open[name] {
		return size{}
	}
	w.open[name] = true
	s := w.directives(f.Directives).and(w.set(f.SelectionSet))
	delete(w.open, name)
	w.measured[name] = s
	return s
}

func (w *walker) directives(list ast.DirectiveList) size {
	for _, d := range list {
		w.arguments(d.Arguments)
		if d.Name == "defer" || d.Name == "stream" {
			// gqlgen's schema always offers @defer, but no transport here
			// sends what arrives later.
			w.refuse(fault.New(fault.BadUserInput, "The directive @%s is not supported.", d.Name))
		}
	}
	return size{directives: len(list)}
}

func (w *walker) arguments(list ast.ArgumentList) {
	for _, a := range list {
		w.value(a.Value)
	}
}

// value refuses numbers that do not fit: gqlparser panics on them when it
// works out the arguments of a field.
func (w *walker) value(v *ast.Value) {
	if v == nil {
		return
	}
	var err error
	switch v.Kind {
	case ast.IntValue:
		_, err = strconv.ParseInt(v.Raw, 10, 64)
	case ast.FloatValue:
		_, err = strconv.ParseFloat(v.Raw, 64)
	}
	if err != nil {
		w.refuse(fault.Wrap(err, fault.BadUserInput, "A number in the document is out of range."))
	}
	for _, c := range v.Children {
		w.value(c.Value)
	}
}
