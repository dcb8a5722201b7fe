package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
)

// steered is what a mutation steers: an object of the viewer's, as its input names it.
type steered struct {
	prefix string // of its id
	id     string
	field  string
	name   string // of its type, for people
}

func steeredRun(id string) steered { return steered{ids.Run, id, "runId", "run"} }

// steer does what a mutation wants of an object, where the viewer is signed in and
// the input holds what can be meant. What a person can act on becomes an error of
// the payload.
func steer[E any](ctx context.Context, what steered, clientMutationID *string, do func() error) ([]E, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	err := checkID(what.prefix, what.id, what.field, what.name)
	if err == nil {
		err = checkText("clientMutationId", deref(clientMutationID), 0, maxMutationID)
	}
	if err == nil {
		err = do()
	}
	if ent.IsNotFound(err) {
		err = missing(what.field, what.name)
	}
	return problems[E](err)
}

func (r mutationResolver) StopRun(ctx context.Context, in model.StopRunInput) (*model.StopRunPayload, error) {
	var run *ent.Run
	errs, err := steer[model.StopRunError](ctx, steeredRun(in.RunID), nil, func() (err error) {
		run, err = r.Agent.Stop(ctx, in.RunID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &model.StopRunPayload{Run: run, Errors: errs}, nil
}

func (r mutationResolver) RetryRun(ctx context.Context, in model.RetryRunInput) (*model.RetryRunPayload, error) {
	var run *ent.Run
	errs, err := steer[model.RetryRunError](ctx, steeredRun(in.RunID), in.ClientMutationID, func() (err error) {
		run, err = r.Agent.Retry(ctx, agent.Retrial{
			RunID: in.RunID, Model: deref(in.Model), ClientMutationID: storable.Text(deref(in.ClientMutationID)),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &model.RetryRunPayload{Run: run, ClientMutationID: in.ClientMutationID, Errors: errs}, nil
}

func (r mutationResolver) EditStep(ctx context.Context, in model.EditStepInput) (*model.EditStepPayload, error) {
	var run *ent.Run
	errs, err := steer[model.EditStepError](ctx, steered{ids.Step, in.StepID, "stepId", "step"}, in.ClientMutationID, func() (err error) {
		run, err = r.Agent.Edit(ctx, agent.Edit{
			StepID: in.StepID, Code: in.Code, Only: !in.GoOn, ClientMutationID: storable.Text(deref(in.ClientMutationID)),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &model.EditStepPayload{Run: run, ClientMutationID: in.ClientMutationID, Errors: errs}, nil
}

func (r mutationResolver) AnswerQuestion(ctx context.Context, in model.AnswerQuestionInput) (*model.AnswerQuestionPayload, error) {
	var run *ent.Run
	errs, err := steer[model.AnswerQuestionError](ctx, steeredRun(in.RunID), nil, func() (err error) {
		run, err = r.Agent.AnswerQuestion(ctx, in.RunID, in.Text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &model.AnswerQuestionPayload{Run: run, Errors: errs}, nil
}

func (r mutationResolver) DecideApproval(ctx context.Context, in model.DecideApprovalInput) (*model.DecideApprovalPayload, error) {
	out := &model.DecideApprovalPayload{}
	errs, err := steer[model.DecideApprovalError](ctx, steered{ids.Approval, in.ApprovalID, "approvalId", "approval"}, nil, func() (err error) {
		out.Approval, out.Run, err = r.Agent.DecideApproval(ctx, in.ApprovalID,
			agent.Decision{Approve: in.Decision == model.ApprovalDecisionApprove, Note: deref(in.Note)})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Errors = errs
	return out, nil
}

func (r mutationResolver) BranchChat(ctx context.Context, in model.BranchChatInput) (*model.BranchChatPayload, error) {
	var chat *ent.Chat
	errs, err := steer[model.BranchChatError](ctx, steered{ids.Chat, in.ChatID, "chatId", "chat"}, in.ClientMutationID, func() (err error) {
		if err := checkID(ids.Message, in.MessageID, "messageId", "message"); err != nil {
			return err
		}
		chat, err = r.Agent.Branch(ctx, agent.Copy{
			ChatID: in.ChatID, MessageID: in.MessageID, ClientMutationID: storable.Text(deref(in.ClientMutationID)),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &model.BranchChatPayload{Chat: chat, ClientMutationID: in.ClientMutationID, Errors: errs}, nil
}
