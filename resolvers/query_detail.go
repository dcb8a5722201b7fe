package resolvers

import (
	"context"
	"fmt"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/graph/model"
)

func (r runResolver) QueryDetails(ctx context.Context, run *ent.Run) ([]*model.QueryDetail, error) {
	steps, err := r.load(ctx).steps.Load(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	out := []*model.QueryDetail{}
	for _, s := range steps {
		queries, err := agent.QueriesOf(s.Queries, s.Result != nil)
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", s.ID, err)
		}
		for _, q := range queries {
			out = append(out, queryDetail(s.ID, q))
		}
	}
	return out, nil
}

func (r messageResolver) QueryDetails(ctx context.Context, m *ent.Message) ([]*model.QueryDetail, error) {
	run, err := r.load(ctx).messageRun.Load(ctx, runOf{id: m.ID})
	if err != nil || run == nil || run.AnswerID == nil || *run.AnswerID != m.ID {
		return []*model.QueryDetail{}, err
	}
	return runResolver(r).QueryDetails(ctx, run)
}

func queryDetail(stepID string, q agent.QueryDetail) *model.QueryDetail {
	out := &model.QueryDetail{
		StepID: stepID, Connection: q.Connection, Dialect: q.Dialect, SQL: q.Decision.SQL, State: model.QueryState(q.State),
		RowCount: q.Rows, Truncated: q.Truncated, BytesProcessed: max(q.Decision.Bytes, q.Stats.BytesProcessed),
		BytesBilled: q.Stats.BytesBilled, CostUsd: dollars(q.Stats.CostMicros), CacheHit: q.Stats.CacheHit, JobID: optional(q.Stats.JobID),
	}
	if q.Stats.Duration > 0 {
		out.DurationMs = ref(q.Stats.Duration.Milliseconds())
	}
	if q.Error != nil {
		out.Error = &model.Error{Code: q.Error.Code, Message: q.Error.Message}
	}
	return out
}
