package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/warehouse"
)

const (
	// previewRows is how many rows of a table are looked at. A preview is free.
	previewRows = 100
	// mostNotes is how many changes of a table are told, the newest.
	mostNotes = 10
	// dayFormat is how notes write a day.
	dayFormat = "2006-01-02"
)

// notConnected is the code of a table whose connection is not configured any more.
const notConnected profile.Code = "WAREHOUSE_NOT_CONNECTED"

// passing tells whether what failed may work a little later, so that what is known
// of a table stays good.
func passing(code warehouse.Code) bool {
	switch code {
	case warehouse.CodeQuotaExceeded, warehouse.CodeRateLimited, warehouse.CodeBackend, warehouse.CodeTimeout,
		warehouse.CodeCancelled, warehouse.CodeInternal:
		return true
	}
	return false
}

// sync reads a table's metadata and stores them, or why they cannot be had.
func (s *Service) sync(ctx context.Context, c claim, d *ent.Dataset) error {
	began := s.clock.Now()
	t, err := s.fetch(ctx, d)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		s.logger.InfoContext(ctx, "read a table's metadata", "dataset", d.ID, "connection", d.Connection, "table", refOf(d).String(),
			"columns", len(t.Fields), "duration", s.clock.Now().Sub(began))
		return s.finishTable(ctx, c, d, t)
	}
	failure := tableFailure(err)
	s.logger.InfoContext(ctx, "a table's metadata cannot be had", "dataset", d.ID, "connection", d.Connection, "table", refOf(d).String(),
		"code", failure.Code, "error", err)
	if d.SyncedAt == nil {
		return s.fail(ctx, c, failure)
	}
	if passing(warehouse.Code(failure.Code)) {
		return s.keepTable(ctx, c, d, failure)
	}
	failure.Message += " What Mark knew of the table on " + d.SyncedAt.UTC().Format(dayFormat) + " is kept."
	return s.fail(ctx, c, failure)
}

// fetch asks the warehouse.
func (s *Service) fetch(ctx context.Context, d *ent.Dataset) (*warehouse.Table, error) {
	w := s.connected(d.Connection)
	if w == nil {
		return nil, &profile.Failure{Code: notConnected, Message: "This server is not connected any more to the warehouse that has this table. Whoever looks after it can put the connection back; or delete the dataset."}
	}
	limited, cancel := context.WithTimeout(ctx, s.limits.ProfileTime)
	defer cancel()
	return w.Table(limited, refOf(d), warehouse.TableOptions{SampleRows: previewRows})
}

// tableFailure is what a person is told about an error.
func tableFailure(err error) *profile.Failure {
	var failure *profile.Failure
	if errors.As(err, &failure) {
		return failure
	}
	var said *warehouse.Error
	switch {
	case errors.As(err, &said) && said.Message != "":
		message := strings.TrimRight(said.Message, ". ") + "." // others follow it
		if len(said.Suggestions) > 0 {
			message += " What is there and has a name like it: " + strings.Join(said.Suggestions, ", ") + "."
		}
		return &profile.Failure{Code: profile.Code(said.Code), Message: message, Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &profile.Failure{Code: profile.Code(warehouse.CodeTimeout), Message: "The warehouse took too long to answer. Refresh the table later.", Err: err}
	}
	return &profile.Failure{Code: profile.Code(warehouse.CodeInternal), Message: "The table could not be read because of a fault of this server.", Err: err}
}

// keepTable leaves a table as it was known before, with a note.
func (s *Service) keepTable(ctx context.Context, c claim, d *ent.Dataset, f *profile.Failure) error {
	notes := s.dated(d.Notes, "It could not be refreshed: "+f.Message)
	_, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(c.mine()).ClearProfilingUntil().SetProfileLosses(0).SetState(dataset.StateReady).SetNotes(notes)
	})
	if err != nil {
		return fmt.Errorf("store that a table could not be refreshed: %w", err)
	}
	return nil
}

// dated puts today's notes before the earlier ones.
func (s *Service) dated(earlier []string, today ...string) []string {
	if len(today) > mostNotes {
		more := fmt.Sprintf("There are %d more changes.", len(today)-mostNotes+1)
		today = append(today[:mostNotes-1:mostNotes-1], more)
	}
	day := s.clock.Now().UTC().Format(dayFormat)
	notes := []string{}
	for _, n := range today {
		notes = append(notes, cutMessage(day+": "+n))
	}
	notes = append(notes, earlier...)
	return notes[:min(mostNotes, len(notes))]
}

// finishTable stores a table's metadata whole, if the dataset is still the
// claim's.
func (s *Service) finishTable(ctx context.Context, c claim, d *ent.Dataset, t *warehouse.Table) error {
	sample, err := sampleOf(t)
	if err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // as in insert
	// The row first, as in finish.
	n, err := tx.Dataset.Update().Where(c.mine()).ClearProfilingUntil().SetProfileLosses(0).
		SetState(dataset.StateReady).SetSyncedAt(s.clock.Now()).Save(ctx)
	if err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	if n == 0 {
		return nil // deleted meanwhile, or another node's
	}
	changes, err := s.replaceColumns(ctx, tx, c.id, columnsOf(t))
	if err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	// As it is now, under the row's lock: somebody may have described it meanwhile.
	now, err := tx.Dataset.Get(ctx, c.id)
	if err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	notes := now.Notes
	if d.SyncedAt != nil && len(changes) > 0 {
		s.logger.InfoContext(ctx, "a table's columns have changed", "dataset", d.ID, "connection", d.Connection, "table", refOf(d).String(), "changes", changes)
		notes = s.dated(notes, changes...)
	}
	if t.SampleError != nil {
		notes = s.dated(notes, "Its rows could not be previewed: "+t.SampleError.Message)
	}
	said := described(t.Description, maxDescription)
	change := tx.Dataset.UpdateOneID(c.id).SetSourceDescription(said).SetTableType(firstRunes(string(t.Type), 32)).
		SetEtag(clean(t.Etag)).SetSizeBytes(max(t.Bytes, 0)).SetNotes(notes)
	if now.Description == now.SourceDescription {
		change.SetDescription(said)
	}
	if err := setFacts(change, t, sample).Exec(ctx); err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store a table: %w", err)
	}
	return nil
}

// setFacts sets what a table has or has not.
func setFacts(u *ent.DatasetUpdateOne, t *warehouse.Table, sample json.RawMessage) *ent.DatasetUpdateOne {
	if t.Rows >= 0 {
		u.SetRowCount(t.Rows)
	} else {
		u.ClearRowCount()
	}
	if p := t.Partitioning; p != nil {
		u.SetPartitioning(encoded(*p))
	} else {
		u.ClearPartitioning()
	}
	if len(t.Clustering) > 0 {
		u.SetClustering(t.Clustering)
	} else {
		u.ClearClustering()
	}
	if !t.Modified.IsZero() {
		u.SetModifiedAt(t.Modified.UTC().Truncate(time.Microsecond))
	} else {
		u.ClearModifiedAt()
	}
	switch {
	case sample != nil:
		u.SetSample(sample)
	case t.SampleError == nil: // else the earlier one stays
		u.ClearSample()
	}
	return u
}
