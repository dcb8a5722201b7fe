package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/artifact"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
)

// maxBranch is how many messages a chat's copy holds: it is made in one
// transaction, which others wait for.
const maxBranch = 200

// forkTime bounds the copying of the variables.
const forkTime = 20 * time.Second

// Branch copies a chat of the viewer's up to a message into a new one: messages,
// runs that have ended with their steps, artifacts and datasets, and Python's
// variables as the last of these runs has left them. Files are not copied: the
// artifacts of both chats are the same ones. Errors that a person can act on are
// *fault.Error.
func (a *Agent) Branch(ctx context.Context, q Copy) (*ent.Chat, error) {
	return once(q.ClientMutationID, func() (*ent.Chat, error) { return a.branchedBefore(ctx, q) },
		func() (*ent.Chat, error) { return a.branch(ctx, q) })
}

// Copy is a wish for a copy of a chat.
type Copy struct {
	ChatID           string
	MessageID        string // the last one that is copied
	ClientMutationID string // as of a Question; empty: never the same request again
}

// branchedBefore finds the chat that an earlier request made; nil: there is none.
func (a *Agent) branchedBefore(ctx context.Context, q Copy) (*ent.Chat, error) {
	c, err := a.Client.Chat.Query().Where(chat.ClientMutationID(q.ClientMutationID)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find an earlier request: %w", err)
	case c.CopiedToID == nil || *c.CopiedToID != q.MessageID:
		return nil, errOtherRequest()
	}
	return c, nil
}

func (a *Agent) branch(ctx context.Context, q Copy) (*ent.Chat, error) {
	chatID, messageID := q.ChatID, q.MessageID
	if _, err := a.Client.Chat.Get(ctx, chatID); err != nil {
		return nil, err
	}
	upTo, err := a.Client.Message.Get(ctx, messageID)
	if ent.IsNotFound(err) {
		return nil, fault.New(fault.NotFound, "There is no such message.").OnField("messageId")
	}
	if err != nil {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	if upTo.ChatID != chatID {
		return nil, fault.New(fault.BadUserInput, "The message is of another chat.").OnField("messageId")
	}
	if upTo.Seq > maxBranch {
		return nil, fault.New(fault.LimitExceeded, "A chat of more than %d messages cannot be copied.", maxBranch).OnField("messageId")
	}
	tx, err := a.Client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("branch: %w", err)
	}
	// After a commit there is nothing to undo, and after a failure its reason counts.
	defer tx.Rollback() //nolint:errcheck
	b := &branching{tx: tx, asked: q, upTo: upTo.Seq, ids: map[string]string{}}
	made, err := b.copy(ctx)
	if err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("branch: commit: %w", err)
	}
	if b.ran {
		ctx, cancel := context.WithTimeout(ctx, forkTime) // a run may be using the variables for long
		defer cancel()
		err := a.Sandbox.Fork(ctx, chatID, b.point, made.ID)
		if err != nil && !errors.Is(err, execution.ErrNoPoint) {
			// The chat is there; its Python begins afresh and says so.
			a.Logger.WarnContext(ctx, "the variables of a copied chat were not copied", "chat", made.ID, "error", err)
		}
	}
	return made.Unwrap(), nil
}

// branching is one copying of a chat.
type branching struct {
	tx    *ent.Tx
	asked Copy
	upTo  int               // the seq of the last message
	ids   map[string]string // of what is copied, from old to new
	chat  *ent.Chat
	ran   bool      // a program ran
	point string    // that the last one has left
	at    time.Time // when that began
}

