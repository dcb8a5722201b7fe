package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// The codes with which runs fail, beside those of internal/dialogue and
// internal/execution.
const (
	CodeInterrupted = "RUN_INTERRUPTED"
	CodeTimeLimit   = "RUN_TIME_LIMIT"
	CodeInternal    = "INTERNAL"
)

// Recover deals with what the last process left: runs that were going on are
// ended with an error that says they can be asked again, and queued ones are
// put to work in their order.
func (a *Agent) Recover(ctx context.Context) error {
	system := a.AsSystem(ctx)
	left, err := a.Client.Run.Query().
		Where(run.StateIn(run.StateQueued, run.StateRunning, run.StateWaiting)).
		Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID)).
		All(system)
	if err != nil {
		return fmt.Errorf("find unfinished runs: %w", err)
	}
	for _, r := range left {
		if r.State == run.StateQueued {
			a.schedule.add(job{runID: r.ID, chatID: r.ChatID, ownerID: r.OwnerID})
			continue
		}
		err := a.abandon(a.AsOwner(ctx, r.OwnerID), r, run.StateFailed, &Failure{
			Code:    CodeInterrupted,
			Message: "Mark was restarted while it worked on this, and lost the thread. Nothing of the chat is lost: ask again.",
		})
		if err != nil {
			// One run that cannot be ended must not keep all others waiting.
			a.Logger.ErrorContext(ctx, "an interrupted run could not be ended", "run", r.ID, "error", err)
			continue
		}
		a.Logger.InfoContext(ctx, "ended an interrupted run", "run", r.ID)
	}
	return nil
}

// Stop ends a run of the viewer's: at once when it waits, through its context
// when it goes on. A run that has ended stays as it is. It returns the run as it
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
	if a.schedule.stop(runID) {
		return r, nil
	}
	// It waits behind another run of its chat, or nobody works on it.
	switch err := a.abandon(ctx, r, run.StateCancelled, nil); {
	case errors.Is(err, eventlog.ErrFenced):
		a.schedule.stop(runID) // it was taken up just now
	case err != nil:
		return nil, fmt.Errorf("stop %s: %w", runID, err)
	}
	return a.Client.Run.Get(ctx, runID)
}

// abandon ends a run that nobody works on.
func (a *Agent) abandon(ctx context.Context, r *ent.Run, state run.State, failure *Failure) error {
	w, err := a.claim(ctx, r.ID, r.Epoch)
	if err != nil {
		return err
	}
	return a.conclude(ctx, r, w, outcome{state: state, failure: failure, usage: usageOf(r)})
}

// claim makes this the run's only writer: epoch is the run's as the claimant
// read it, and the claim fails with ErrFenced when it has moved on since.
func (a *Agent) claim(ctx context.Context, runID string, epoch int) (eventlog.Writer, error) {
	n, err := a.Client.Run.Update().
		Where(run.ID(runID), run.Epoch(epoch), run.StateNotIn(run.StateSucceeded, run.StateFailed, run.StateCancelled)).
		SetEpoch(epoch + 1).
		Save(ctx)
	if err != nil {
		return eventlog.Writer{}, fmt.Errorf("claim %s: %w", runID, err)
	}
	if n == 0 {
		return eventlog.Writer{}, fmt.Errorf("claim %s: %w", runID, eventlog.ErrFenced)
	}
	return eventlog.Writer{RunID: runID, Epoch: epoch + 1}, nil
}

// work is one run, from its claim to its end.
func (a *Agent) work(ctx context.Context, j job) {
	if errors.Is(context.Cause(ctx), errShutdown) {
		return // it stays QUEUED, for the next start
	}
	// The run's end must be stored whatever ended it.
	stored := a.AsOwner(context.WithoutCancel(ctx), j.ownerID)
	r, err := a.Client.Run.Get(stored, j.runID)
	if err != nil || r.State != run.StateQueued {
		if err != nil && !ent.IsNotFound(err) {
			a.Logger.ErrorContext(ctx, "a queued run cannot be read", "run", j.runID, "error", err)
		}
		return
	}
	w, err := a.claim(stored, r.ID, r.Epoch)
	if err != nil {
		a.Logger.WarnContext(ctx, "a queued run was not to be had", "run", j.runID, "error", err)
		return
	}
	out := a.attempt(a.AsOwner(ctx, j.ownerID), r, w)
	switch err := a.conclude(stored, r, w, out); {
	case errors.Is(err, eventlog.ErrFenced):
		a.Logger.InfoContext(ctx, "a run was deleted or taken over while it went on", "run", j.runID)
	case err != nil:
		a.Logger.ErrorContext(ctx, "a run's end was not stored", "run", j.runID, "error", err)
	}
}

// attempt does the work and turns whatever comes of it into an outcome.
func (a *Agent) attempt(ctx context.Context, row *ent.Run, w eventlog.Writer) (out outcome) {
	ctx, cancel := context.WithTimeout(ctx, a.Limits.RunTime)
	defer cancel()
	k := &work{Agent: a, row: row, rec: newRecorder(ctx, a, w)}
	defer func() {
		if p := recover(); p != nil {
			a.Logger.ErrorContext(ctx, "a run panicked", "run", row.ID, "panic", p, "stack", string(debug.Stack()))
			out = outcome{state: run.StateFailed, failure: failureOf(nil)}
		}
		out.parts, out.usage = k.parts(), k.usage
	}()
	defer k.end()
	err := context.Cause(ctx) // ended before it began
	if err == nil {
		err = k.begin(ctx)
	}
	if err == nil {
		err = k.loop(ctx)
	}
	return a.outcomeOf(ctx, row, err)
}

// outcomeOf tells how a run ended of the error that ended it.
func (a *Agent) outcomeOf(ctx context.Context, row *ent.Run, err error) (out outcome) {
	switch cause := context.Cause(ctx); {
	case err == nil:
		out = outcome{state: run.StateSucceeded}
	case errors.Is(err, eventlog.ErrFenced): // nobody will read it
		out = outcome{state: run.StateFailed, failure: failureOf(err)}
	case errors.Is(cause, errStopped):
		out = outcome{state: run.StateCancelled}
	case errors.Is(cause, errShutdown):
		out = outcome{state: run.StateFailed, failure: &Failure{CodeInterrupted,
			"Mark was shut down while it worked on this. Nothing of the chat is lost: ask again."}}
	case errors.Is(cause, context.DeadlineExceeded):
		advice := "a narrower question may help"
		if model := (*dialogue.Error)(nil); errors.As(err, &model) { // the question may be innocent
			advice = "at the end Mark was waiting for the model, which may be slow or not answering at all: try again, or choose another model"
		}
		out = outcome{state: run.StateFailed, failure: &Failure{CodeTimeLimit,
			fmt.Sprintf("This took longer than %s, the most that a question may take here. What was found so far is kept; %s.", clock.Words(a.Limits.RunTime), advice)}}
	default:
		out = outcome{state: run.StateFailed, failure: failureOf(err)}
		level := a.Logger.WarnContext
		if out.failure.Code == CodeInternal {
			level = a.Logger.ErrorContext
		}
		level(ctx, "a run failed", "run", row.ID, "error", err)
	}
	return out
}

// final tells whether a run has ended.
func final(s run.State) bool {
	return s == run.StateSucceeded || s == run.StateFailed || s == run.StateCancelled
}
