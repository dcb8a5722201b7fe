package operation

import (
	"encoding/json"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mark-analyst/mark/internal/logstream"
	"github.com/mark-analyst/mark/server/caller"
)

// groupKey is what subscribers must have in common to share responses: one log,
// one selection, and one viewer. The viewer belongs to it because resolvers read
// as the viewer: what one person may see says nothing about another.
type groupKey struct {
	log, viewer         string
	document, operation string
	variables           string // as JSON, but for the one that says where to begin
	alone               *Operation
}

// key returns what the operation shares by. Where nothing tells its viewer from
// others, it is alone.
func (o *Operation) key(s logstream.Source) groupKey {
	who := caller.From(o.ctx)
	variables := o.op.Variables
	if name := positionVariable(o.op, s.Argument()); name != "" {
		variables = maps.Clone(variables)
		delete(variables, name)
	}
	text, err := json.Marshal(variables)
	if err != nil || who.Viewer == "" {
		return groupKey{alone: o}
	}
	return groupKey{
		log: s.Log(), viewer: who.Viewer,
		document: o.op.RawQuery, operation: o.op.Operation.Name, variables: string(text),
	}
}

// positionVariable is the variable that the argument of the subscription's field
// is given as, if it has no other use: then it decides where the subscriber
// begins, and nothing of what it gets.
func positionVariable(op *graphql.OperationContext, argument string) string {
	fields := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})
	if len(fields) != 1 {
		return ""
	}
	a := fields[0].Arguments.ForName(argument)
	if a == nil || a.Value.Kind != ast.Variable {
		return ""
	}
	uses := 0
	count := func(v *ast.Value) {
		if v.Kind == ast.Variable && v.Raw == a.Value.Raw {
			uses++
		}
	}
	directives(op.Operation.Directives, count)
	selected(op.Operation.SelectionSet, count)
	for _, f := range op.Doc.Fragments {
		directives(f.Directives, count)
		selected(f.SelectionSet, count)
	}
	if uses != 1 {
		return ""
	}
	return a.Value.Raw
}

// selected calls f with every value in a selection, fragments aside.
func selected(set ast.SelectionSet, f func(*ast.Value)) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			arguments(s.Arguments, f)
			directives(s.Directives, f)
			selected(s.SelectionSet, f)
		case *ast.InlineFragment:
			directives(s.Directives, f)
			selected(s.SelectionSet, f)
		case *ast.FragmentSpread:
			directives(s.Directives, f)
		}
	}
}

func directives(list ast.DirectiveList, f func(*ast.Value)) {
	for _, d := range list {
		arguments(d.Arguments, f)
	}
}

func arguments(list ast.ArgumentList, f func(*ast.Value)) {
	for _, a := range list {
		values(a.Value, f)
	}
}

func values(v *ast.Value, f func(*ast.Value)) {
	f(v)
	for _, c := range v.Children {
		values(c.Value, f)
	}
}
