package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/storable"
)

// maxErrorBytes is how much of a failure's sentence is stored with the run.
const maxErrorBytes = 2_000

// outcome is how a run ended.
type outcome struct {
	state   run.State
	failure *Failure // set where state is FAILED
	parts   []Part   // of Mark's message, without the failure
	usage   Usage
	stopped *Stopped // set where state is CANCELLED
	left    error    // why the run is left as it is, for somebody else; nil: it has ended
}

// usageOf is what a run is known to have used.
func usageOf(r *ent.Run) Usage {
	return Usage{
		Usage: dialogue.Usage{
			PromptTokens: r.PromptTokens, CachedTokens: r.CachedTokens,
			CompletionTokens: r.CompletionTokens, ReasoningTokens: r.ReasoningTokens,
		},
		PythonMs: r.PythonMs, CostMicros: r.CostMicros, OutputBytes: r.OutputBytes, BytesBilled: r.BytesBilled,
		WorkedMs: r.WorkedMs,
	}
}

// cancelled is the end of a run that was stopped while nobody worked on it.
func (a *Agent) cancelled(ctx context.Context, r *ent.Run) outcome {
	what := DoingNothing
	switch r.State {
	case run.StateQueued:
		what = DoingQueue
	case run.StateWaiting:
		what = DoingPerson
	}
	return outcome{state: run.StateCancelled, parts: a.shownBy(ctx, r), usage: usageOf(r), stopped: &Stopped{What: what}}
}

// shownBy is what Mark's message would hold of the steps that a run has stored.
// Where they cannot be read the run ends without them.
func (a *Agent) shownBy(ctx context.Context, r *ent.Run) []Part {
	if r.State == run.StateQueued {
		return nil
	}
	k := &work{Agent: a, row: r}
	steps, err := a.Client.Step.Query().Where(step.RunID(r.ID)).Order(ent.Asc(step.FieldIndex)).All(ctx)
	for _, s := range steps {
		if err == nil {
			err = k.showStored(s)
		}
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "what a run has shown is not kept with its message", "run", r.ID, "error", err)
	}
	return k.shown
}

// conclude stores the end of a run. An end that cannot be stored is replaced by
// one that says only that: a run that never ended would keep its chat waiting.
func (a *Agent) conclude(ctx context.Context, r *ent.Run, w eventlog.Writer, out outcome) error {
	err := a.finish(ctx, r, w, out)
	if err == nil || errors.Is(err, eventlog.ErrFenced) || errors.Is(err, eventlog.ErrUncertain) || eventlog.Transient(err) {
		return err
	}
	a.Logger.ErrorContext(ctx, "a run's end could not be stored as it was", "run", r.ID, "error", err)
	return a.finish(ctx, r, w, outcome{state: run.StateFailed, failure: failureOf(nil), usage: out.usage})
}

// finish stores the end: the steps that were going on, Mark's message, the
// run's final state and the last event, in one transaction.
func (a *Agent) finish(ctx context.Context, r *ent.Run, w eventlog.Writer, out outcome) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("end the run: panic: %v\n%s", p, debug.Stack())
		}
	}()
	parts := out.message() // before the transaction, which is to be short
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
		if err := withdraw(ctx, tx, r); err != nil {
			return err
		}
		answer, err := writeAnswer(ctx, tx, r.ChatID, parts)
		if err != nil {
			return err
		}
		end := tx.Run.Update().Where(run.ID(r.ID)).SetState(out.state).SetAnswer(answer).SetFinishedAt(a.Clock.Now())
		if out.failure != nil {
			end.SetErrorCode(out.failure.Code).SetErrorMessage(cut.ToBytes(storable.Text(out.failure.Message), maxErrorBytes))
		}
		if err := end.Exec(ctx); err != nil {
			return fmt.Errorf("end the run: %w", err)
		}
		return a.storeUsage(ctx, tx, r, out.usage)
	}
	_, err = a.Log.AppendFinal(ctx, w, change, eventlog.Entry{Kind: KindRunFinished, Body: encode(EventBody{Stopped: out.stopped})})
	return err
}

// message is what Mark's message holds, fit to be stored.
func (o outcome) message() json.RawMessage {
	parts := append([]Part{}, o.parts...)
	switch {
	case o.failure != nil:
		parts = append(parts, Part{Error: o.failure})
	case o.stopped != nil:
		parts = append(parts, Part{Text: &Text{Text: o.stopped.sentence()}})
	}
	return storable.JSON(encode(parts))
}

// writeAnswer adds Mark's message to the chat.
func writeAnswer(ctx context.Context, tx *ent.Tx, chatID string, parts json.RawMessage) (*ent.Message, error) {
	c, err := tx.Chat.UpdateOneID(chatID).AddLastMessageSeq(1).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("number the answer: %w", err)
	}
	m, err := tx.Message.Create().
		SetChatID(chatID).SetSeq(c.LastMessageSeq).SetRole(message.RoleAssistant).SetParts(parts).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store the answer: %w", err)
	}
	return m, nil
}
