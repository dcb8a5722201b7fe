package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// A run that answers a question once more is a run of its own: what the earlier
// one has said and made stays as it was. Where a person has changed a step, the
// steps before it are copied, with the model's replies and what came of them, and
// the new run replays them as one that was taken over does.

// maxCode is how long a program of a person's may be, characters.
const maxCode = 100_000

// Retrial is a wish for another answer.
type Retrial struct {
	RunID            string
	Model            string // empty: the one that answered before
	ClientMutationID string // as of a Question; empty: never the same request again
}

// Retry answers a run's question once more. Errors that a person can act on are
// *fault.Error.
func (a *Agent) Retry(ctx context.Context, q Retrial) (*ent.Run, error) {
	return once(q.ClientMutationID, func() (*ent.Run, error) {
		return a.runBefore(ctx, q.ClientMutationID, func(r *ent.Run) (bool, error) {
			return r.BasedOnID != nil && *r.BasedOnID == q.RunID && r.EditedIndex == 0 && (q.Model == "" || q.Model == r.Model), nil
		})
	}, func() (*ent.Run, error) { return a.retry(ctx, q) })
}

func (a *Agent) retry(ctx context.Context, q Retrial) (*ent.Run, error) {
	before, err := a.Client.Run.Get(ctx, q.RunID)
	if err != nil {
		return nil, err
	}
	model := q.Model
	if model == "" {
		model = before.Model
	}
	m, err := a.chosen(model)
	if err != nil {
		return nil, err
	}
	point, err := a.pointBefore(ctx, before, 1)
	if err != nil {
		return nil, err
	}
	return a.again(ctx, before, q.ClientMutationID, func(tx *ent.Tx) *ent.RunCreate {
		return tx.Run.Create().SetModel(m.Name).SetRewindTo(point)
	}, nil)
}

// Edit is a change of a step.
type Edit struct {
	StepID string
	Code   string
	// Only has the run end with the changed step; else Mark goes on from it.
	Only             bool
	ClientMutationID string // as of a Question; empty: never the same request again
}

// Edit runs a step once more with other code, from the variables as they were
// before it, in a new run. Errors that a person can act on are *fault.Error.
func (a *Agent) Edit(ctx context.Context, e Edit) (*ent.Run, error) {
	e.Code = untrusted.Clean(e.Code)
	if strings.TrimSpace(e.Code) == "" {
		return nil, fault.New(fault.BadUserInput, "The code is empty.").OnField("code")
	}
	if n := utf8.RuneCountInString(e.Code); n > maxCode {
		return nil, fault.New(fault.LimitExceeded, "The code has %d characters; at most %d are taken.", n, maxCode).OnField("code")
	}
	return once(e.ClientMutationID, func() (*ent.Run, error) {
		return a.runBefore(ctx, e.ClientMutationID, func(r *ent.Run) (bool, error) { return a.edits(ctx, r, e) })
	}, func() (*ent.Run, error) { return a.edit(ctx, e) })
}

// edits tells whether a run is what came of a change.
func (a *Agent) edits(ctx context.Context, r *ent.Run, e Edit) (bool, error) {
	if r.BasedOnID == nil || r.EditedIndex == 0 || r.OnlyEdited != e.Only {
		return false, nil
	}
	is, err := a.Client.Step.Query().Where(step.ID(e.StepID), step.RunID(*r.BasedOnID), step.Index(r.EditedIndex)).Exist(ctx)
	if err != nil || !is {
		return false, err
	}
	return a.Client.Step.Query().Where(step.RunID(r.ID), step.Index(r.EditedIndex), step.Code(e.Code)).Exist(ctx)
}

func (a *Agent) edit(ctx context.Context, e Edit) (*ent.Run, error) {
	edited, err := a.Client.Step.Query().Where(step.ID(e.StepID)).WithRun().Only(ctx)
	if err != nil {
		return nil, err
	}
	if edited.Tool != toolRunPython || edited.Code == "" {
		return nil, fault.New(fault.BadUserInput, "Only steps that ran Python can be changed.").OnField("stepId")
	}
	before := edited.Edges.Run
	if _, ok := a.model(before.Model); !ok {
		return nil, fault.New(fault.Conflict, "The model that answered is not configured any more. Ask the question again.").OnField("stepId")
	}
	point, err := a.pointBefore(ctx, before, edited.Index)
	if err != nil {
		return nil, err
	}
	steps, err := a.Client.Step.Query().Where(step.RunID(before.ID), step.IndexLTE(edited.Index)).
		Order(ent.Asc(step.FieldIndex)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the steps before: %w", err)
	}
	copies, err := editedCopies(steps, e.Code)
	if err != nil {
		return nil, err
	}
	return a.again(ctx, before, e.ClientMutationID, func(tx *ent.Tx) *ent.RunCreate {
		return tx.Run.Create().SetModel(before.Model).SetRewindTo(point).SetEditedIndex(edited.Index).SetOnlyEdited(e.Only)
	}, copies)
}

