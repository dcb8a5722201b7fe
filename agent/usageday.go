package agent

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/usageday"
	"github.com/mark-analyst/mark/internal/ids"
)

// Used is what budgets count.
type Used struct {
	Runs        int64 // questions
	Tokens      int64 // sent and written
	CostMicros  int64 // millionths of a US dollar
	PythonMs    int64
	OutputBytes int64
	BytesBilled int64 // by warehouses
}

// used is what a run used, as budgets count it.
func (u Usage) used() Used {
	return Used{
		Tokens:     int64(u.PromptTokens) + int64(u.CompletionTokens),
		CostMicros: u.CostMicros, PythonMs: u.PythonMs, OutputBytes: u.OutputBytes, BytesBilled: u.BytesBilled,
	}
}

func (u Used) minus(v Used) Used {
	return Used{
		Runs: u.Runs - v.Runs, Tokens: u.Tokens - v.Tokens, CostMicros: u.CostMicros - v.CostMicros,
		PythonMs: u.PythonMs - v.PythonMs, OutputBytes: u.OutputBytes - v.OutputBytes, BytesBilled: u.BytesBilled - v.BytesBilled,
	}
}

//go:embed sql/use_day.sql
var useDaySQL string

// useDay adds to what a person used today, and returns it with that. The statement
// goes by the person whom the run, which was read through ent, belongs to: the guard
// does not see it.
func (a *Agent) useDay(ctx context.Context, tx *ent.Tx, ownerID string, more Used) (used Used, err error) {
	rows, err := tx.QueryContext(ctx, useDaySQL, ids.New(ids.UsageDay), ownerID, dayOf(a.Clock.Now()),
		more.Runs, more.Tokens, more.CostMicros, more.PythonMs, more.OutputBytes, more.BytesBilled)
	if err != nil {
		return Used{}, fmt.Errorf("add to the day's usage: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&used.Runs, &used.Tokens, &used.CostMicros, &used.PythonMs, &used.OutputBytes, &used.BytesBilled)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return Used{}, fmt.Errorf("add to the day's usage: %w", err)
	}
	return used, nil
}

// usedToday is what the viewer used on this day.
func (a *Agent) usedToday(ctx context.Context, c *ent.Client) (Used, error) {
	d, err := c.UsageDay.Query().Where(usageday.Day(dayOf(a.Clock.Now()))).Only(ctx)
	if ent.IsNotFound(err) {
		return Used{}, nil
	}
	if err != nil {
		return Used{}, fmt.Errorf("read the day's usage: %w", err)
	}
	return Used{Runs: d.Runs, Tokens: d.Tokens, CostMicros: d.CostMicros, PythonMs: d.PythonMs, OutputBytes: d.OutputBytes, BytesBilled: d.BytesBilled}, nil
}

// Today tells what the viewer used on this day, of how much, and when both begin
// anew.
func (a *Agent) Today(ctx context.Context) (used Used, of Budget, resets time.Time, err error) {
	used, err = a.usedToday(ctx, a.Client)
	return used, a.Limits.PerDay, nextDay(a.Clock.Now()), err
}

// dayOf is the day of a moment, in UTC: everybody's day is the same, wherever the
// node is.
func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// nextDay is when the day after begins.
func nextDay(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }
