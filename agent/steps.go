package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
)

// beginStep stores the next step and the event that tells of it, or takes up the
// one that is stored already.
func (k *work) beginStep(tool string) (*ent.Step, error) {
	k.asking, k.approved, k.queries = nil, nil, nil
	if len(k.stored) > 0 || k.first != nil {
		if err := k.finish(); err != nil {
			return nil, err
		}
	}
	if s := k.next(); s != nil {
		k.steps, k.again, k.expense = s.Index, true, expense{}
		if s.Budget != "" {
			k.spent = s.Budget
		}
		return s, k.recountStep(s)
	}
	k.expense, k.again = expense{}, false
	if s := k.first; s != nil {
		k.first, k.steps = nil, s.Index
		return s, k.noteSpent(s)
	}
	n, before := newStep(k.row.ID, k.steps+1, tool, k.spent, k.Clock.Now()), k.finishing
	k.finishing = ending{}
	var s *ent.Step
	err := k.rec.withAll(func(ctx context.Context, tx *ent.Tx) (err error) {
		if before.change != nil {
			if err := before.change(ctx, tx); err != nil {
				return err
			}
		}
		s, err = n.create(ctx, tx)
		return err
	}, append(before.told, n.told)...)
	if err != nil {
		return nil, fmt.Errorf("begin step %d: %w", k.steps+1, err)
	}
	k.steps = s.Index
	return s, nil
}