// editedCopies are copies of steps, of which the last is to run other code and
// has not run yet. The reply that asked for it asks for nothing after it.
func editedCopies(steps []*ent.Step, code string) ([]*ent.Step, error) {
	copies := make([]*ent.Step, len(steps))
	head := 0
	for i, s := range steps {
		c := *s
		c.CopiedFrom = pointOf(s)
		copies[i] = &c
		if len(s.Reply) > 0 {
			head = i
		}
	}
	last := len(copies) - 1
	reply, ok, err := storedReply(copies[head])
	if err != nil {
		return nil, err
	}
	call := last - head
	if !ok || call >= len(reply.Message.ToolCalls) {
		return nil, fmt.Errorf("the reply of step %s does not ask for what it did", steps[last].ID)
	}
	reply.Message.ToolCalls = append([]dialogue.ToolCall{}, reply.Message.ToolCalls[:call+1]...)
	reply.Message.ToolCalls[call].Arguments = string(encode(map[string]string{"code": code}))
	copies[head].Reply = storable.JSON(encode(reply))
	changed := &ent.Step{Index: steps[last].Index, Tool: toolRunPython, Code: code, State: step.StateRunning}
	if head == last {
		changed.Reply = copies[head].Reply
	}
	copies[last] = changed
	return copies, nil
}

// again stores a run of the same question, with the steps that it begins with,
// and puts it to work.
func (a *Agent) again(ctx context.Context, before *ent.Run, mutationID string, create func(*ent.Tx) *ent.RunCreate, steps []*ent.Step) (*ent.Run, error) {
	if !final(before.State) {
		return nil, fault.New(fault.Conflict, "The run has not ended yet: wait for its end, or stop it.").OnField("runId")
	}
	tx, err := a.Client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("answer again: %w", err)
	}
	// After a commit there is nothing to undo, and after a failure its reason counts.
	defer tx.Rollback() //nolint:errcheck
	// The chat's row first: who clicks twice waits here, and then finds the first.
	if _, err := tx.Chat.UpdateOneID(before.ChatID).SetUpdatedAt(a.Clock.Now()).Save(ctx); err != nil {
		return nil, err
	}
	made := create(tx).SetChatID(before.ChatID).SetQuestionID(before.QuestionID).SetBasedOnID(before.ID).
		SetReviewCode(before.ReviewCode || a.ReviewCode)
	if mutationID != "" {
		switch sent, err := tx.Run.Query().Where(run.ClientMutationID(mutationID)).Exist(ctx); {
		case err != nil:
			return nil, fmt.Errorf("find an earlier request: %w", err)
		case sent:
			return nil, errSentBefore
		}
		made.SetClientMutationID(mutationID)
	}
	switch going, err := tx.Run.Query().Where(run.BasedOnID(before.ID), run.FinishedAtIsNil()).Exist(ctx); {
	case err != nil:
		return nil, fmt.Errorf("look for the same request: %w", err)
	case going:
		return nil, fault.New(fault.Conflict, "Mark is working on another answer to this already: wait for its end, or stop it.").OnField("runId")
	}
	r, err := made.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store the run: %w", err)
	}
	for _, s := range steps {
		if err := copyStep(tx, s, r.ID, ids.New(ids.Step)).Exec(ctx); err != nil {
			return nil, fmt.Errorf("copy step %d: %w", s.Index, err)
		}
	}
	if err := a.goBefore(ctx, tx, r); err != nil {
		return nil, err
	}
	if err := a.admit(ctx, tx, r.OwnerID); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("answer again: commit: %w", err)
	}
	a.enqueue(ctx, Job{RunID: r.ID, Epoch: 1})
	a.moveOn(ctx, before.ChatID) // else it waits for a question that nobody may answer
	return r.Unwrap(), nil
}

// copyStep makes a step of a run that is as another was.
func copyStep(tx *ent.Tx, s *ent.Step, runID, id string) *ent.StepCreate {
	c := tx.Step.Create().SetID(id).SetRunID(runID).SetIndex(s.Index).SetState(s.State).SetTool(s.Tool).SetCallID(s.CallID).
		SetArguments(s.Arguments).SetCode(s.Code).SetCopiedFrom(s.CopiedFrom).SetNillableInput(s.Input).SetNillableResult(s.Result).
		SetErrorCode(s.ErrorCode).SetErrorMessage(s.ErrorMessage).SetNillableDurationMs(s.DurationMs)
	if !s.StartedAt.IsZero() {
		c.SetStartedAt(s.StartedAt)
	}
	set := func(raw json.RawMessage, field func(json.RawMessage) *ent.StepCreate) {
		if len(raw) > 0 {
			field(raw)
		}
	}
	set(s.Reply, c.SetReply)
	set(s.Outputs, c.SetOutputs)
	set(s.Audit, c.SetAudit)
	set(s.Queries, c.SetQueries)
	return c
}
