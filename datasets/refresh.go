package datasets

import (
	"context"
	"fmt"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/warehouse"
)

// Refresh has a dataset of the viewer's read again, an upload from its file, a
// table from its warehouse, and returns it, PENDING, or as it is where it is being
// read. What people wrote about it stays. The error is a fault NOT_FOUND where
// there is none.
func (s *Service) Refresh(ctx context.Context, id string) (*ent.Dataset, error) {
	none := fault.New(fault.NotFound, "There is no such dataset.").OnField("datasetId")
	if !ids.Valid(ids.Dataset, id) {
		return nil, none
	}
	if _, err := s.update(ctx, func(u *ent.DatasetUpdate) { wait(u.Where(dataset.ID(id))) }); err != nil {
		return nil, fmt.Errorf("refresh a dataset: %w", err)
	}
	d, err := s.client.Dataset.Query().Where(dataset.ID(id)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, none
	case err != nil:
		return nil, fmt.Errorf("refresh a dataset: %w", err)
	}
	if d.State == dataset.StatePending {
		s.enqueue(ctx, d)
	}
	return d, nil
}

// wait has datasets wait to be read again, unless they are waiting or being read.
func wait(u *ent.DatasetUpdate) *ent.DatasetUpdate {
	return u.Where(dataset.StateIn(dataset.StateReady, dataset.StateFailed)).
		SetState(dataset.StatePending).ClearErrorCode().ClearErrorMessage()
}

// tablesAtOnce is how many tables are looked up in the database at once.
const tablesAtOnce = 100

// tableOf tells the same table of several people.
type tableOf struct {
	connection string
	ref        warehouse.TableRef
}

// looked is what a look at a table found: nothing where it could not be told.
type looked struct {
	there bool
	etag  string
	gone  bool // it cannot be had, and not only for the moment
}

// news tells whether a dataset does not say so yet.
func (l looked) news(d *ent.Dataset) bool {
	if d.State == dataset.StateFailed {
		return l.there
	}
	return l.gone || l.there && (l.etag == "" || l.etag != d.Etag)
}

// RefreshTables looks at the metadata of everybody's tables and has those read
// again that have changed, until stop says so. It makes one free call for each
// table, whoever has it. It needs no viewer.
func (s *Service) RefreshTables(ctx context.Context, stop func() bool) error {
	ctx = auth.System(ctx, "find tables of warehouses that have changed")
	seen := map[tableOf]looked{}
	for after := ""; ; {
		page, err := s.client.Dataset.Query().
			Where(dataset.SourceEQ(dataset.SourceBigQuery), dataset.StateIn(dataset.StateReady, dataset.StateFailed), dataset.IDGT(after)).
			Order(dataset.ByID()).Limit(tablesAtOnce).All(ctx)
		if err != nil {
			return fmt.Errorf("find tables to look at: %w", err)
		}
		for _, d := range page {
			if stop() || ctx.Err() != nil {
				return ctx.Err()
			}
			after = d.ID
			key := tableOf{d.Connection, refOf(d)}
			found, ok := seen[key]
			if !ok {
				found = s.look(ctx, key)
				seen[key] = found
			}
			if err := s.renewTable(ctx, d, found); err != nil {
				return err
			}
		}
		if len(page) < tablesAtOnce {
			return nil
		}
	}
}

// look asks for a table's metadata.
func (s *Service) look(ctx context.Context, t tableOf) looked {
	w := s.connected(t.connection)
	if w == nil {
		return looked{gone: true}
	}
	found, err := w.Table(ctx, t.ref, warehouse.TableOptions{})
	switch {
	case err == nil:
		return looked{there: true, etag: clean(found.Etag)}
	case ctx.Err() != nil:
		return looked{}
	}
	s.logger.InfoContext(ctx, "a table could not be looked at", "connection", t.connection, "table", t.ref.String(), "error", err)
	return looked{gone: !passing(warehouse.CodeOf(err))}
}

// renewTable has a table read again of which something else is known now.
func (s *Service) renewTable(ctx context.Context, d *ent.Dataset, found looked) error {
	if !found.news(d) {
		return nil
	}
	n, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		wait(u.Where(dataset.ID(d.ID), dataset.ProfileEpoch(d.ProfileEpoch)))
	})
	if err != nil {
		return fmt.Errorf("have a table read again: %w", err)
	}
	if n == 0 {
		return nil
	}
	// Where this is lost the sweep finds it.
	return s.background.Enqueue(ctx, Job{DatasetID: d.ID, OwnerID: d.OwnerID, Epoch: d.ProfileEpoch + 1})
}
