package agent

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/storable"
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
	same := before.BasedOnID == nil && len(parts) == 1 && parts[0].Text != nil && parts[0].Text.Text == q.Text &&
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

// maxMutationID is how long a ClientMutationID may be, characters.
const maxMutationID = 200

func checkMutationID(id string) error {
	switch {
	case utf8.RuneCountInString(id) > maxMutationID:
		return fault.New(fault.BadUserInput, "clientMutationId has more than %d characters.", maxMutationID).OnField("clientMutationId")
	case id != storable.Text(id):
		return fault.New(fault.BadUserInput, "clientMutationId holds a character that cannot be stored.").OnField("clientMutationId")
	}
	return nil
}

// once has a request under a ClientMutationID take place once: before finds what an
// earlier one under it made, or nothing, and refuses another request's; do makes it.
// An id that is empty is none.
func once[T any](id string, before, do func() (*T, error)) (*T, error) {
	if id == "" {
		return do()
	}
	if err := checkMutationID(id); err != nil {
		return nil, err
	}
	if made, err := before(); made != nil || err != nil {
		return made, err
	}
	made, err := do()
	if ent.IsConstraintError(err) || errors.Is(err, errSentBefore) {
		// The same request arrived twice at once; the other one was first.
		if earlier, errBefore := before(); earlier != nil || errBefore != nil {
			return earlier, errBefore
		}
	}
	return made, err
}

// errOtherRequest refuses a request that is not the one which was made under its
// ClientMutationID before.
func errOtherRequest() error {
	return fault.New(fault.BadUserInput, "Another request was made with this clientMutationId. Give each request its own.").
		OnField("clientMutationId")
}

// runBefore finds the run that an earlier request under an id made; nil: there is
// none.
func (a *Agent) runBefore(ctx context.Context, id string, same func(*ent.Run) (bool, error)) (*ent.Run, error) {
	r, err := a.Client.Run.Query().Where(run.ClientMutationID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find an earlier request: %w", err)
	}
	switch is, err := same(r); {
	case err != nil:
		return nil, err
	case !is:
		return nil, errOtherRequest()
	}
	return r, nil
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
