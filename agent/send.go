package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/crashpoint"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/owned"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// enqueueTime bounds the wait for the queue; the sweeper finds what was not
// enqueued.
const enqueueTime = 2 * time.Second

// maxTitle is how much of a question becomes the title of a chat, characters.
const maxTitle = 80

// Question is what a person sends.
type Question struct {
	ChatID           string // empty: a new chat
	Text             string
	DatasetIDs       []string // are added to the chat
	Model            string   // empty: the default
	ReviewCode       bool     // each program waits for an approval
	ClientMutationID string   // empty: never the same question again
}

// Sent is a stored question and the run that answers it.
type Sent struct {
	Chat    *ent.Chat
	Message *ent.Message
	Run     *ent.Run
}

// Send stores the question and its run in one transaction and puts the run to work:
// at once where its turn has come and this node has a place, else it is queued. The
// viewer in ctx asks. Sending the same question with the same ClientMutationID again
// returns what the first sending made, however long ago and through whichever node;
// another question with it is refused. A sending that fails leaves the
// ClientMutationID unused. Errors that a person can act on are *fault.Error.
func (a *Agent) Send(ctx context.Context, q Question) (Sent, error) {
	model, err := a.check(&q)
	if err != nil {
		return Sent{}, err
	}
	if q.ClientMutationID != "" {
		if sent, err := a.sentBefore(ctx, q); err != nil || sent.Run != nil {
			if err == nil && sent.Run.State == run.StateQueued {
				a.moveOn(ctx, sent.Chat.ID) // whoever sent it first may have come to nothing behind the commit
			}
			return sent, err
		}
	}
	seat := a.seat()
	defer seat.end()
	sent, err := a.store(ctx, q, model, seat)
	if q.ClientMutationID != "" && (ent.IsConstraintError(err) || errors.Is(err, errSentBefore)) {
		// The same question arrived twice at once; the other one was first.
		if before, errBefore := a.sentBefore(ctx, q); errBefore != nil || before.Run != nil {
			return before, errBefore
		}
	}
	if err != nil {
		return Sent{}, err
	}
	crashpoint.Here(crashpoint.SentNotEnqueued)
	if !seat.work(ctx) {
		a.enqueue(ctx, Job{RunID: sent.Run.ID, Epoch: 1})
	}
	if q.ChatID != "" {
		a.moveOn(ctx, q.ChatID)
	}
	return sent, nil
}

// enqueue gives a run that is stored to the nodes.
func (a *Agent) enqueue(ctx context.Context, j Job) {
	// The client may be gone by now, and a queue that hangs must not keep it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTime)
	defer cancel()
	if err := a.Queue.Enqueue(ctx, j); err != nil {
		a.Logger.WarnContext(ctx, "a run was stored and not enqueued; it will be found", "run", j.RunID, "error", err)
	}
}

// check refuses what can never be answered and cleans the rest.
func (a *Agent) check(q *Question) (Model, error) {
	q.Text = strings.TrimSpace(untrusted.Clean(q.Text))
	length := utf8.RuneCountInString(q.Text)
	switch {
	case q.Text == "":
		return Model{}, fault.New(fault.BadUserInput, "The question is empty.").OnField("text")
	case length > a.Limits.QuestionCharacters:
		return Model{}, fault.New(fault.LimitExceeded, "The question has %d characters; at most %d can be asked at once. Longer material belongs in a file.",
			length, a.Limits.QuestionCharacters).OnField("text")
	}
	if err := checkMutationID(q.ClientMutationID); err != nil {
		return Model{}, err
	}
	model, err := a.chosen(q.Model)
	if err != nil {
		return Model{}, err
	}
	q.DatasetIDs = unique(q.DatasetIDs)
	return model, nil
}

// chosen is the model that a person names; "" is the default.
func (a *Agent) chosen(name string) (Model, error) {
	model, ok := a.model(name)
	if !ok {
		return Model{}, fault.New(fault.BadUserInput, "There is no such model here. `server { models { name } }` lists them.").OnField("model")
	}
	return model, nil
}

