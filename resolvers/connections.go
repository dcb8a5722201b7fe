package resolvers

import (
	"context"

	"entgo.io/contrib/entgql"

	"github.com/mark-analyst/mark/ent"
)

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
