package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
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
			return fmt.Errorf("end interrupted run %s: %w", r.ID, err)
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
	if err := a.abandon(ctx, r, run.StateCancelled, nil); err != nil && !errors.Is(err, eventlog.ErrFenced) {
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
	return a.finish(ctx, r, w, outcome{state: state, failure: failure})
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
	if err := a.finish(stored, r, w, out); err != nil {
		a.Logger.ErrorContext(ctx, "a run's end was not stored", "run", j.runID, "error", err)
	}
}

// attempt does the work and turns whatever comes of it into an outcome.
func (a *Agent) attempt(ctx context.Context, row *ent.Run, w eventlog.Writer) (out outcome) {
	ctx, cancel := context.WithTimeout(ctx, a.Limits.RunTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			a.Logger.ErrorContext(ctx, "a run panicked", "run", row.ID, "panic", p, "stack", string(debug.Stack()))
			out = outcome{state: run.StateFailed, failure: failureOf(nil), parts: out.parts}
		}
	}()
	if context.Cause(ctx) != nil { // stopped before it began
		return outcome{state: run.StateCancelled}
	}
	work, err := a.begin(ctx, row, w)
	if work != nil {
		defer work.end()
	}
	if err == nil {
		err = work.loop(ctx)
	}
	switch cause := context.Cause(ctx); {
	case err == nil:
		out = outcome{state: run.StateSucceeded}
	case errors.Is(cause, errStopped):
		out = outcome{state: run.StateCancelled}
	case errors.Is(cause, errShutdown):
		out = outcome{state: run.StateFailed, failure: &Failure{CodeInterrupted,
			"Mark was shut down while it worked on this. Nothing of the chat is lost: ask again."}}
	case errors.Is(cause, context.DeadlineExceeded):
		out = outcome{state: run.StateFailed, failure: &Failure{CodeTimeLimit,
			fmt.Sprintf("This took longer than %s, the most that a question may take here. What was found so far is kept; a narrower question may help.", a.Limits.RunTime)}}
	default:
		out = outcome{state: run.StateFailed, failure: failureOf(err)}
		level := a.Logger.WarnContext
		if out.failure.Code == CodeInternal {
			level = a.Logger.ErrorContext
		}
		level(ctx, "a run failed", "run", row.ID, "error", err)
	}
	if work != nil {
		out.parts, out.usage = work.parts(), work.usage
	}
	return out
}

// outcome is how a run ended.
type outcome struct {
	state   run.State
	failure *Failure // set where state is FAILED
	parts   []Part   // of Mark's message, without the failure
	usage   Usage
}

// finish stores the end: the steps that were going on, Mark's message, the
// run's final state and the last event, in one transaction.
func (a *Agent) finish(ctx context.Context, r *ent.Run, w eventlog.Writer, out outcome) error {
	change := func(ctx context.Context, tx *ent.Tx) error {
		stepState := step.StateFailed
		if out.state == run.StateCancelled {
			stepState = step.StateCancelled
		}
		// No call is left without a result: the next question's history
		// would be refused by the model.
		if err := tx.Step.Update().Where(step.RunID(r.ID), step.StateEQ(step.StateRunning)).
			SetState(stepState).SetResult("The run ended before this did; do not assume that it ran.").
			Exec(ctx); err != nil {
			return fmt.Errorf("end the steps: %w", err)
		}
		answer, err := a.writeAnswer(ctx, tx, r, out)
		if err != nil {
			return err
		}
		end := tx.Run.UpdateOneID(r.ID).SetState(out.state).SetAnswer(answer).SetFinishedAt(a.Clock.Now()).
			SetPromptTokens(out.usage.PromptTokens).SetCachedTokens(out.usage.CachedTokens).
			SetCompletionTokens(out.usage.CompletionTokens).SetReasoningTokens(out.usage.ReasoningTokens).
			SetPythonMs(out.usage.PythonMs)
		if out.failure != nil {
			end.SetErrorCode(out.failure.Code).SetErrorMessage(clip(out.failure.Message, 1_000))
		}
		if err := end.Exec(ctx); err != nil {
			return fmt.Errorf("end the run: %w", err)
		}
		return nil
	}
	_, err := a.Log.AppendFinal(ctx, w, change, eventlog.Entry{Kind: KindRunFinished})
	return err
}

// writeAnswer adds Mark's message to the chat.
func (a *Agent) writeAnswer(ctx context.Context, tx *ent.Tx, r *ent.Run, out outcome) (*ent.Message, error) {
	c, err := tx.Chat.UpdateOneID(r.ChatID).AddLastMessageSeq(1).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("number the answer: %w", err)
	}
	parts := out.parts
	switch {
	case out.failure != nil:
		parts = append(parts, Part{Error: out.failure})
	case out.state == run.StateCancelled:
		parts = append(parts, Part{Text: &Text{Text: "Stopped."}})
	}
	m, err := tx.Message.Create().
		SetChatID(r.ChatID).SetSeq(c.LastMessageSeq).SetRole(message.RoleAssistant).SetParts(encode(parts)).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store the answer: %w", err)
	}
	return m, nil
}

// final tells whether a run has ended.
func final(s run.State) bool {
	return s == run.StateSucceeded || s == run.StateFailed || s == run.StateCancelled
}
