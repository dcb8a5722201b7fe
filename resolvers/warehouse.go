package resolvers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
)

// pagesPerPage is how many pages of a warehouse's are looked through at most to
// fill one of ours: what a connection may not read is not on them.
const pagesPerPage = 10

func (r datasetResolver) Table(_ context.Context, d *ent.Dataset) (*model.TableReference, error) {
	if d.Source != dataset.SourceBigQuery {
		return nil, nil
	}
	return &model.TableReference{
		Connection: d.Connection, Project: d.TableProject, Dataset: d.TableDataset, Table: d.TableName, Type: tableType(d.TableType),
	}, nil
}

// tableType is nil for a type that the contract does not know, or that is not
// known.
func tableType[T ~string](t T) *model.TableType {
	if of := model.TableType(t); of.IsValid() {
		return &of
	}
	return nil
}

func (r datasetResolver) Partitioning(_ context.Context, d *ent.Dataset) (*model.Partitioning, error) {
	if len(d.Partitioning) == 0 {
		return nil, nil
	}
	var p warehouse.Partitioning
	if err := json.Unmarshal(d.Partitioning, &p); err != nil {
		return nil, fmt.Errorf("read a stored partitioning: %w", err)
	}
	out := &model.Partitioning{Column: optional(p.Column), Type: p.Type, FilterRequired: p.FilterRequired}
	if p.Step > 0 {
		out.Start, out.End, out.Step = &p.Start, &p.End, &p.Step
	}
	return out, nil
}

func (r datasetResolver) Clustering(_ context.Context, d *ent.Dataset) ([]string, error) {
	return append([]string{}, d.Clustering...), nil
}

func (r mutationResolver) AddBigQueryTable(ctx context.Context, in model.AddBigQueryTableInput) (*model.AddBigQueryTablePayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	d, err := r.Datasets.AddTable(ctx, deref(in.Connection), in.Project, in.Dataset, in.Table, in.ChatID)
	errs, err := problems[model.AddBigQueryTableError](err)
	if err != nil {
		return nil, err
	}
	return &model.AddBigQueryTablePayload{Dataset: d, Errors: errs}, nil
}

func (r mutationResolver) RefreshDataset(ctx context.Context, in model.RefreshDatasetInput) (*model.RefreshDatasetPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	d, err := r.Datasets.Refresh(ctx, in.DatasetID)
	errs, err := problems[model.RefreshDatasetError](err)
	if err != nil {
		return nil, err
	}
	return &model.RefreshDatasetPayload{Dataset: d, Errors: errs}, nil
}

func (r userResolver) WarehouseEntries(ctx context.Context, _ *ent.User, connection string, project, folder *string, first *int, after *cursor) (*model.WarehouseEntryConnection, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	w := r.warehouse(connection)
	if w == nil {
		return nil, fault.New(fault.NotFound, "This server has no connection of that name: see `server { warehouses { name } }`.").OnField("connection")
	}
	if deref(folder) != "" && deref(project) == "" {
		return nil, fault.New(fault.BadUserInput, "Say which project's dataset it is.").OnField("project")
	}
	if first == nil {
		return nil, badPage("first", "Say how many: `first`, 1 to %d.", maxPage)
	}
	b := browsing{warehouse: w, at: mark{Connection: connection, Project: deref(project), Dataset: deref(folder)}}
	if err := b.resume(after); err != nil {
		return nil, err
	}
	if err := b.fill(ctx, *first); err != nil {
		return nil, warehouseFault(err)
	}
	return b.page(), nil
}

func (r *Resolver) warehouse(connection string) warehouse.Warehouse {
	for _, w := range r.Warehouses {
		if w.Connection().Name == connection {
			return w
		}
	}
	return nil
}

// mark is what a cursor into a warehouse holds: a page of the warehouse's, and how
// many of its entries come before the place.
type mark struct {
	Connection string `json:"c"`
	Project    string `json:"p,omitempty"`
	Dataset    string `json:"d,omitempty"`
	Token      string `json:"t,omitempty"`
	Skip       int    `json:"s,omitempty"`
}