func (b *branching) copy(ctx context.Context) (*ent.Chat, error) {
	chatID := b.asked.ChatID
	// Locks the row: whoever deletes the chat comes before or after, and in the
	// latter case finds that the files are still somebody's.
	from, err := b.tx.Chat.UpdateOneID(chatID).AddLastMessageSeq(0).Save(ctx)
	if err != nil {
		return nil, err
	}
	datasets, err := from.QueryDatasets().IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the chat's datasets: %w", err)
	}
	create := b.tx.Chat.Create().SetTitle(from.Title).SetTitledBy(from.TitledBy).SetLastMessageSeq(b.upTo).AddDatasetIDs(datasets...).SetFileNames(from.FileNames).SetCopiedToID(b.asked.MessageID)
	if id := b.asked.ClientMutationID; id != "" {
		switch made, err := b.tx.Chat.Query().Where(chat.ClientMutationID(id)).Exist(ctx); {
		case err != nil:
			return nil, fmt.Errorf("find an earlier request: %w", err)
		case made:
			return nil, errSentBefore
		}
		create.SetClientMutationID(id)
	}
	if b.chat, err = create.Save(ctx); err != nil {
		return nil, fmt.Errorf("make a chat: %w", err)
	}
	runs, err := b.tx.Run.Query().
		Where(run.ChatID(chatID), run.FinishedAtNotNil(), run.HasAnswerWith(message.SeqLTE(b.upTo))).
		Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the chat's runs: %w", err)
	}
	for _, r := range runs {
		b.ids[r.ID] = ids.New(ids.Run)
		steps, err := b.tx.Step.Query().Where(step.RunID(r.ID)).Select(step.FieldID).Strings(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the chat's steps: %w", err)
		}
		for _, id := range steps {
			b.ids[id] = ids.New(ids.Step)
		}
		artifacts, err := b.tx.Artifact.Query().Where(artifact.RunID(r.ID)).Select(artifact.FieldID).Strings(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the chat's artifacts: %w", err)
		}
		for _, id := range artifacts {
			b.ids[id] = ids.New(ids.Artifact)
		}
	}
	if err := b.messages(ctx, chatID); err != nil {
		return nil, err
	}
	for _, r := range runs {
		if err := b.run(ctx, r); err != nil {
			return nil, fmt.Errorf("copy a run: %w", err)
		}
	}
	if err := b.memory(ctx, chatID); err != nil {
		return nil, err
	}
	return b.chat, nil
}

// memory copies what is told of the older turns: messages have their places in both
// chats.
func (b *branching) memory(ctx context.Context, chatID string) error {
	m, err := newestMemory(ctx, b.tx.Client(), chatID, b.upTo+1)
	if err != nil || m == nil {
		return err
	}
	err = b.tx.Memory.Create().SetChatID(b.chat.ID).SetRunID(b.id(m.RunID)).SetThroughSeq(m.ThroughSeq).SetClearedSeq(m.ClearedSeq).
		SetText(m.Text).SetDigest(m.Digest).SetPromptHash(m.PromptHash).Exec(ctx)
	if err != nil {
		return fmt.Errorf("copy the chat's memory: %w", err)
	}
	return nil
}

func (b *branching) messages(ctx context.Context, chatID string) error {
	list, err := b.tx.Message.Query().Where(message.ChatID(chatID), message.SeqLTE(b.upTo)).
		Order(ent.Asc(message.FieldSeq)).Select(message.FieldID).Strings(ctx)
	if err != nil {
		return fmt.Errorf("read the chat's messages: %w", err)
	}
	for _, id := range list { // one at a time: each holds its charts
		m, err := b.tx.Message.Query().Where(message.ID(id)).WithAttachments().Only(ctx)
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		parts, err := Parts(m.Parts)
		if err != nil {
			return err
		}
		b.ids[id] = ids.New(ids.Message)
		err = b.tx.Message.Create().SetID(b.ids[id]).SetChatID(b.chat.ID).SetSeq(m.Seq).SetRole(m.Role).SetCreatedAt(m.CreatedAt).
			SetParts(storable.JSON(encode(b.renamed(parts)))).AddAttachments(m.Edges.Attachments...).Exec(ctx)
		if err != nil {
			return fmt.Errorf("copy a message: %w", err)
		}
	}
	return nil
}

