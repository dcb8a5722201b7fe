package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/column"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
)

// columnsAtOnce bounds the columns of one statement: SQLite takes 32,766
// arguments, and a column has 12.
const columnsAtOnce = 1000

// profile brings a dataset to READY or FAILED. It leaves it as it is only when
// the service is closed, the dataset deleted, or the database away; Resume finds
// the first and the last.
func (s *Service) profile(j *job) {
	// A defect that one file brings out must not take the service down.
	defer func() {
		if r := recover(); r != nil {
			s.logger.ErrorContext(j.ctx, "profiling a dataset panicked", "dataset", j.id, "panic", r, "stack", string(debug.Stack()))
			if err := s.fail(j.ctx, j.id, failureOf(nil)); err != nil {
				s.logger.ErrorContext(j.ctx, "profiling a dataset failed", "dataset", j.id, "error", err)
			}
		}
	}()
	if err := s.tryProfile(j.ctx, j.id); err != nil && j.ctx.Err() == nil {
		s.logger.ErrorContext(j.ctx, "profiling a dataset failed", "dataset", j.id, "error", err)
	}
}

func (s *Service) tryProfile(ctx context.Context, id string) error {
	d, err := s.begin(ctx, id)
	if d == nil || err != nil {
		return err
	}
	began := s.clock.Now()
	p, err := s.read(ctx, d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		failure := failureOf(err)
		s.logger.InfoContext(ctx, "a dataset cannot be read", "dataset", id, "code", failure.Code, "error", err)
		return s.fail(ctx, id, failure)
	}
	s.logger.InfoContext(ctx, "profiled a dataset", "dataset", id, "format", p.Format,
		"rows", p.RowCount, "columns", len(p.Columns), "duration", s.clock.Now().Sub(began))
	return s.finish(ctx, id, p)
}

// begin marks the dataset PROFILING; nil when there is nothing to do.
func (s *Service) begin(ctx context.Context, id string) (*ent.Dataset, error) {
	n, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(dataset.ID(id), dataset.StateNEQ(dataset.StateReady)).
			SetState(dataset.StateProfiling).ClearErrorCode().ClearErrorMessage()
	})
	if n == 0 || err != nil {
		return nil, err
	}
	d, err := s.client.Dataset.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return d, err
}

// read has the file read in a session of its own.
func (s *Service) read(ctx context.Context, d *ent.Dataset) (p profile.Profile, err error) {
	limited, cancel := context.WithTimeout(ctx, s.limits.ProfileTime)
	defer cancel()
	path, release, err := s.files.LocalPath(limited, d.BlobKey)
	if err != nil {
		return p, err
	}
	defer release()
	session, err := s.sandbox.Open(limited, execution.Spec{
		Files:  []execution.File{{Name: d.FileName, Path: path}},
		Limits: s.limits.Session,
	})
	if err != nil {
		return p, err
	}
	defer func() {
		if closeErr := session.Close(); closeErr != nil {
			s.logger.WarnContext(ctx, "closing a profile's session failed", "dataset", d.ID, "error", closeErr)
		}
	}()
	p, err = profile.Run(limited, session, d.FileName)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return p, &execution.Error{Code: execution.CodeTimeout, Message: "Profiling took too long.", Err: err}
	}
	return p, err
}

// failureOf is what a person is told about an error.
func failureOf(err error) *profile.Failure {
	var failure *profile.Failure
	if errors.As(err, &failure) {
		return failure
	}
	var ended *execution.Error
	switch {
	case errors.As(err, &ended) && ended.Code == execution.CodeUnavailable:
		return &profile.Failure{Code: profile.Unavailable, Message: "The file is stored, but Python cannot run on this server now: " + ended.Message, Err: err}
	case errors.As(err, &ended) && ended.Code == execution.CodeTimeout, errors.Is(err, context.DeadlineExceeded):
		return &profile.Failure{Code: profile.TooLarge, Message: "Reading the file took too long. Upload a part of it, or save it as Parquet.", Err: err}
	}
	return &profile.Failure{Code: profile.Failed, Message: "The file could not be read because of a fault of this server. Upload it again.", Err: err}
}

func (s *Service) fail(ctx context.Context, id string, f *profile.Failure) error {
	_, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(dataset.ID(id), dataset.StateEQ(dataset.StateProfiling)).
			SetState(dataset.StateFailed).SetErrorCode(string(f.Code)).SetErrorMessage(cutMessage(f.Message))
	})
	if err != nil {
		return fmt.Errorf("store that profiling failed: %w", err)
	}
	return nil
}

// update changes datasets in a transaction, in which the chats that have them are
// marked as changed too.
func (s *Service) update(ctx context.Context, change func(*ent.DatasetUpdate)) (n int, err error) {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // as in insert
	u := tx.Dataset.Update()
	change(u)
	if n, err = u.Save(ctx); err != nil {
		return 0, err
	}
	return n, tx.Commit()
}

// cutMessage bounds a message to what its column takes.
func cutMessage(message string) string {
	const most = 2000
	if len(message) <= most {
		return message
	}
	return cut(message, most)
}

// finish stores a profile whole.
func (s *Service) finish(ctx context.Context, id string, p profile.Profile) error {
	sample, err := json.Marshal(p.Sample)
	if err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // as in insert
	// The row first: its lock keeps another process, which may have profiled
	// the same dataset, from the columns.
	n, err := tx.Dataset.Update().
		Where(dataset.ID(id), dataset.StateEQ(dataset.StateProfiling)).
		SetState(dataset.StateReady).SetFormat(p.Format).SetLoadCode(p.LoadCode).SetRowCount(p.RowCount).
		SetSample(sample).SetNotes(p.Notes).SetSyncedAt(s.clock.Now()).
		Save(ctx)
	if err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	if n == 0 {
		return nil // deleted meanwhile, or done by another process
	}
	if _, err := tx.Column.Delete().Where(column.DatasetID(id)).Exec(ctx); err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	position := 0
	for columns := range slices.Chunk(p.Columns, columnsAtOnce) {
		rows := make([]*ent.ColumnCreate, len(columns))
		for i, c := range columns {
			rows[i] = tx.Column.Create().SetDatasetID(id).SetPosition(position).
				SetName(c.Name).SetType(c.Type).SetNullCount(c.NullCount).SetDistinctCount(c.DistinctCount).
				SetNillableMin(some(c.Min)).SetNillableMax(some(c.Max)).SetSampleValues(c.Samples)
			if c.OriginalName != c.Name {
				rows[i].SetDescription("In the file: " + c.OriginalName)
			}
			position++
		}
		if err := tx.Column.CreateBulk(rows...).Exec(ctx); err != nil {
			return fmt.Errorf("store a profile: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	return nil
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
