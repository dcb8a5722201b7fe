package resolvers

import (
	"context"
	"fmt"
	"iter"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/logstream"
)

// RunEvents follows a run's log. The channel is closed when the log ends, when
// the client leaves, and when following fails; a client that has not seen
// RunFinished subscribes again after the last event it has.
func (r subscriptionResolver) RunEvents(ctx context.Context, runID string, after int) (<-chan model.RunEvent, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	if after < 0 {
		return nil, fault.New(fault.BadUserInput, "`after` is the seq of an event, or 0.").OnField("after")
	}
	// Read as the viewer: what is somebody else's is not found.
	if err := checkID(ids.Run, runID, "runId", "run"); err != nil {
		return nil, err
	}
	_, err := r.Client.Run.Get(ctx, runID)
	if ent.IsNotFound(err) {
		return nil, missing("runId", "run")
	}
	if err != nil {
		return nil, fmt.Errorf("read the run: %w", err)
	}
	return logstream.Stream[eventlog.Event, model.RunEvent]{
		Log: runID, After: after, Argument: "after",
		Follow: func(ctx context.Context, after int) iter.Seq2[eventlog.Event, error] {
			return r.Log.Follow(ctx, runID, after)
		},
		Key:   func(e eventlog.Event) logstream.Key { return logstream.Key{Number: e.Seq, Kind: e.Kind} },
		Value: r.event,
		Failed: func(ctx context.Context, err error) {
			r.Logger.WarnContext(ctx, "following a run failed", "run", runID, "error", err)
		},
	}.Channel(ctx), nil
}

// event is a stored event in the contract's type.
func (r *Resolver) event(ctx context.Context, e eventlog.Event) (model.RunEvent, error) {
	b, err := agent.Body(e.Body)
	if err != nil {
		return nil, err
	}
	switch e.Kind {
	case agent.KindRunStarted:
		return &model.RunStarted{RunID: e.RunID, Seq: e.Seq, At: e.At, Model: b.Model}, nil
	case agent.KindStepStarted:
		s := &ent.Step{ID: b.StepID, RunID: e.RunID, Index: b.Index, Tool: b.Tool, State: step.StateRunning, StartedAt: e.At}
		if b.At != nil {
			s.StartedAt = *b.At
		}
		return &model.StepStarted{RunID: e.RunID, Seq: e.Seq, At: e.At, Step: s}, nil
	case agent.KindReasoningDelta:
		return &model.ReasoningDelta{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Text: b.Text}, nil
	case agent.KindTextDelta:
		return &model.TextDelta{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Text: b.Text}, nil
	case agent.KindToolArgsDelta:
		return &model.ToolArgsDelta{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Text: b.Text}, nil
	case agent.KindToolStarted:
		return &model.ToolStarted{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Tool: b.Tool, Code: optional(b.Code), SQL: optional(b.SQL)}, nil
	case agent.KindOutputChunk:
		stream := model.OutputStreamStdout
		if b.Stream == execution.Stderr {
			stream = model.OutputStreamStderr
		}
		return &model.OutputChunk{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Stream: stream, Text: b.Text}, nil
	case agent.KindStepProgress:
		if b.Progress == nil {
			return nil, fmt.Errorf("event %s/%d has no progress", e.RunID, e.Seq)
		}
		p := &model.StepProgress{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Done: b.Progress.Done}
		if b.Progress.Total > 0 {
			p.Total = &b.Progress.Total
		}
		return p, nil
	case agent.KindOutputAdded:
		if b.Output == nil {
			return nil, fmt.Errorf("event %s/%d has no output", e.RunID, e.Seq)
		}
		return &model.OutputAdded{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Output: output(*b.Output)}, nil
	case agent.KindApprovalRequested:
		a, err := r.Client.Approval.Get(ctx, b.ApprovalID)
		if err != nil {
			return nil, fmt.Errorf("read the approval of event %s/%d: %w", e.RunID, e.Seq, err)
		}
		return &model.ApprovalRequested{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Approval: a}, nil
	case agent.KindQuestionAsked:
		options := b.Options
		if options == nil {
			options = []string{}
		}
		return &model.QuestionAsked{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID, Text: b.Text, Options: options}, nil
	case agent.KindUsageUpdated:
		return &model.UsageUpdated{RunID: e.RunID, Seq: e.Seq, At: e.At, Usage: usage(b.Usage)}, nil
	case agent.KindAttemptDiscarded:
		return &model.AttemptDiscarded{RunID: e.RunID, Seq: e.Seq, At: e.At, StepID: b.StepID}, nil
	case agent.KindStepFinished:
		// A step that has ended does not change any more: the row is what
		// it was when the event was written.
		s, err := r.Client.Step.Get(ctx, b.StepID)
		if err != nil {
			return nil, fmt.Errorf("read the step of event %s/%d: %w", e.RunID, e.Seq, err)
		}
		return &model.StepFinished{RunID: e.RunID, Seq: e.Seq, At: e.At, Step: s}, nil
	case eventlog.Snapshot:
		run, err := r.Client.Run.Get(ctx, e.RunID)
		if err != nil {
			return nil, fmt.Errorf("read the run of event %s/%d: %w", e.RunID, e.Seq, err)
		}
		return &model.Snapshot{RunID: e.RunID, Seq: e.Seq, At: e.At, Run: run}, nil
	case agent.KindRunFinished:
		run, err := r.Client.Run.Get(ctx, e.RunID)
		if err != nil {
			return nil, fmt.Errorf("read the run of event %s/%d: %w", e.RunID, e.Seq, err)
		}
		return &model.RunFinished{RunID: e.RunID, Seq: e.Seq, At: e.At, Run: run, Stopped: stopped(b.Stopped)}, nil
	}
	return nil, fmt.Errorf("event %s/%d is of the unknown kind %q", e.RunID, e.Seq, e.Kind)
}

func stopped(s *agent.Stopped) *model.Stopped {
	if s == nil {
		return nil
	}
	return &model.Stopped{What: model.StoppedWork(s.What), StepID: optional(s.StepID)}
}

func usage(u *agent.Usage) *model.Usage {
	if u == nil {
		return &model.Usage{}
	}
	return &model.Usage{
		Steps: u.Steps, PromptTokens: u.PromptTokens, CachedTokens: u.CachedTokens,
		CompletionTokens: u.CompletionTokens, ReasoningTokens: u.ReasoningTokens, PythonMs: u.PythonMs,
		CostUsd: dollars(u.CostMicros), OutputBytes: u.OutputBytes, BytesBilled: u.BytesBilled,
	}
}
