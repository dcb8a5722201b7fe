package resolvers

import (
	"context"
	"strings"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/fault"
)

// maxPage is how many edges a page has at most.
const maxPage = 100

// Pages is a gqlgen extension for connections. It holds their rules (one of
// first and last, 1 to 100), and lets `nodes` be asked for in place of
// `edges { node }`: ent reads the selection to decide what to load, and knows
// only the latter, so it is shown the selection in that form.
type Pages struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.FieldInterceptor
} = Pages{}

// ExtensionName implements graphql.HandlerExtension.
func (Pages) ExtensionName() string { return "Pages" }

// Validate implements graphql.HandlerExtension.
func (Pages) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptField implements graphql.FieldInterceptor.
func (Pages) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Definition == nil || len(fc.Field.SelectionSet) == 0 {
		return next(ctx)
	}
	if strings.HasSuffix(fc.Field.Definition.Type.Name(), "Connection") {
		if err := checkPage(fc.Args); err != nil {
			return nil, err
		}
	}
	if !fc.IsMethod && !fc.IsResolver {
		return next(ctx)
	}
	shown := *fc
	shown.Field.Selections = withEdges(fc.Field.Selections)
	return next(graphql.WithFieldContext(ctx, &shown))
}

// checkPage holds a connection's arguments to the contract.
func checkPage(args map[string]any) error {
	first, last := intArg(args["first"]), intArg(args["last"])
	switch {
	case first == nil && last == nil:
		return fault.New(fault.BadUserInput, "Say how many: `first` or `last`, 1 to %d.", maxPage).OnField("first")
	case first != nil && last != nil:
		return fault.New(fault.BadUserInput, "Give `first` or `last`, not both.").OnField("last")
	case first != nil && (*first < 1 || *first > maxPage):
		return fault.New(fault.BadUserInput, "`first` must be 1 to %d.", maxPage).OnField("first")
	case last != nil && (*last < 1 || *last > maxPage):
		return fault.New(fault.BadUserInput, "`last` must be 1 to %d.", maxPage).OnField("last")
	}
	return nil
}

func intArg(v any) *int {
	p, _ := v.(*int)
	return p
}

// withEdges is a selection with the `nodes` of connections written as
// `edges { node }`, at any depth. What is there already is not changed: the
// selection belongs to the request, and others read it.
func withEdges(in ast.SelectionSet) ast.SelectionSet {
	out := make(ast.SelectionSet, 0, len(in))
	for _, sel := range in {
		switch s := sel.(type) {
		case *ast.Field:
			f := *s
			f.SelectionSet = withEdges(s.SelectionSet)
			if s.Name == "nodes" && s.ObjectDefinition != nil && strings.HasSuffix(s.ObjectDefinition.Name, "Connection") {
				f = edgesField(s, f.SelectionSet)
			}
			out = append(out, &f)
		case *ast.InlineFragment:
			f := *s
			f.SelectionSet = withEdges(s.SelectionSet)
			out = append(out, &f)
		case *ast.FragmentSpread:
			if s.Definition == nil {
				out = append(out, s)
				continue
			}
			out = append(out, &ast.InlineFragment{
				TypeCondition: s.Definition.TypeCondition, Directives: s.Directives,
				SelectionSet: withEdges(s.Definition.SelectionSet), ObjectDefinition: s.ObjectDefinition, Position: s.Position,
			})
		}
	}
	return out
}

// edgesField is `edges { node { … } }` for a `nodes { … }`.
func edgesField(nodes *ast.Field, selection ast.SelectionSet) ast.Field {
	field := func(name string, definition *ast.Definition, inner ast.SelectionSet) ast.Field {
		return ast.Field{
			Alias: name, Name: name, SelectionSet: inner, ObjectDefinition: definition, Position: nodes.Position,
			Definition: &ast.FieldDefinition{Name: name, Type: nodes.Definition.Type},
		}
	}
	node := field("node", nodes.ObjectDefinition, selection)
	edges := field("edges", nodes.ObjectDefinition, ast.SelectionSet{&node})
	edges.Directives = nodes.Directives
	return edges
}

func (chatConnectionResolver) Nodes(_ context.Context, c *ent.ChatConnection) ([]*ent.Chat, error) {
	return nodesOf(c.Edges, func(e *ent.ChatEdge) *ent.Chat { return e.Node }), nil
}

func (datasetConnectionResolver) Nodes(_ context.Context, c *ent.DatasetConnection) ([]*ent.Dataset, error) {
	return nodesOf(c.Edges, func(e *ent.DatasetEdge) *ent.Dataset { return e.Node }), nil
}

func (messageConnectionResolver) Nodes(_ context.Context, c *ent.MessageConnection) ([]*ent.Message, error) {
	return nodesOf(c.Edges, func(e *ent.MessageEdge) *ent.Message { return e.Node }), nil
}

func (runConnectionResolver) Nodes(_ context.Context, c *ent.RunConnection) ([]*ent.Run, error) {
	return nodesOf(c.Edges, func(e *ent.RunEdge) *ent.Run { return e.Node }), nil
}

func nodesOf[E, N any](edges []E, node func(E) N) []N {
	out := make([]N, len(edges))
	for i, e := range edges {
		out[i] = node(e)
	}
	return out
}

// cursor is what the pages of every connection are cut by.
type cursor = entgql.Cursor[string]
