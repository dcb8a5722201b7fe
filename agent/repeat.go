package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/fault"
)

// errSentBefore: the question was sent before, while this sending began.
var errSentBefore = errors.New("agent: sent before")

// checkRepetition refuses a question that is not the one which was sent under its
// ClientMutationID before: the client has mixed its ids up, and would take the
// answer to the one for the answer to the other. (Stripe's idempotency keys do the
// same.) What the question leaves open, the chat and the model, may be anything.
func (a *Agent) checkRepetition(ctx context.Context, q Question, before *ent.Run) error {
	parts, err := Parts(before.Edges.Question.Parts)
	if err != nil {
		return err
	}
	same := len(parts) == 1 && parts[0].Text != nil && parts[0].Text.Text == q.Text &&
		(q.ChatID == "" || q.ChatID == before.ChatID) && (q.Model == "" || q.Model == before.Model) &&
		(!q.ReviewCode || before.ReviewCode)
	if same {
		if same, err = a.attached(ctx, q.DatasetIDs, before.Edges.Question); err != nil {
			return err
		}
	}
	if !same {
		return fault.New(fault.BadUserInput, "Another question was sent with this clientMutationId. Give each question its own.").
			OnField("clientMutationId")
	}
	return nil
}

// attached tells whether these datasets, but for those that were deleted since,
// came with a message.
func (a *Agent) attached(ctx context.Context, ids []string, m *ent.Message) (bool, error) {
	var have []string
	for _, d := range m.Edges.Attachments {
		have = append(have, d.ID)
	}
	if len(without(have, ids)) > 0 {
		return false, nil
	}
	missing := without(ids, have)
	if len(missing) == 0 {
		return true, nil
	}
	others, err := a.Client.Dataset.Query().Where(dataset.IDIn(missing...)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("compare with an earlier sending: %w", err)
	}
	return !others, nil
}
