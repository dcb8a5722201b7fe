package resolvers

import (
	"context"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Pages is a gqlgen extension for connections. It holds their rules before
// anything is read, and shows ent the selection in the one form that it
// understands. Ent reads the selection to decide what to load at once, and
// looks in it for the aliases edges, node, pageInfo and totalCount; clients may
// write nodes, and give any field any alias.
type Pages struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	graphql.OperationInterceptor
	graphql.FieldInterceptor
} = Pages{}

// ExtensionName implements graphql.HandlerExtension.
func (Pages) ExtensionName() string { return "Pages" }

// Validate implements graphql.HandlerExtension.
func (Pages) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. It refuses
// an operation with a page that the contract does not have. It must be here and
// not where the field is resolved, since ent loads the pages of a whole tree
// when its root is resolved.
func (Pages) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	return pageCheck{op.Variables}.selection(op.Operation.SelectionSet)
}

// InterceptOperation implements graphql.OperationInterceptor.
func (Pages) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, shownKey{}, &shown{sets: map[*ast.Selection]ast.SelectionSet{}}))
}

// InterceptField implements graphql.FieldInterceptor.
func (Pages) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || !fc.IsMethod && !fc.IsResolver || len(fc.Field.Selections) == 0 || fc.Field.Definition == nil {
		return next(ctx)
	}
	asWritten := fc.Field
	field := *fc.Field.Field
	field.Alias = canonicalAlias(&field)
	fc.Field.Field = &field
	if name := field.Definition.Type.Name(); isConnection(name) || name == "Node" {
		// Only these read the selection.
		if s, ok := ctx.Value(shownKey{}).(*shown); ok {
			fc.Field.Selections = s.of(fc.Field.Selections)
		}
	}
	// What is below, and where errors are said to be, is what the client wrote.
	// The context stays the same one: gqlgen hands it on to the fields below.
	defer func() { fc.Field = asWritten }()
	return next(ctx)
}

func isConnection(typeName string) bool { return strings.HasSuffix(typeName, "Connection") }

func isEdge(typeName string) bool { return strings.HasSuffix(typeName, "Edge") }

type shownKey struct{}

// shown keeps what an operation's selections are shown as. It must live as long
// as the operation: gqlgen remembers the fields of a selection by the address
// of its memory, and that of one that is gone would be used again for another.
type shown struct {
	mu   sync.Mutex // protects what follows
	sets map[*ast.Selection]ast.SelectionSet
}

// of returns the selection as ent is to see it.
func (s *shown) of(in ast.SelectionSet) ast.SelectionSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, ok := s.sets[&in[0]]
	if !ok {
		out = canonical(in)
		s.sets[&in[0]] = out
	}
	return out
}
