package resolvers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entgo.io/contrib/entgql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
)

// Datasets pages through a chat's datasets, for any number of chats with a few
// statements. Ent cannot: where chats share datasets it mixes their orders up.
// A chat holds few enough to be cut into pages here.
func (r chatResolver) Datasets(ctx context.Context, c *ent.Chat, after *cursor, first *int, before *cursor, last *int, orderBy *ent.DatasetOrder) (*ent.DatasetConnection, error) {
	all, err := r.load(ctx).chatDatasets.Load(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	page, err := cut(all, after, first, before, last, orderBy)
	if err != nil {
		return nil, err
	}
	page.TotalCount = len(all)
	whole, err := r.load(ctx).dataset.LoadAll(ctx, nodesOf(page.Edges, func(e *ent.DatasetEdge) string { return e.Node.ID }))
	if err != nil {
		return nil, err
	}
	edges := page.Edges[:0]
	for i, e := range page.Edges {
		if whole[i] != nil { // it was not deleted just now
			e.Node = whole[i]
			edges = append(edges, e)
		}
	}
	page.Edges = edges
	return page, nil
}

// datasetsOfChats loads of the datasets of chats what they are ordered by.
func datasetsOfChats(ctx context.Context, client *ent.Client, list []string) (map[string][]*ent.Dataset, error) {
	chats, err := client.Chat.Query().Where(chat.IDIn(list...)).Select(chat.FieldID).
		WithDatasets(func(q *ent.DatasetQuery) { q.Select(dataset.FieldID, dataset.FieldCreatedAt, dataset.FieldName) }).All(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]*ent.Dataset, len(list))
	for _, id := range list {
		out[id] = nil
	}
	for _, c := range chats {
		out[c.ID] = c.Edges.Datasets
	}
	return out, nil
}

// cut is a page of a list, by the rules of Relay's connections.
func cut(all []*ent.Dataset, after *cursor, first *int, before *cursor, last *int, orderBy *ent.DatasetOrder) (*ent.DatasetConnection, error) {
	edges := make([]*ent.DatasetEdge, 0, len(all))
	for _, d := range all {
		value, err := orderBy.Field.Value(d)
		if err != nil {
			return nil, fmt.Errorf("order datasets: %w", err)
		}
		edges = append(edges, &ent.DatasetEdge{Node: d, Cursor: cursor{ID: d.ID, Value: value}})
	}
	compare := func(a, b cursor) int {
		n := cmp.Or(compareValues(a.Value, b.Value), strings.Compare(a.ID, b.ID))
		if orderBy.Direction == entgql.OrderDirectionDesc {
			return -n
		}
		return n
	}
	slices.SortFunc(edges, func(a, b *ent.DatasetEdge) int { return compare(a.Cursor, b.Cursor) })
	page := &ent.DatasetConnection{PageInfo: ent.PageInfo{HasNextPage: before != nil, HasPreviousPage: after != nil}}
	edges = slices.DeleteFunc(edges, func(e *ent.DatasetEdge) bool {
		return after != nil && compare(e.Cursor, *after) <= 0 || before != nil && compare(e.Cursor, *before) >= 0
	})
	if first != nil && len(edges) > *first {
		edges, page.PageInfo.HasNextPage = edges[:*first], true
	}
	if last != nil && len(edges) > *last {
		edges, page.PageInfo.HasPreviousPage = edges[len(edges)-*last:], true
	}
	if page.Edges = edges; len(edges) > 0 {
		page.PageInfo.StartCursor, page.PageInfo.EndCursor = &edges[0].Cursor, &edges[len(edges)-1].Cursor
	}
	return page, nil
}

// compareValues compares what cursors of one order hold.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	}
	return 0
}