// sentBefore finds what an earlier sending made; nothing is no error.
func (a *Agent) sentBefore(ctx context.Context, q Question) (Sent, error) {
	r, err := a.Client.Run.Query().Where(run.ClientMutationID(q.ClientMutationID)).
		WithChat().WithQuestion(func(m *ent.MessageQuery) { m.WithAttachments() }).Only(ctx)
	if ent.IsNotFound(err) {
		return Sent{}, nil
	}
	if err != nil {
		return Sent{}, fmt.Errorf("find an earlier sending: %w", err)
	}
	if err := a.checkRepetition(ctx, q, r); err != nil {
		return Sent{}, err
	}
	return Sent{Chat: r.Edges.Chat, Message: r.Edges.Question, Run: r}, nil
}

// store writes everything that a question changes, or nothing.
func (a *Agent) store(ctx context.Context, q Question, model Model, seat *seat) (Sent, error) {
	tx, err := a.Client.Tx(ctx)
	if err != nil {
		return Sent{}, fmt.Errorf("send: %w", err)
	}
	within := owned.Within(ctx)
	sent, err := a.write(within, tx, q, model, seat)
	if err != nil {
		// After a failure the rollback's own error says nothing new.
		tx.Rollback() //nolint:errcheck
		return Sent{}, err
	}
	if err := tx.Commit(); err != nil {
		return Sent{}, fmt.Errorf("send: commit: %w", err)
	}
	// What is read through them later is read outside the transaction.
	return Sent{Chat: sent.Chat.Unwrap(), Message: sent.Message.Unwrap(), Run: sent.Run.Unwrap()}, nil
}

func (a *Agent) write(ctx context.Context, tx *ent.Tx, q Question, model Model, seat *seat) (Sent, error) {
	c, err := a.writeChat(ctx, tx, q)
	if err != nil {
		return Sent{}, err
	}
	m, err := tx.Message.Create().
		SetChatID(c.ID).SetSeq(c.LastMessageSeq).SetRole(message.RoleUser).
		SetParts(encode([]Part{{Text: &Text{Text: q.Text}}})).
		AddAttachmentIDs(q.DatasetIDs...).
		Save(ctx)
	if err != nil {
		return Sent{}, fmt.Errorf("store the message: %w", err)
	}
	create := tx.Run.Create().SetChatID(c.ID).SetQuestionID(m.ID).SetModel(model.Name).SetReviewCode(q.ReviewCode || a.ReviewCode)
	if q.ClientMutationID != "" {
		create.SetClientMutationID(q.ClientMutationID)
	}
	if err := seat.take(ctx, tx, c, create); err != nil {
		return Sent{}, err
	}
	r, err := create.Save(ctx)
	if err != nil {
		return Sent{}, fmt.Errorf("store the run: %w", err)
	}
	if err := seat.tell(ctx, tx, r); err != nil {
		return Sent{}, err
	}
	// Last, since it locks the owner's day: before, a run with the same
	// ClientMutationID would be waited for whose worker waits for that day. So
	// questions that are sent in one moment may all see a free place of their owner's.
	if err := a.admit(ctx, tx, r.OwnerID); err != nil {
		return Sent{}, err
	}
	return Sent{Chat: c, Message: m, Run: r}, nil
}