// noteSpent stores with the run's first step what weigh found after it had begun.
func (k *work) noteSpent(s *ent.Step) error {
	if k.spent == "" {
		return nil
	}
	err := k.rec.store(func(ctx context.Context, tx *ent.Tx) error {
		return tx.Step.Update().Where(step.ID(s.ID)).SetBudget(k.spent).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("begin step %d: %w", s.Index, err)
	}
	return nil
}

// beginning is a step that is about to begin: its row, and the event that tells of
// it.
type beginning struct {
	create func(context.Context, *ent.Tx) (*ent.Step, error)
	told   eventlog.Entry
}

func newStep(runID string, index int, tool, spent string, at time.Time) beginning {
	id := ids.New(ids.Step)
	return beginning{
		create: func(ctx context.Context, tx *ent.Tx) (*ent.Step, error) {
			s, err := tx.Step.Create().SetID(id).SetRunID(runID).SetIndex(index).SetStartedAt(at).SetTool(tool).
				SetBudget(spent).Save(ctx)
			if err != nil {
				return nil, err
			}
			return s.Unwrap(), nil // it is read outside the transaction
		},
		told: eventlog.Entry{Kind: KindStepStarted, Body: encode(EventBody{StepID: id, Index: index, Tool: tool, At: &at})},
	}
}

// reply is what the model says in a step: what it said to an earlier claim of the
// run, or what it says now, which is kept before anything is done with it.
func (k *work) reply(ctx context.Context, s *ent.Step, last bool) (dialogue.Reply, error) {
	if k.spent != "" {
		k.prompt.hint(k.prompts.text(promptBudget))
	}
	k.fit()
	counted := k.tokensOf(k.prompt.messages()) + k.toolTokens()
	known, ok, err := storedReply(s)
	if err != nil {
		return known, err
	}
	if ok {
		if len(s.Expense) == 0 && !k.copied(s) {
			k.pay(known)
		}
		k.countReply(known)
		k.learn(counted, known.Usage)
		return known, nil
	}
	if k.again { // people may have read what the lost node was told
		if err := k.rec.event(KindAttemptDiscarded, EventBody{StepID: s.ID}); err != nil {
			return known, err
		}
	}
	reply, err := k.ask(ctx, s, last)
	if err != nil {
		return reply, err
	}
	k.learn(counted, reply.Usage)
	return reply, k.storeReply(s, reply)
}

// countReply adds a reply to what the work knows.
func (k *work) countReply(reply dialogue.Reply) {
	k.usage.Steps = k.steps
	said := ""
	if len(reply.Message.ToolCalls) > 0 { // else it is the answer
		said = reply.Message.Content
	}
	k.shown = append(k.shown, saidParts(reply.Message.Reasoning, said)...)
}

// storeReply keeps the model's reply before anything is done with it.
func (k *work) storeReply(s *ent.Step, reply dialogue.Reply) error {
	k.pay(reply)
	k.countReply(reply)
	u, came := k.usage, storable.JSON(encode(reply))
	stored := k.storeExpense(s, func(change *ent.StepUpdate) { change.SetReply(came) })
	err := k.rec.with(stored, KindUsageUpdated, EventBody{Usage: &u})
	if err != nil {
		return fmt.Errorf("store the model's reply: %w", err)
	}
	return nil
}

// ending is how a step ended, to be stored.
type ending struct {
	change eventlog.Change // nil: there is nothing to store
	told   []eventlog.Entry
}

// endStep keeps how a step ended. It is stored with the beginning of the next one,
// in one transaction, before the model is told; or by finish, where none follows.
func (k *work) endStep(s *ent.Step, end callEnd) error {
	if ended(s) {
		k.show(s, s.Tool, s.Code, end)
		return nil
	}
	took := k.Clock.Now().Sub(s.StartedAt).Milliseconds()
	told := []eventlog.Entry{{Kind: KindStepFinished, Body: encode(EventBody{StepID: s.ID})}}
	ran := end.audit != nil
	if ran {
		u := k.usage
		told = append([]eventlog.Entry{{Kind: KindUsageUpdated, Body: encode(EventBody{Usage: &u})}}, told...)
	}
	change := func(ctx context.Context, tx *ent.Tx) error {
		change := tx.Step.Update().Where(step.ID(s.ID)).SetState(end.state).
			SetResult(storable.Text(end.result)).SetDurationMs(took)
		if len(end.outputs) > 0 {
			change.SetOutputs(storable.JSON(encode(end.outputs)))
		}
		if end.audit != nil {
			change.SetAudit(storable.JSON(encode(end.audit)))
		}
		if end.code != "" {
			change.SetErrorCode(end.code).SetErrorMessage(storable.Text(end.message))
		}
		err := change.Exec(ctx)
		if err == nil && ran {
			err = k.storeUsed(ctx, tx)
		}
		return err
	}
	k.finishing = ending{change, told}
	tool, code := k.called(s)
	k.show(s, tool, code, end)
	return nil
}

// finish stores how the last step ended, where that is not stored yet.
func (k *work) finish() error {
	e := k.finishing
	k.finishing = ending{}
	if e.change == nil {
		return nil
	}
	if err := k.rec.withAll(e.change, e.told...); err != nil {
		return fmt.Errorf("end step %d: %w", k.steps, err)
	}
	return nil
}

// called is what a step calls. The row is as it was when the step began.
func (k *work) called(s *ent.Step) (tool, code string) {
	if k.started.step == s.ID {
		return k.started.tool, k.started.code
	}
	return s.Tool, s.Code
}

// leaveStep keeps what a step ran and showed before the run's end cut it short;
// how it ended is stored with the run's end.
func (k *work) leaveStep(s *ent.Step, end callEnd) error {
	if len(end.outputs) == 0 && end.audit == nil {
		return nil
	}
	var tool, code string
	err := k.rec.store(func(ctx context.Context, tx *ent.Tx) error {
		change := tx.Step.UpdateOneID(s.ID)
		if end.audit != nil {
			change.SetAudit(storable.JSON(encode(end.audit)))
		}
		if len(end.outputs) > 0 {
			change.SetOutputs(storable.JSON(encode(end.outputs)))
		}
		saved, err := change.Save(ctx)
		if err == nil {
			tool, code = saved.Tool, saved.Code
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the outputs of step %d: %w", s.Index, err)
	}
	if len(end.outputs) == 0 {
		return nil
	}
	end.state = step.StateCancelled
	k.show(s, tool, code, end)
	return nil
}

// show adds a step's call and its rich outputs to what Mark's message holds.
func (k *work) show(s *ent.Step, tool, code string, end callEnd) {
	if tool == "" || tool == toolFinalAnswer {
		return
	}
	k.shown = append(k.shown, Part{ToolCall: &ToolCall{StepID: s.ID, Tool: tool, Code: code, State: end.state.String()}})
	for _, o := range end.outputs {
		k.shown = append(k.shown, Part{Output: &StepOutput{StepID: s.ID, Output: o}})
	}
}

// showStored shows what is stored of a step that nobody works on.
func (k *work) showStored(s *ent.Step) error {
	reply, ok, err := storedReply(s)
	if err != nil {
		return err
	}
	if ok {
		k.countReply(reply)
	}
	end := callEnd{state: step.StateCancelled}
	if end.outputs, err = Outputs(s.Outputs); err != nil {
		return err
	}
	if ended(s) {
		end.state = s.State
	}
	if ended(s) || len(end.outputs) > 0 {
		k.show(s, s.Tool, s.Code, end)
	}
	return nil
}

// parts are the pieces of Mark's message so far.
func (k *work) parts() []Part {
	parts := append([]Part{}, k.shown...)
	if k.answer != nil {
		parts = append(parts, Part{Answer: k.answer})
	}
	return parts
}
