package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
)

// Budget bounds what is used, of a run or of a person's day; 0 is no bound. It is
// looked at before each step, so what is used may be more by what a step and the
// answer after it take.
type Budget struct {
	Tokens      int64 // sent to the model and written by it
	CostMicros  int64 // of the model, millionths of a US dollar
	Python      time.Duration
	OutputBytes int64 // of what steps make
	Runs        int64 // a day's: questions asked
}

// The budgets, as a step keeps which of them was spent when it began. Those of a
// day have dayPrefix before them.
const (
	budgetSteps  = "STEPS"
	budgetTime   = "TIME"
	budgetTokens = "TOKENS"
	budgetCost   = "COST"
	budgetPython = "PYTHON"
	budgetOutput = "OUTPUT"
	budgetRuns   = "RUNS"

	dayPrefix = "DAY_"
)

// answerTime is which part of a run's time is left for the answer.
const answerTime = 5

// spentBy is the first part of a budget that is spent; "" where none is.
func (b Budget) spentBy(u Used) string {
	for _, part := range []struct {
		name        string
		used, limit int64
	}{
		{budgetTokens, u.Tokens, b.Tokens},
		{budgetCost, u.CostMicros, b.CostMicros},
		{budgetPython, u.PythonMs, b.Python.Milliseconds()},
		{budgetOutput, u.OutputBytes, b.OutputBytes},
	} {
		if part.limit > 0 && part.used >= part.limit {
			return part.name
		}
	}
	return ""
}

// words is a part of a budget as a sentence has it.
func (b Budget) words(part string) string {
	switch part {
	case budgetTokens:
		return fmt.Sprintf("%d tokens", b.Tokens)
	case budgetCost:
		return fmt.Sprintf("%.2f US dollars for the model", float64(b.CostMicros)/1e6)
	case budgetPython:
		return clock.Words(b.Python) + " of Python"
	case budgetOutput:
		return fmt.Sprintf("%d MB of files, charts and tables", b.OutputBytes>>20)
	case budgetRuns:
		return fmt.Sprintf("%d questions", b.Runs)
	}
	return ""
}

// weigh looks, before the model is asked, whether a budget is spent. What it finds
// is stored with the step that begins next: a run that is taken over goes by what
// was found then, whatever was used and configured since.
func (k *work) weigh(ctx context.Context) error {
	if len(k.stored) > 0 || k.spent != "" {
		return nil
	}
	if k.spent = k.Limits.PerRun.spentBy(k.usage.used()); k.spent != "" {
		return nil
	}
	if k.Limits.RunTime-k.worked() < k.Limits.RunTime/answerTime {
		k.spent = budgetTime
		return nil
	}
	if k.Limits.PerDay == (Budget{}) {
		return nil
	}
	if k.Limits.PerDay.Python > 0 || k.Limits.PerDay.OutputBytes > 0 { // what the last step took counts
		if err := k.finish(); err != nil {
			return err
		}
	}
	used, err := k.usedToday(ctx, k.Client)
	if err != nil {
		return err
	}
	if part := k.Limits.PerDay.spentBy(used); part != "" {
		k.spent = dayPrefix + part
	}
	if k.Limits.PerDay.Tokens > 0 {
		k.leftToday = max(0, k.Limits.PerDay.Tokens-used.Tokens)
	}
	return nil
}

// worked is how long nodes have worked on the run, this one included. Waits for a
// node or for a person are not in it, nor is what a node that was lost worked since
// it stored a reply.
func (k *work) worked() time.Duration {
	return time.Duration(k.row.WorkedMs)*time.Millisecond + k.Clock.Now().Sub(k.began)
}

// noteBudget says with the answer that a budget ended the work on it.
func (k *work) noteBudget() {
	spent := k.spent
	if spent == "" && k.steps >= k.Limits.Steps {
		spent = budgetSteps
	}
	if spent == "" || k.answer == nil {
		return
	}
	var of string
	switch part, today := strings.CutPrefix(spent, dayPrefix); {
	case today:
		of = "you have used today's " + k.Limits.PerDay.words(part)
	case part == budgetSteps:
		of = fmt.Sprintf("it took the %d steps that a question may take", k.Limits.Steps)
	case part == budgetTime:
		of = fmt.Sprintf("the %s that a question may take were nearly over", clock.Words(k.Limits.RunTime))
	default:
		of = "it took the " + k.Limits.PerRun.words(part) + " that a question may take"
	}
	k.answer.Checks = append(k.answer.Checks, Check{CheckBudget, "The work on this answer was ended early, because " + of + ". It says what was known by then."})
}

// admit counts a question on its owner's day, in the transaction that stores it and
// after all else, and refuses it where the day's budget is spent.
func (a *Agent) admit(ctx context.Context, tx *ent.Tx, ownerID string) error {
	used, err := a.useDay(ctx, tx, ownerID, Used{Runs: 1})
	if err != nil {
		return err
	}
	day := a.Limits.PerDay
	part := day.spentBy(used)
	if day.Runs > 0 && used.Runs > day.Runs {
		part = budgetRuns
	}
	if part == "" {
		return nil
	}
	now := a.Clock.Now()
	return fault.New(fault.LimitExceeded, "You have used today's %s. Ask again after midnight UTC, in %s.",
		day.words(part), clock.Words(nextDay(now).Sub(now).Truncate(time.Minute)+time.Minute))
}