// renamed are parts that name the copies of steps and artifacts.
func (b *branching) renamed(parts []Part) []Part {
	for _, p := range parts {
		switch {
		case p.ToolCall != nil:
			p.ToolCall.StepID = b.id(p.ToolCall.StepID)
		case p.Output != nil:
			p.Output.StepID = b.id(p.Output.StepID)
			b.rename(p.Output.Output.Artifact)
		case p.Answer != nil:
			for i := range p.Answer.Charts {
				b.rename(p.Answer.Charts[i].Artifact)
			}
			for i := range p.Answer.Tables {
				b.rename(p.Answer.Tables[i].Artifact)
			}
			for i := range p.Answer.Claims {
				for j := range p.Answer.Claims[i].Evidence {
					e := &p.Answer.Claims[i].Evidence[j]
					e.StepID = b.id(e.StepID)
					if e.Output != nil {
						b.rename(e.Output.Artifact)
					}
				}
			}
		}
	}
	return parts
}

func (b *branching) rename(a *Artifact) {
	if a != nil {
		a.ID = b.id(a.ID)
	}
}

// id is the copy's id; what was not copied keeps its own.
func (b *branching) id(old string) string {
	if id, ok := b.ids[old]; ok {
		return id
	}
	return old
}

// run copies a run with what hangs on it. Of its events the copy has the last:
// the others count as compacted.
func (b *branching) run(ctx context.Context, r *ent.Run) error {
	create := b.tx.Run.Create().SetID(b.ids[r.ID]).SetChatID(b.chat.ID).SetQuestionID(b.ids[r.QuestionID]).SetAnswerID(b.ids[*r.AnswerID]).
		SetState(r.State).SetModel(r.Model).SetReviewCode(r.ReviewCode).SetEditedIndex(r.EditedIndex).SetOnlyEdited(r.OnlyEdited).
		SetNillableRewindTo(r.RewindTo).SetErrorCode(r.ErrorCode).SetErrorMessage(r.ErrorMessage).
		SetCreatedAt(r.CreatedAt).SetNillableStartedAt(r.StartedAt).SetNillableFinishedAt(r.FinishedAt).
		SetLastSeq(2).SetCompactedSeq(1)
	if r.BasedOnID != nil && b.ids[*r.BasedOnID] != "" {
		create.SetBasedOnID(b.ids[*r.BasedOnID])
	}
	if err := create.Exec(ctx); err != nil {
		return err
	}
	if err := b.tx.Event.Create().SetRunID(b.ids[r.ID]).SetSeq(2).SetCreatedAt(*r.FinishedAt).SetKind(KindRunFinished).SetBody(json.RawMessage("{}")).Exec(ctx); err != nil {
		return err
	}
	steps, err := b.tx.Step.Query().Where(step.RunID(r.ID)).Order(ent.Asc(step.FieldIndex)).All(ctx)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := b.step(ctx, r, s); err != nil {
			return err
		}
	}
	files, err := b.tx.Artifact.Query().Where(artifact.RunID(r.ID)).All(ctx)
	if err != nil {
		return err
	}
	for _, f := range files {
		err := b.tx.Artifact.Create().SetID(b.ids[f.ID]).SetRunID(b.ids[r.ID]).SetStepID(b.id(f.StepID)).SetName(f.Name).
			SetMimeType(f.MimeType).SetSizeBytes(f.SizeBytes).SetBlobKey(f.BlobKey).SetCreatedAt(f.CreatedAt).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *branching) step(ctx context.Context, r *ent.Run, s *ent.Step) error {
	outputs, err := Outputs(s.Outputs)
	if err != nil {
		return err
	}
	for i := range outputs {
		b.rename(outputs[i].Artifact)
	}
	if len(outputs) > 0 {
		s.Outputs = storable.JSON(encode(outputs))
	}
	ran, err := AuditOf(s.Audit)
	if err != nil {
		return err
	}
	id := b.ids[s.ID]
	s.CopiedFrom = pointOf(s)
	// Runs are asked for in one order and go on in another.
	if s.Tool == toolRunPython && ran != nil && !ran.Ended && s.Index >= r.EditedIndex && !s.StartedAt.Before(b.at) {
		b.ran, b.point, b.at = true, s.CopiedFrom, s.StartedAt
	}
	return copyStep(b.tx, s, b.ids[r.ID], id).Exec(ctx)
}
