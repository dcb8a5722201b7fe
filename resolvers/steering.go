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

func (r mutationResolver) RetryRun(ctx context.Context, in model.RetryRunInput) (*model.RetryRunPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	out := &model.RetryRunPayload{ClientMutationID: in.ClientMutationID}
	err := checkID(ids.Run, in.RunID, "runId", "run")
	if err == nil {
		err = checkText("clientMutationId", deref(in.ClientMutationID), 0, maxMutationID)
	}
	if err == nil {
		out.Run, err = r.Agent.Retry(ctx, agent.Retrial{RunID: in.RunID, Model: deref(in.Model), ClientMutationID: storable.Text(deref(in.ClientMutationID))})
	}
	if ent.IsNotFound(err) {
		err = missing("runId", "run")
	}
	if out.Errors, err = problems[model.RetryRunError](err); err != nil {
		return nil, err
	}
	return out, nil
}

func (r mutationResolver) EditStep(ctx context.Context, in model.EditStepInput) (*model.EditStepPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	out := &model.EditStepPayload{ClientMutationID: in.ClientMutationID}
	err := checkID(ids.Step, in.StepID, "stepId", "step")
	if err == nil {
		err = checkText("clientMutationId", deref(in.ClientMutationID), 0, maxMutationID)
	}
	if err == nil {
		out.Run, err = r.Agent.Edit(ctx, agent.Edit{StepID: in.StepID, Code: in.Code, Only: !in.GoOn, ClientMutationID: storable.Text(deref(in.ClientMutationID))})
	}
	if ent.IsNotFound(err) {
		err = missing("stepId", "step")
	}
	if out.Errors, err = problems[model.EditStepError](err); err != nil {
		return nil, err
	}
	return out, nil
}

func (r mutationResolver) AnswerQuestion(ctx context.Context, in model.AnswerQuestionInput) (*model.AnswerQuestionPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	out := &model.AnswerQuestionPayload{}
	err := checkID(ids.Run, in.RunID, "runId", "run")
	if err == nil {
		out.Run, err = r.Agent.AnswerQuestion(ctx, in.RunID, in.Text)
	}
	if ent.IsNotFound(err) {
		err = missing("runId", "run")
	}
	if out.Errors, err = problems[model.AnswerQuestionError](err); err != nil {
		return nil, err
	}
	return out, nil
}

func (r mutationResolver) BranchChat(ctx context.Context, in model.BranchChatInput) (*model.BranchChatPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	out := &model.BranchChatPayload{ClientMutationID: in.ClientMutationID}
	err := checkID(ids.Chat, in.ChatID, "chatId", "chat")
	if err == nil {
		err = checkID(ids.Message, in.MessageID, "messageId", "message")
	}
	if err == nil {
		err = checkText("clientMutationId", deref(in.ClientMutationID), 0, maxMutationID)
	}
	if err == nil {
		out.Chat, err = r.Agent.Branch(ctx, agent.Copy{ChatID: in.ChatID, MessageID: in.MessageID, ClientMutationID: storable.Text(deref(in.ClientMutationID))})
	}
	if ent.IsNotFound(err) {
		err = missing("chatId", "chat")
	}
	if out.Errors, err = problems[model.BranchChatError](err); err != nil {
		return nil, err
	}
	return out, nil
}
