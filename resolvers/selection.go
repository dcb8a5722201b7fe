package resolvers

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// canonical is a selection as ent reads it, at every depth: without named
// fragments; `nodes { … }` as `edges { node { … } }`; fields under their own
// names, and those with arguments under a name that tells the arguments, so
// that what is asked for twice under different aliases is loaded once, and what
// is asked for with different arguments is not taken for the same. What is
// there already is not changed: the selection belongs to a document that other
// requests read too.
func canonical(in ast.SelectionSet) ast.SelectionSet {
	out := make(ast.SelectionSet, 0, len(in)+1)
	for _, sel := range in {
		switch s := sel.(type) {
		case *ast.Field:
			out = append(out, canonicalField(s)...)
		case *ast.InlineFragment:
			f := *s
			f.SelectionSet = canonical(s.SelectionSet)
			out = append(out, &f)
		case *ast.FragmentSpread:
			if s.Definition == nil {
				continue // the validator has let none through
			}
			out = append(out, &ast.InlineFragment{
				TypeCondition: s.Definition.TypeCondition, Directives: s.Directives,
				SelectionSet: canonical(s.Definition.SelectionSet), ObjectDefinition: s.ObjectDefinition, Position: s.Position,
			})
		}
	}
	return out
}

func canonicalField(in *ast.Field) []ast.Selection {
	f := *in
	f.Alias = canonicalAlias(in)
	f.SelectionSet = canonical(in.SelectionSet)
	of := ""
	if in.ObjectDefinition != nil {
		of = in.ObjectDefinition.Name
	}
	switch {
	case of == "Chat" && in.Name == "datasets":
		// A resolver of this package's loads them; ent need not.
		return nil
	case isConnection(of) && in.Name == "nodes":
		return []ast.Selection{plumbing("edges", in, ast.SelectionSet{plumbing("node", in, f.SelectionSet)})}
	case isConnection(of) && in.Name == "edges", isEdge(of) && in.Name == "node":
		return []ast.Selection{plumbing(in.Name, in, f.SelectionSet)}
	case isConnection(of) && in.Name == "pageInfo":
		// It is about the edges: ent finds it out by loading them.
		id := plumbing("id", in, nil)
		return []ast.Selection{&f, plumbing("edges", in, ast.SelectionSet{plumbing("node", in, ast.SelectionSet{id})})}
	}
	return []ast.Selection{&f}
}

// plumbing is one of the fields between a connection and its nodes. It has no
// ObjectDefinition, by which gqlgen would take what is put in here for another
// field than what the client has written.
func plumbing(name string, like *ast.Field, selection ast.SelectionSet) *ast.Field {
	return &ast.Field{
		Alias: name, Name: name, SelectionSet: selection, Directives: like.Directives,
		Definition: like.Definition, Position: like.Position,
	}
}

// canonicalAlias is the name under which ent loads a field and finds it again.
func canonicalAlias(f *ast.Field) string {
	if len(f.Arguments) == 0 || f.ObjectDefinition == nil {
		return f.Name
	}
	var b strings.Builder
	b.WriteString(f.ObjectDefinition.Name + "." + f.Name)
	for _, a := range f.Arguments {
		b.WriteString(" " + a.Name + ":" + a.Value.String())
	}
	return b.String()
}
