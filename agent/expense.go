package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/storable"
)

// expense is what asking the model took. It is stored with the step that asked,
// as it was counted then: prices change.
type expense struct {
	dialogue.Usage
	CostMicros int64 `json:"costMicros"`
}

// expenseOf is what a reply of a model took, whether it is taken or not, at the
// prices of the model that gave it.
func (a *Agent) expenseOf(asked Model, r dialogue.Reply) expense {
	prices := asked.Prices
	if m, ok := a.model(r.By); ok && r.By != "" {
		prices = m.Prices
	}
	return expense{r.Paid(), costMicros(prices, r.Paid())}
}

// pay counts what a reply took.
func (k *work) pay(r dialogue.Reply) { k.count(k.expenseOf(k.llm, r)) }

func (k *work) count(e expense) {
	k.expense.Usage = k.expense.Add(e.Usage)
	k.expense.CostMicros += e.CostMicros
	k.usage.Usage = k.usage.Add(e.Usage)
	k.usage.CostMicros += e.CostMicros
}

// recountStep counts what an earlier claim of the run has paid in a step.
func (k *work) recountStep(s *ent.Step) error {
	if err := k.recountExpense(s.Expense); err != nil {
		return fmt.Errorf("step %d: %w", s.Index, err)
	}
	return nil
}

func (k *work) recountExpense(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var e expense
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("read a stored expense: %w", err)
	}
	k.count(e)
	return nil
}

// discard keeps what a reply took that is not taken, and withdraws what people
// have seen of it.
func (k *work) discard(s *ent.Step, r dialogue.Reply, visible bool) error {
	body := EventBody{StepID: s.ID}
	paid := r.Paid() != dialogue.Usage{}
	if paid {
		k.pay(r)
	}
	switch {
	case paid && visible:
		return k.rec.with(k.storeExpense(s), KindAttemptDiscarded, body)
	case paid:
		return k.rec.store(k.storeExpense(s))
	case visible:
		return k.rec.event(KindAttemptDiscarded, body)
	}
	return nil
}

// storeExpense keeps what the step, and with it the run, has paid so far, and what
// else there is to change in the step.
func (k *work) storeExpense(s *ent.Step, more ...func(*ent.StepUpdate)) eventlog.Change {
	paid := storable.JSON(encode(k.expense))
	return func(ctx context.Context, tx *ent.Tx) error {
		change := tx.Step.Update().Where(step.ID(s.ID)).SetExpense(paid)
		for _, m := range more {
			m(change)
		}
		if err := change.Exec(ctx); err != nil {
			return err
		}
		return k.storeUsed(ctx, tx)
	}
}

// storeUsed keeps what the run used until now.
func (k *work) storeUsed(ctx context.Context, tx *ent.Tx) error {
	return k.storeUsage(ctx, tx, k.row, k.used())
}

// used is what the run used until now.
func (k *work) used() Usage {
	u := k.usage
	u.WorkedMs = k.worked().Milliseconds()
	return u
}

// storeUsage keeps what a run used so far, and adds to its owner's day what came
// new. What is stored never falls: whoever took the run over may not have read all
// of it yet. It comes last in a transaction, so that two that wait for each other's
// day hold nothing else that the other wants.
func (a *Agent) storeUsage(ctx context.Context, tx *ent.Tx, r *ent.Run, u Usage) error {
	stored, err := tx.Run.Query().Where(run.ID(r.ID)).Select(
		run.FieldPromptTokens, run.FieldCachedTokens, run.FieldCompletionTokens, run.FieldReasoningTokens,
		run.FieldPythonMs, run.FieldCostMicros, run.FieldOutputBytes, run.FieldBytesBilled, run.FieldWorkedMs).Only(ctx)
	if err != nil {
		return fmt.Errorf("read the run's usage: %w", err)
	}
	before := usageOf(stored)
	after := Usage{
		Usage: dialogue.Usage{
			PromptTokens:     max(before.PromptTokens, u.PromptTokens),
			CachedTokens:     max(before.CachedTokens, u.CachedTokens),
			CompletionTokens: max(before.CompletionTokens, u.CompletionTokens),
			ReasoningTokens:  max(before.ReasoningTokens, u.ReasoningTokens),
		},
		PythonMs:    max(before.PythonMs, u.PythonMs),
		CostMicros:  max(before.CostMicros, u.CostMicros),
		OutputBytes: max(before.OutputBytes, u.OutputBytes),
		BytesBilled: max(before.BytesBilled, u.BytesBilled),
		WorkedMs:    max(before.WorkedMs, u.WorkedMs),
	}
	if after == before {
		return nil
	}
	err = tx.Run.Update().Where(run.ID(r.ID)).
		SetPromptTokens(after.PromptTokens).SetCachedTokens(after.CachedTokens).
		SetCompletionTokens(after.CompletionTokens).SetReasoningTokens(after.ReasoningTokens).
		SetPythonMs(after.PythonMs).SetCostMicros(after.CostMicros).SetOutputBytes(after.OutputBytes).SetBytesBilled(after.BytesBilled).
		SetWorkedMs(after.WorkedMs).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store the run's usage: %w", err)
	}
	more := after.used().minus(before.used())
	if more == (Used{}) {
		return nil
	}
	_, err = a.useDay(ctx, tx, r.OwnerID, more)
	return err
}

// costMicros is what a reply costs, millionths of a US dollar: dollars for a
// million tokens are millionths for one. It is rounded up, so that many small
// replies are not free.
func costMicros(p dialogue.Prices, u dialogue.Usage) int64 {
	fresh := max(0, u.PromptTokens-u.CachedTokens)
	cost := float64(fresh)*p.Input + float64(u.CachedTokens)*p.CachedInput + float64(u.CompletionTokens)*p.Output
	return int64(math.Ceil(cost))
}

// outputBytes is what a step made: its outputs as they are stored, and the files
// beside them.
func outputBytes(made []Output) int64 {
	n := int64(0)
	for _, o := range made {
		n += int64(len(encode(o)))
		if o.Artifact != nil {
			n += o.Artifact.SizeBytes
		}
	}
	return n
}
