package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
)

// Stop ends a run of the viewer's: at once when it waits, through its context
// when it goes on here, and within a second through its row when it goes on at
// another node. A run that has ended stays as it is. It returns the run as it
// stands afterwards.
func (a *Agent) Stop(ctx context.Context, runID string) (*ent.Run, error) {
	r, err := a.Client.Run.Get(ctx, runID)
	if err != nil {
		return nil, err
	}
	if final(r.State) {
		return r, nil
	}
	if r, err = a.Client.Run.UpdateOne(r).SetCancelRequested(true).Save(ctx); err != nil {
		return nil, fmt.Errorf("ask for the end of %s: %w", runID, err)
	}
	if a.held.stop(runID) {
		return r, nil
	}
	// Nobody works on it, unless the claim fails: then its node sees the mark.
	w, err := a.Log.Claim(ctx, runID, r.Epoch+1, a.Node)
	if err == nil {
		err = a.conclude(ctx, r, w, a.cancelled(ctx, r))
	}
	if err != nil && !errors.Is(err, eventlog.ErrFenced) {
		return nil, fmt.Errorf("stop %s: %w", runID, err)
	}
	a.look() // it may be another run's turn now
	return a.Client.Run.Get(ctx, runID)
}
