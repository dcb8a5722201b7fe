package datasets

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/cut"
)

// fail stores why there is no profile, if the dataset is still the claim's.
func (s *Service) fail(ctx context.Context, c claim, f *profile.Failure) error {
	_, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(c.mine()).ClearProfilingUntil().SetProfileLosses(0).
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
func cutMessage(message string) string { return cut.ToBytes(message, 2000) }

// finish stores a profile whole, if the dataset is still the claim's.
func (s *Service) finish(ctx context.Context, c claim, p profile.Profile) error {
	sample, err := json.Marshal(p.Sample)
	if err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // as in insert
	// The row first: its lock keeps another node, which may have profiled the same
	// dataset, from the columns.
	n, err := tx.Dataset.Update().Where(c.mine()).ClearProfilingUntil().SetProfileLosses(0).
		SetState(dataset.StateReady).SetFormat(p.Format).SetLoadCode(p.LoadCode).SetRowCount(p.RowCount).
		SetSample(sample).SetNotes(p.Notes).SetSyncedAt(s.clock.Now()).
		Save(ctx)
	if err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	if n == 0 {
		return nil // deleted meanwhile, or another node's
	}
	if _, err := s.replaceColumns(ctx, tx, c.id, profiled(p.Columns)); err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store a profile: %w", err)
	}
	return nil
}

// profiled are the columns of a profile.
func profiled(columns []profile.Column) []newColumn {
	out := make([]newColumn, len(columns))
	for i, c := range columns {
		out[i] = newColumn{
			name: c.Name, kind: c.Type, nulls: &c.NullCount, distinct: &c.DistinctCount,
			min: some(c.Min), max: some(c.Max), samples: c.Samples,
		}
		if c.OriginalName != c.Name {
			out[i].description = "In the file: " + c.OriginalName
		}
	}
	return out
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
