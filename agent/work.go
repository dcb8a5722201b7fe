package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
)

// The codes with which runs fail, beside those of internal/dialogue and
// internal/execution.
const (
	CodeInterrupted = "RUN_INTERRUPTED"
	CodeTimeLimit   = "RUN_TIME_LIMIT"
	CodeInternal    = "INTERNAL"
)

// work is one claim of a run, from there to its end or to its loss.
func (a *Agent) work(ctx context.Context, c claim) {
	w := c.writer
	ctx, own, leave := a.held.add(ctx, w, c.asked)
	defer leave()
	// What is stored must be stored whatever ended the work.
	stored := a.AsOwner(context.WithoutCancel(ctx), c.ownerID)
	r, err := c.row, error(nil)
	if r == nil {
		r, err = a.Client.Run.Get(stored, w.RunID)
	}
	if err != nil {
		if !ent.IsNotFound(err) {
			// The lease ends, and somebody tries again.
			a.Logger.ErrorContext(ctx, "a claimed run cannot be read", "run", w.RunID, "error", err)
		}
		return
	}
	var out outcome
	switch lost := r.Epoch - r.Handovers - 1; {
	case r.CancelRequested:
		out = a.cancelled(stored, r)
	case lost >= a.Limits.Claims:
		out = outcome{state: run.StateFailed, parts: a.shownBy(stored, r), usage: usageOf(r), failure: &Failure{CodeInterrupted, fmt.Sprintf(
			"Mark was interrupted %d times while it worked on this, and has given up. Nothing of the chat is lost: ask again.", lost)}}
	default:
		out = a.attempt(a.AsOwner(ctx, c.ownerID), r, c.first, own)
	}
	if out.left != nil {
		a.leave(stored, w, out.left)
		return
	}
	switch err := own.insist(func() error { return a.conclude(stored, r, w, out) }); {
	case errors.Is(err, eventlog.ErrFenced):
		a.Logger.InfoContext(ctx, "a run was deleted or taken over while it went on", "run", r.ID)
	case err != nil:
		// The lease ends, and somebody takes it up from the last step.
		a.Logger.ErrorContext(ctx, "a run's end was not stored", "run", r.ID, "error", err)
	case out.state == run.StateSucceeded:
		a.answered(stored, r)
	}
}

// leave gives up a run that has not ended.
func (a *Agent) leave(ctx context.Context, w eventlog.Writer, cause error) {
	a.Logger.InfoContext(ctx, "left a run where it was", "run", w.RunID, "epoch", w.Epoch, "cause", cause)
	if errors.Is(cause, errHandover) {
		if err := a.Log.Release(ctx, w); err != nil {
			a.Logger.WarnContext(ctx, "a run could not be given back; its lease ends by itself", "run", w.RunID, "error", err)
		}
	}
}

// attempt does the work and turns whatever comes of it into an outcome.
func (a *Agent) attempt(ctx context.Context, row *ent.Run, first *ent.Step, own *holding) (out outcome) {
	ctx, cancel := context.WithTimeout(ctx, a.Limits.RunTime-time.Duration(row.WorkedMs)*time.Millisecond)
	defer cancel()
	k := &work{Agent: a, row: row, first: first, began: a.Clock.Now(), rec: newRecorder(ctx, a, own), leftToday: unbounded, doing: Stopped{What: DoingNothing}}
	defer func() {
		if p := recover(); p != nil {
			a.Logger.ErrorContext(ctx, "a run panicked", "run", row.ID, "panic", p, "stack", string(debug.Stack()))
			out = outcome{state: run.StateFailed, failure: failureOf(nil)}
		}
		out.parts, out.usage = k.parts(), k.used()
		if out.state == run.StateCancelled {
			out.stopped = &k.doing
		}
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
	case errors.Is(err, errWaiting):
		out = outcome{left: err}
	case errors.Is(err, eventlog.ErrFenced), errors.Is(err, errLost), errors.Is(err, eventlog.ErrUncertain):
		out = outcome{left: err}
	case errors.Is(cause, errHandover), errors.Is(cause, errLost), errors.Is(cause, eventlog.ErrFenced):
		out = outcome{left: cause}
	case errors.Is(cause, errStopped):
		out = outcome{state: run.StateCancelled}
	case eventlog.Transient(err) && cause == nil && !elsewhere(err):
		// The database could not be read. When the lease ends the run goes on.
		out = outcome{left: err}
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

// elsewhere tells whether what failed is the model or Python: below it may lie
// what a database that is away looks like, too, such as a refused connection.
func elsewhere(err error) bool {
	var model *dialogue.Error
	var py *execution.Error
	return errors.As(err, &model) || errors.As(err, &py)
}

// final tells whether a run has ended.
func final(s run.State) bool {
	return s == run.StateSucceeded || s == run.StateFailed || s == run.StateCancelled
}
