package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/graph/model"
)

// Usage is asked of the viewer only: every other user does not exist for them.
func (r userResolver) Usage(ctx context.Context, _ *ent.User) (*model.UsageSummary, error) {
	used, of, resets, err := r.Agent.Today(ctx)
	if err != nil {
		return nil, err
	}
	return &model.UsageSummary{
		Runs:           countBudget(used.Runs, of.Runs),
		Tokens:         countBudget(used.Tokens, of.Tokens),
		CostUsd:        amountBudget(dollars(used.CostMicros), dollars(of.CostMicros)),
		SandboxSeconds: amountBudget(float64(used.PythonMs)/1000, of.Python.Seconds()),
		OutputBytes:    countBudget(used.OutputBytes, of.OutputBytes),
		BytesBilled:    used.BytesBilled,
		ResetsAt:       resets,
	}, nil
}

// countBudget is a budget in whole numbers; a limit of 0 is none.
func countBudget(used, limit int64) *model.CountBudget {
	b := &model.CountBudget{Used: used}
	if limit > 0 {
		b.Limit = &limit
	}
	return b
}

// amountBudget is a budget; a limit of 0 is none.
func amountBudget(used, limit float64) *model.AmountBudget {
	b := &model.AmountBudget{Used: used}
	if limit > 0 {
		b.Limit = &limit
	}
	return b
}

// dollars is an amount that is stored in millionths.
func dollars(micros int64) float64 { return float64(micros) / 1e6 }
