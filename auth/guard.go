package auth

import (
	"context"
	"fmt"

	entgo "entgo.io/ent"
	"entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/intercept"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/owned"
)

// Guard confines a client, its transactions included, to the rows of the
// viewer in the context: those whose owner_id is the viewer's, and of the users
// the viewer alone.
//
// Reads, along whichever edge, see the viewer's rows as if there were no
// others; counts and aggregates too. Updates and deletes reach only them. What
// is created belongs to the viewer, and can be tied only to rows that do;
// naming another's row is answered like naming none, with NOT_FOUND. Without a
// viewer everything is refused with UNAUTHENTICATED. System lifts all of it.
//
// It cannot see into statements that the caller writes in SQL (ExecContext,
// QueryContext and the predicates of package sql): whoever uses them has looked
// up through ent, before, what they are about.
func Guard(c *ent.Client) {
	g := guard{edges: edgeTargets()}
	c.Intercept(intercept.TraverseFunc(g.query))
	c.Use(g.hook)
}

type guard struct {
	edges map[edgeOf]string // the type at an edge's other end
}

// query runs for each query, and for each step on a path along edges.
func (g guard) query(ctx context.Context, q intercept.Query) error {
	if _, ok := SystemReason(ctx); ok {
		return nil
	}
	v, err := Require(ctx)
	if err != nil {
		return err
	}
	q.WhereP(ofViewer(q.Type(), v))
	return nil
}

// ofViewer is the predicate that holds for the viewer's rows.
func ofViewer(typ string, v Viewer) func(*sql.Selector) {
	return sql.FieldEQ(ownerColumn(typ), v.UserID)
}

// ownerColumn is where a row says whose it is. Every type of package ent/schema
// has owner_id but User, which is its own.
func ownerColumn(typ string) string {
	if typ == ent.TypeUser {
		return "id"
	}
	return "owner_id"
}

// mutation is what the mutations of all types have beyond ent.Mutation.
type mutation interface {
	entgo.Mutation
	WhereP(...func(*sql.Selector))
	Client() *ent.Client
}

func (g guard) hook(next entgo.Mutator) entgo.Mutator {
	return entgo.MutateFunc(func(ctx context.Context, m entgo.Mutation) (entgo.Value, error) {
		if _, ok := SystemReason(ctx); ok {
			return next.Mutate(ctx, m)
		}
		v, err := Require(ctx)
		if err != nil {
			return nil, err
		}
		mut, ok := m.(mutation)
		if !ok {
			return nil, fmt.Errorf("auth: mutations of the type %T cannot be guarded", m)
		}
		if err := g.confine(ctx, v, mut); err != nil {
			return nil, err
		}
		value, err := next.Mutate(ctx, m)
		if err == nil && m.Op().Is(ent.OpCreate|ent.OpUpdateOne) {
			if id, err := idOf(mut); err == nil {
				owned.Note(ctx, m.Type(), id)
			}
		}
		return value, err
	})
}

func (g guard) confine(ctx context.Context, v Viewer, m mutation) error {
	if m.Op().Is(ent.OpCreate) {
		if err := claim(v, m); err != nil {
			return err
		}
	} else {
		m.WhereP(ofViewer(m.Type(), v))
	}
	if m.Op().Is(ent.OpUpdateOne) && changesNoColumn(m) {
		// ent applies the predicate to the UPDATE statement alone. Without one,
		// it would tie edges to the row, and return it, whosever it is.
		id, err := idOf(m)
		if err != nil {
			return err
		}
		if err := visible(ctx, m.Client(), m.Type(), []entgo.Value{id}); err != nil {
			return err
		}
	}
	for _, edge := range m.AddedEdges() {
		target, ok := g.edges[edgeOf{m.Type(), edge}]
		if !ok {
			return fmt.Errorf("auth: the edge %s of %s leads nobody knows where", edge, m.Type())
		}
		if target == ent.TypeUser {
			if err := themselves(v, m.AddedIDs(edge)); err != nil {
				return err
			}
			continue // the one visible user needs no statement to be looked up
		}
		if err := visible(ctx, m.Client(), target, m.AddedIDs(edge)); err != nil {
			return err
		}
	}
	return nil
}

// claim makes what is created the viewer's.
func claim(v Viewer, m mutation) error {
	if m.Type() == ent.TypeUser {
		return fault.New(fault.Forbidden, "Accounts are made by signing up.")
	}
	column := ownerColumn(m.Type())
	if owner, ok := m.Field(column); ok {
		return themselves(v, []entgo.Value{owner})
	}
	if err := m.SetField(column, v.UserID); err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	return nil
}

func changesNoColumn(m entgo.Mutation) bool {
	return len(m.Fields())+len(m.AddedFields())+len(m.ClearedFields()) == 0
}

// idOf returns the id of the one row that a mutation is about.
func idOf(m mutation) (any, error) {
	switch m := m.(type) {
	case interface{ ID() (string, bool) }:
		if id, ok := m.ID(); ok {
			return id, nil
		}
	case interface{ ID() (int64, bool) }:
		if id, ok := m.ID(); ok {
			return id, nil
		}
	}
	return nil, fmt.Errorf("auth: it cannot be told which %s is to be changed", word(m.Type()))
}

// themselves refuses the ids of users other than the viewer.
func themselves(v Viewer, ids []entgo.Value) error {
	for _, id := range ids {
		if id != v.UserID {
			return notFound(ent.TypeUser)
		}
	}
	return nil
}

// notFound is the answer to naming a row that is not there or not the viewer's.
// It satisfies ent.IsNotFound too, as ent's own answers do.
func notFound(typ string) error {
	return fault.Wrap(&ent.NotFoundError{}, fault.NotFound, "There is no such %s.", word(typ))
}
