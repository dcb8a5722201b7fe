package datasets

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/predicate"
)

const (
	// LeaseTime is how long a node has a dataset to itself after it began to
	// profile it, or said that it goes on. A node that has not reached the database
	// for that long must stop: another may have begun anew.
	LeaseTime = 10 * time.Second
	// leaseMargin is how long before the end of a lease that could not be renewed
	// the work stops: stopping takes a moment.
	leaseMargin = 2 * time.Second
	// renewEvery is how often a node says that it goes on, and sees what was
	// deleted through another node.
	renewEvery = 500 * time.Millisecond
	// leaseStep bounds one claim, renewal or release.
	leaseStep = 3 * time.Second
	// mostLosses is how many nodes a dataset may take with it, one after the other,
	// before nobody tries again.
	mostLosses = 3
)

//go:embed now_postgres.sql
var nowPostgres string

// now is the time that leases are measured in: the database's where it has a clock
// of its own, so that nodes need not agree on it.
func (s *Service) now(ctx context.Context) (now time.Time, err error) {
	if !s.postgres {
		return s.clock.Now(), nil
	}
	rows, err := s.client.QueryContext(ctx, nowPostgres)
	if err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&now)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", err)
	}
	return now.UTC(), nil
}

// due are the datasets that wait for a node: those that nobody has begun, and those
// whose node is gone or has given them back.
func due(now time.Time) predicate.Dataset {
	return dataset.Or(
		dataset.StateEQ(dataset.StatePending),
		dataset.And(dataset.StateEQ(dataset.StateProfiling), dataset.Or(dataset.ProfilingUntilIsNil(), dataset.ProfilingUntilLTE(now))),
	)
}

// claim is the right to profile a dataset.
type claim struct {
	id    string
	epoch int
}

// mine is the dataset as long as the claim is the last one to it.
func (c claim) mine() predicate.Dataset {
	return dataset.And(dataset.ID(c.id), dataset.ProfileEpoch(c.epoch), dataset.StateEQ(dataset.StateProfiling))
}

// begin claims the dataset of a job and marks it PROFILING; nil when there is
// nothing to do.
func (s *Service) begin(ctx context.Context, j Job) (*ent.Dataset, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseStep)
	defer cancel()
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.client.Dataset.Query().Where(dataset.ID(j.DatasetID), dataset.ProfileEpoch(j.Epoch-1), due(now)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("begin to profile: %w", err)
	}
	losses := d.ProfileLosses
	if d.State == dataset.StateProfiling && d.ProfilingUntil != nil { // nobody gave it back
		losses++
	}
	n, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(dataset.ID(d.ID), dataset.ProfileEpoch(j.Epoch-1), due(now)).
			SetState(dataset.StateProfiling).ClearErrorCode().ClearErrorMessage().
			SetProfileEpoch(j.Epoch).SetProfilingUntil(now.Add(LeaseTime)).SetProfileLosses(losses)
	})
	if err != nil {
		return nil, fmt.Errorf("begin to profile: %w", err)
	}
	if n == 0 {
		return nil, nil // another was quicker
	}
	d.ProfileEpoch, d.ProfileLosses = j.Epoch, losses
	return d, nil
}

// keep renews a claim that was made at a moment until ctx ends, and calls lose when
// the dataset is not this node's any more.
func (s *Service) keep(ctx context.Context, c claim, claimed time.Time, lose func(error)) {
	// On its own: a database that hangs must not keep us from noticing.
	end := time.AfterFunc(time.Until(claimed.Add(LeaseTime-leaseMargin)), func() { lose(errLost) })
	defer end.Stop()
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for failed := false; ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		ok, err := s.renew(ctx, c)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !failed {
				s.logger.WarnContext(ctx, "a dataset's lease could not be renewed", "dataset", c.id, "error", err)
			}
		case !ok:
			lose(errTaken)
			return
		default:
			end.Reset(time.Until(asked.Add(LeaseTime - leaseMargin)))
		}
		failed = err != nil
	}
}

func (s *Service) renew(ctx context.Context, c claim) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseStep)
	defer cancel()
	now, err := s.now(ctx)
	if err != nil {
		return false, err
	}
	n, err := s.client.Dataset.Update().Where(c.mine()).SetProfilingUntil(now.Add(LeaseTime)).Save(ctx)
	return n > 0, err
}

// release gives a dataset back that was not finished, so that another node can
// begin anew at once. It is harmless where the claim was lost.
func (s *Service) release(ctx context.Context, c claim) error {
	ctx, cancel := context.WithTimeout(ctx, leaseStep)
	defer cancel()
	if _, err := s.client.Dataset.Update().Where(c.mine()).ClearProfilingUntil().Save(ctx); err != nil {
		return fmt.Errorf("give a dataset back: %w", err)
	}
	return nil
}
