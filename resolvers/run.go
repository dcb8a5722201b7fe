package resolvers

import (
	"context"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	entrun "github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/fault"
)

func (r runResolver) Message(ctx context.Context, run *ent.Run) (*ent.Message, error) {
	if run.Edges.Question != nil {
		return run.Edges.Question, nil
	}
	m, err := r.load(ctx).message.Load(ctx, run.QuestionID)
	if err == nil && m == nil {
		return nil, fault.New(fault.NotFound, "The message was deleted.")
	}
	return m, err
}

func (r runResolver) Steps(ctx context.Context, run *ent.Run) ([]*ent.Step, error) {
	return r.load(ctx).steps.Load(ctx, run.ID)
}

func (r runResolver) Usage(ctx context.Context, run *ent.Run) (*model.Usage, error) {
	steps, err := r.load(ctx).steps.Load(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	return &model.Usage{
		Steps: len(steps), PromptTokens: run.PromptTokens, CachedTokens: run.CachedTokens,
		CompletionTokens: run.CompletionTokens, ReasoningTokens: run.ReasoningTokens, PythonMs: run.PythonMs, BytesBilled: run.BytesBilled,
		CostUsd: dollars(run.CostMicros), OutputBytes: run.OutputBytes,
	}, nil
}

func (r runResolver) PromptHash(_ context.Context, run *ent.Run) (*string, error) {
	return optional(run.PromptHash), nil
}

func (r runResolver) Error(_ context.Context, run *ent.Run) (*model.Error, error) {
	return failure(run.ErrorCode, run.ErrorMessage), nil
}

func (r runResolver) Question(ctx context.Context, run *ent.Run) (*model.AskedQuestion, error) {
	if run.State != entrun.StateWaiting {
		return nil, nil
	}
	steps, err := r.load(ctx).steps.Load(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		if q, ok := agent.Asking(s); ok {
			return &model.AskedQuestion{StepID: s.ID, Text: q.Text, Options: q.Options}, nil
		}
	}
	return nil, nil
}

func (r runResolver) Approvals(ctx context.Context, run *ent.Run) ([]*ent.Approval, error) {
	return r.load(ctx).approvals.Load(ctx, run.ID)
}

func (r runResolver) BasedOn(ctx context.Context, run *ent.Run) (*ent.Run, error) {
	if run.BasedOnID == nil {
		return nil, nil
	}
	return r.load(ctx).run.Load(ctx, *run.BasedOnID)
}

func (r runResolver) QueuedAt(_ context.Context, run *ent.Run) (*time.Time, error) {
	return &run.CreatedAt, nil
}
