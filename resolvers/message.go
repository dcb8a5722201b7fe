package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
)

// maxMutationID is how long a clientMutationId may be, characters.
const maxMutationID = 200

func (r mutationResolver) SendMessage(ctx context.Context, in model.SendMessageInput) (*model.SendMessagePayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	var sent agent.Sent
	err := checkSending(in)
	if err == nil {
		sent, err = r.Agent.Send(ctx, agent.Question{
			ChatID: deref(in.ChatID), Text: in.Text, DatasetIDs: in.DatasetIds,
			Model: deref(in.Model), ReviewCode: in.ReviewCode, ClientMutationID: storable.Text(deref(in.ClientMutationID)),
		})
	}
	errs, err := problems[model.SendMessageError](err)
	if err != nil {
		return nil, err
	}
	return &model.SendMessagePayload{
		Chat: sent.Chat, Message: sent.Message, Run: sent.Run,
		ClientMutationID: in.ClientMutationID, Errors: errs,
	}, nil
}

// checkSending refuses what the agent would not understand as it is meant: an
// empty id is none, and no new chat.
func checkSending(in model.SendMessageInput) error {
	if in.ChatID != nil {
		if err := checkID(ids.Chat, *in.ChatID, "chatId", "chat"); err != nil {
			return err
		}
	}
	if err := checkText("clientMutationId", deref(in.ClientMutationID), 0, maxMutationID); err != nil {
		return err
	}
	return checkDatasetIDs(in.DatasetIds)
}

func (r messageResolver) Run(ctx context.Context, m *ent.Message) (*ent.Run, error) {
	return r.load(ctx).messageRun.Load(ctx, wanted(ctx, m.ID))
}

func (r messageResolver) Parts(ctx context.Context, m *ent.Message) ([]model.MessagePart, error) {
	stored, err := agent.Parts(m.Parts)
	if err != nil {
		return nil, err
	}
	out := make([]model.MessagePart, 0, len(stored))
	for _, p := range stored {
		switch {
		case p.Text != nil:
			out = append(out, &model.TextPart{Text: p.Text.Text})
		case p.Reasoning != nil:
			out = append(out, &model.ReasoningPart{Text: p.Reasoning.Text})
		case p.ToolCall != nil:
			c := p.ToolCall
			code, sql := codeOrSQL(c.Tool, c.Code)
			out = append(out, &model.ToolCallPart{StepID: c.StepID, Tool: c.Tool, Code: code, SQL: sql, State: step.State(c.State)})
		case p.Output != nil:
			out = append(out, &model.OutputPart{StepID: p.Output.StepID, Output: output(p.Output.Output)})
		case p.Error != nil:
			out = append(out, &model.ErrorPart{Error: &model.Error{Code: p.Error.Code, Message: p.Error.Message}})
		case p.Answer != nil:
			answer, err := r.answer(ctx, p.Answer)
			if err != nil {
				return nil, err
			}
			out = append(out, answer)
		}
	}
	return out, nil
}

func (r messageResolver) answer(ctx context.Context, a *agent.Answer) (*model.AnswerPart, error) {
	out := &model.AnswerPart{
		Story: a.Story, FollowUps: a.FollowUps, Caveats: a.Caveats,
		Charts: []*model.Chart{}, Tables: []*model.AnswerTable{}, Claims: []*model.Claim{}, Checks: []*model.Check{},
	}
	for _, c := range a.Charts {
		out.Charts = append(out.Charts, &model.Chart{Title: c.Title, Spec: c.Spec, Artifact: storedFile(c.Artifact)})
	}
	for _, t := range a.Tables {
		head := table(&t.Table)
		out.Tables = append(out.Tables, &model.AnswerTable{
			Title: t.Title, Columns: head.Columns, Rows: head.Rows, RowCount: head.RowCount,
			Truncated: head.Truncated, Artifact: storedFile(t.Artifact),
		})
	}
	for _, c := range a.Checks {
		out.Checks = append(out.Checks, &model.Check{Code: c.Code, Text: c.Text})
	}
	for _, c := range a.Claims {
		claim := &model.Claim{Text: c.Text, Evidence: []*model.Evidence{}}
		for _, e := range c.Evidence {
			s, err := r.load(ctx).step.Load(ctx, e.StepID)
			if err != nil {
				return nil, err
			}
			if s == nil {
				continue
			}
			shown := &model.Evidence{Step: s, Path: e.Path}
			if e.Output != nil {
				shown.Output = output(*e.Output)
			}
			claim.Evidence = append(claim.Evidence, shown)
		}
		out.Claims = append(out.Claims, claim)
	}
	return out, nil
}
