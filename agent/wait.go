package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/fault"
)

// A run that needs a person gives up its lease and waits in its row, however
// long it takes: no node has to live meanwhile. What the person says is stored
// with the step, and makes the run due again; whichever node claims it replays
// the stored steps and goes on with the one that waited.

// errWaiting ends the work on a run that waits for a person.
var errWaiting = errors.New("the run waits for a person")

// wait stores that the run waits, with a change and the event that tells of it,
// and gives up the lease in the same transaction: as soon as the person can see
// what is asked, an answer finds the run free to go on. It returns errWaiting.
func (k *work) wait(change eventlog.Change, kind string, body EventBody) error {
	err := k.rec.with(func(ctx context.Context, tx *ent.Tx) error {
		if change != nil {
			if err := change(ctx, tx); err != nil {
				return err
			}
		}
		if err := tx.Run.Update().Where(run.ID(k.row.ID)).SetState(run.StateWaiting).
			ClearLeaseUntil().ClearNode().AddHandovers(1).Exec(ctx); err != nil {
			return err
		}
		return k.storeUsed(ctx, tx) // what it worked until here counts when it goes on
	}, kind, body)
	if err != nil {
		return fmt.Errorf("wait for the person: %w", err)
	}
	return errWaiting
}

// resume has a run that waits for the viewer go on, with a change that stores
// what the viewer said. Of all that try for it one succeeds; the others get a
// Conflict.
func (a *Agent) resume(ctx context.Context, runID string, change func(ctx context.Context, tx *ent.Tx) error) (*ent.Run, error) {
	tx, err := a.Client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("go on with %s: %w", runID, err)
	}
	// After a commit there is nothing to undo, and after a failure its reason counts.
	defer tx.Rollback() //nolint:errcheck
	// The run first, as whoever ends it does.
	n, err := tx.Run.Update().
		Where(run.ID(runID), run.StateEQ(run.StateWaiting), run.CancelRequested(false)).
		SetState(run.StateRunning).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("go on with %s: %w", runID, err)
	}
	if n == 0 {
		return nil, fault.New(fault.Conflict, "The run does not wait for a person (any more).").OnField("runId")
	}
	if err := change(ctx, tx); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("go on with %s: commit: %w", runID, err)
	}
	r, err := a.Client.Run.Get(ctx, runID)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", runID, err)
	}
	a.enqueue(ctx, Job{RunID: r.ID, Epoch: r.Epoch + 1})
	return r, nil
}