// writeChat makes or changes the chat and reserves the message's seq.
func (a *Agent) writeChat(ctx context.Context, tx *ent.Tx, q Question) (*ent.Chat, error) {
	if err := a.CheckDatasets(ctx, tx.Client(), q.DatasetIDs); err != nil {
		return nil, err
	}
	if q.ChatID == "" {
		c, err := tx.Chat.Create().SetTitle(title(q.Text)).SetTitledBy(chat.TitledByQuestion).SetLastMessageSeq(1).AddDatasetIDs(q.DatasetIDs...).Save(ctx)
		if err != nil {
			return nil, fmt.Errorf("make a chat: %w", err)
		}
		return c, nil
	}
	noChat := fault.New(fault.NotFound, "There is no such chat.").OnField("chatId")
	if !ids.Valid(ids.Chat, q.ChatID) {
		return nil, noChat
	}
	c, err := tx.Chat.UpdateOneID(q.ChatID).AddLastMessageSeq(1).Save(ctx)
	if ent.IsNotFound(err) {
		return nil, noChat
	}
	if err != nil {
		return nil, fmt.Errorf("number the message: %w", err)
	}
	if q.ClientMutationID != "" {
		// The chat's row is locked: whoever sent the same before has committed. To
		// find that out by the unique index would be to wait for the run's worker,
		// who may be waiting for the chat.
		switch sent, err := tx.Run.Query().Where(run.ClientMutationID(q.ClientMutationID)).Exist(ctx); {
		case err != nil:
			return nil, fmt.Errorf("find an earlier sending: %w", err)
		case sent:
			return nil, errSentBefore
		}
	}
	have, err := c.QueryDatasets().IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the chat's datasets: %w", err)
	}
	more := without(q.DatasetIDs, have)
	if len(have)+len(more) > a.Limits.DatasetsPerChat {
		return nil, fault.New(fault.LimitExceeded, "A chat holds at most %d datasets.", a.Limits.DatasetsPerChat).OnField("datasetIds")
	}
	change := tx.Chat.UpdateOne(c).AddDatasetIDs(more...)
	if c.Title == "" {
		change.SetTitle(title(q.Text)).SetTitledBy(chat.TitledByQuestion)
	}
	if c, err = change.Save(ctx); err != nil {
		return nil, fmt.Errorf("change the chat: %w", err)
	}
	return c, nil
}

// CheckDatasets returns a NOT_FOUND fault unless all of the ids are the viewer's
// datasets, and a LIMIT_EXCEEDED one where they are more than a chat holds.
func (a *Agent) CheckDatasets(ctx context.Context, client *ent.Client, datasetIDs []string) error {
	datasetIDs = unique(datasetIDs)
	if len(datasetIDs) > a.Limits.DatasetsPerChat {
		return fault.New(fault.LimitExceeded, "A chat holds at most %d datasets.", a.Limits.DatasetsPerChat).OnField("datasetIds")
	}
	if len(datasetIDs) == 0 {
		return nil
	}
	noDataset := fault.New(fault.NotFound, "One of the datasets does not exist.").OnField("datasetIds")
	for _, id := range datasetIDs {
		if !ids.Valid(ids.Dataset, id) {
			return noDataset
		}
	}
	n, err := client.Dataset.Query().Where(dataset.IDIn(datasetIDs...)).Count(ctx)
	if err != nil {
		return fmt.Errorf("look for datasets: %w", err)
	}
	if n != len(datasetIDs) {
		return noDataset
	}
	return nil
}

// ActiveRun returns the run that goes on or waits in a chat, the earliest of
// several; nil when there is none.
func (a *Agent) ActiveRun(ctx context.Context, chatID string) (*ent.Run, error) {
	r, err := a.Client.Run.Query().
		Where(run.HasChatWith(chat.ID(chatID)), run.StateIn(run.StateRunning, run.StateWaiting, run.StateQueued)).
		Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID)).
		First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the active run: %w", err)
	}
	return r, nil
}

// title makes a chat's title of its first question.
func title(question string) string {
	line := untrusted.Line(question)
	runes := []rune(line)
	if len(runes) <= maxTitle {
		return line
	}
	return strings.TrimSpace(string(runes[:maxTitle-1])) + "…"
}

func unique(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func without(list, drop []string) []string {
	var out []string
	for _, s := range list {
		dropped := false
		for _, d := range drop {
			dropped = dropped || s == d
		}
		if !dropped {
			out = append(out, s)
		}
	}
	return out
}