func (m mark) cursor() cursor {
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err) // of texts and a number
	}
	return cursor{ID: string(raw)}
}

// browsing collects a page.
type browsing struct {
	warehouse warehouse.Warehouse
	at        mark // where the next entry is looked for
	begun     bool // after a cursor
	more      bool
	edges     []*model.WarehouseEntryEdge
}

// resume goes to a cursor's place, if it is one of the same list.
func (b *browsing) resume(after *cursor) error {
	if after == nil {
		return nil
	}
	var m mark
	err := json.Unmarshal([]byte(after.ID), &m)
	if err != nil || m.Connection != b.at.Connection || m.Project != b.at.Project || m.Dataset != b.at.Dataset ||
		m.Skip < 0 || m.Skip > 1_000_000 {
		return badPage("after", "`after` is not a cursor of this list.")
	}
	b.at, b.begun = m, true
	return nil
}

// fill collects at most so many entries.
func (b *browsing) fill(ctx context.Context, first int) error {
	for range pagesPerPage {
		listing, err := b.warehouse.Browse(ctx, warehouse.Place{Project: b.at.Project, Dataset: b.at.Dataset},
			warehouse.Page{Size: first - len(b.edges) + b.at.Skip, Token: b.at.Token})
		if err != nil {
			return err
		}
		skipped := min(b.at.Skip, len(listing.Entries))
		entries := listing.Entries[skipped:]
		cut := entries[:min(len(entries), first-len(b.edges))]
		for i, e := range cut {
			place := b.at
			place.Skip = skipped + i + 1
			b.edges = append(b.edges, &model.WarehouseEntryEdge{Node: entryOf(e), Cursor: place.cursor()})
		}
		switch {
		case len(cut) < len(entries): // the warehouse gave more than was asked for
			b.at.Skip, b.more = skipped+len(cut), true
			return nil
		case listing.Next == "":
			b.at.Skip, b.more = skipped+len(cut), false
			return nil
		}
		b.at.Token, b.at.Skip, b.more = listing.Next, b.at.Skip-skipped, true
		if len(b.edges) == first {
			return nil
		}
	}
	return nil
}

func (b *browsing) page() *model.WarehouseEntryConnection {
	out := &model.WarehouseEntryConnection{
		Edges: append([]*model.WarehouseEntryEdge{}, b.edges...), Nodes: []*model.WarehouseEntry{},
		PageInfo: &ent.PageInfo{HasNextPage: b.more, HasPreviousPage: b.begun},
	}
	for _, e := range b.edges {
		out.Nodes = append(out.Nodes, e.Node)
	}
	if n := len(b.edges); n > 0 {
		out.PageInfo.StartCursor = &b.edges[0].Cursor
	}
	if len(b.edges) > 0 || b.more {
		// Where the next look begins, which is after the last entry.
		end := b.at.cursor()
		out.PageInfo.EndCursor = &end
	}
	return out
}

func entryOf(e warehouse.Entry) *model.WarehouseEntry {
	return &model.WarehouseEntry{
		Kind: model.WarehouseEntryKind(e.Kind), Project: e.Ref.Project, Dataset: optional(e.Ref.Dataset), Table: optional(e.Ref.Table),
		Label: optional(untrusted.Line(e.Label)), Type: tableType(e.Type),
	}
}

// warehouseFault is a warehouse's error as the whole request's.
func warehouseFault(err error) error {
	var said *warehouse.Error
	if !errors.As(err, &said) {
		return err
	}
	code := fault.Unavailable
	switch said.Code {
	case warehouse.CodeNotFound:
		code = fault.NotFound
	case warehouse.CodeAccessDenied:
		code = fault.Forbidden
	case warehouse.CodeRateLimited, warehouse.CodeQuotaExceeded:
		code = fault.RateLimited
	case warehouse.CodeInternal:
		return err
	}
	return fault.Wrap(err, code, "%s", said.Message).After(said.RetryAfter)
}
