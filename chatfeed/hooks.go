package chatfeed

import (
	"context"
	"fmt"
	"slices"

	entgo "entgo.io/ent"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
)

// What is told of each type. A follower compares just this; see face.go.
var (
	toldOfChat = []string{chat.FieldTitle, chat.FieldArchived, chat.EdgeDatasets}
	toldOfRun  = []string{
		run.FieldState, run.FieldModel, run.FieldErrorCode, run.FieldErrorMessage,
		run.FieldStartedAt, run.FieldFinishedAt, run.FieldAnswerID, run.EdgeAnswer,
	}
	toldOfDataset = []string{
		dataset.FieldName, dataset.FieldState, dataset.FieldDescription,
		dataset.FieldErrorCode, dataset.FieldErrorMessage, dataset.EdgeChats,
	}
)

// mutation is what the mutations of all types have.
type mutation interface {
	entgo.Mutation
	Client() *ent.Client
	Tx() (*ent.Tx, error)
	IDs(context.Context) ([]string, error)
}

// hook makes the client's changes raise the versions of chats.
func (f *Feed) hook() {
	// A new chat has no followers yet.
	f.client.Chat.Use(on(f.chatChanges, ent.OpUpdate|ent.OpUpdateOne), on(f.chatDeleted, ent.OpDelete|ent.OpDeleteOne))
	// Messages and runs are deleted with their chat only.
	f.client.Message.Use(on(f.messageAdded, ent.OpCreate), on(f.messageChanges, ent.OpUpdate|ent.OpUpdateOne))
	f.client.Run.Use(on(f.runAdded, ent.OpCreate), on(f.runChanges, ent.OpUpdate|ent.OpUpdateOne))
	f.client.Dataset.Use(on(f.datasetChanges, ent.OpCreate|ent.OpUpdate|ent.OpUpdateOne|ent.OpDelete|ent.OpDeleteOne))
}

// on is a hook for some operations.
func on(do func(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error), ops entgo.Op) entgo.Hook {
	return func(next entgo.Mutator) entgo.Mutator {
		return entgo.MutateFunc(func(ctx context.Context, m entgo.Mutation) (entgo.Value, error) {
			if !m.Op().Is(ops) {
				return next.Mutate(ctx, m)
			}
			mut, ok := m.(mutation)
			if !ok {
				return nil, fmt.Errorf("chatfeed: mutations of the type %T cannot be told of", m)
			}
			return do(ctx, mut, next)
		})
	}
}

func (f *Feed) chatChanges(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	if !touches(m, toldOfChat) {
		return next.Mutate(ctx, m)
	}
	return f.change(ctx, m, next, func() ([]string, error) { return m.IDs(ctx) }, nil)
}

func (f *Feed) chatDeleted(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	ids, err := m.IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the chats to delete: %w", err)
	}
	done, err := next.Mutate(ctx, m)
	if err != nil {
		return nil, err
	}
	if f.sql.notify != "" {
		for _, id := range ids {
			if _, err := m.Client().ExecContext(ctx, f.sql.notify, channel, id+" "+goneMark); err != nil {
				return nil, fmt.Errorf("tell of a deleted chat: %w", err)
			}
		}
	}
	vanish := func() {
		for _, id := range ids {
			f.topics.vanish(id)
		}
	}
	tx, ok := transaction(m)
	if !ok { // it is done
		vanish()
		return done, nil
	}
	tx.OnCommit(func(next ent.Committer) ent.Committer {
		return ent.CommitFunc(func(ctx context.Context, tx *ent.Tx) error {
			err := next.Commit(ctx, tx)
			if err == nil {
				vanish()
			}
			return err
		})
	})
	return done, nil
}

func (f *Feed) messageAdded(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	return f.change(ctx, m, next, nil, nil)
}

// messageChanges marks the messages with a version that no follower has told of
// yet: among many messages these are found by it.
func (f *Feed) messageChanges(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	find := func() ([]string, error) {
		ids, err := m.IDs(ctx)
		if err != nil {
			return nil, err
		}
		return m.Client().Message.Query().Where(message.IDIn(ids...)).GroupBy(message.FieldChatID).Strings(ctx)
	}
	mark := func(tx *ent.Tx, chats []string) error {
		if len(chats) > 1 {
			return fmt.Errorf("chatfeed: messages of %d chats are to be changed at once; their versions differ", len(chats))
		}
		versions, err := f.raise(ctx, tx, chats)
		if err != nil {
			return err
		}
		return m.SetField(message.FieldVersion, versions[chats[0]])
	}
	return f.change(ctx, m, next, find, mark)
}

func (f *Feed) runAdded(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	return f.change(ctx, m, next, nil, nil)
}

func (f *Feed) runChanges(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	switch {
	case !touches(m, toldOfRun):
		return next.Mutate(ctx, m)
	case m.Op().Is(ent.OpUpdateOne):
		return f.change(ctx, m, next, nil, nil)
	}
	return f.change(ctx, m, next, func() ([]string, error) {
		ids, err := m.IDs(ctx)
		if err != nil {
			return nil, err
		}
		return m.Client().Run.Query().Where(run.IDIn(ids...)).GroupBy(run.FieldChatID).Strings(ctx)
	}, nil)
}

func (f *Feed) datasetChanges(ctx context.Context, m mutation, next entgo.Mutator) (entgo.Value, error) {
	var before func(*ent.Tx, []string) error
	switch {
	case m.Op().Is(ent.OpCreate):
		if len(m.AddedIDs(dataset.EdgeChats)) == 0 {
			return next.Mutate(ctx, m)
		}
	case m.Op().Is(ent.OpUpdate | ent.OpUpdateOne):
		if !touches(m, toldOfDataset) {
			return next.Mutate(ctx, m)
		}
	default:
		// Who adds a dataset to a chat has locked the chat and waits for the dataset.
		// Who deletes it locks the chats first too, or each might wait for the other.
		before = func(tx *ent.Tx, chats []string) error {
			_, err := f.raise(ctx, tx, chats)
			return err
		}
	}
	return f.change(ctx, m, next, func() ([]string, error) {
		var chats []string
		for _, id := range append(m.AddedIDs(dataset.EdgeChats), m.RemovedIDs(dataset.EdgeChats)...) {
			if id, ok := id.(string); ok {
				chats = append(chats, id)
			}
		}
		if m.Op().Is(ent.OpCreate) {
			return chats, nil
		}
		ids, err := m.IDs(ctx)
		if err != nil {
			return nil, err
		}
		have, err := m.Client().Chat.Query().Where(chat.HasDatasetsWith(dataset.IDIn(ids...))).IDs(ctx)
		return append(chats, have...), err
	}, before)
}

// change makes the mutation raise the versions of chats. Find finds out before
// which chats they are, where what comes of the mutation does not tell: later they
// may not be found any more. Before, unless nil, is called with them, when there
// are any.
func (f *Feed) change(
	ctx context.Context, m mutation, next entgo.Mutator,
	find func() ([]string, error), before func(*ent.Tx, []string) error,
) (entgo.Value, error) {
	tx, ok := transaction(m)
	if !ok {
		return nil, fmt.Errorf("chatfeed: whoever follows a chat is told of this, so the %s must be changed in a transaction", m.Type())
	}
	var chats []string
	if find != nil {
		var err error
		if chats, err = find(); err != nil {
			return nil, fmt.Errorf("find the chats of a %s: %w", m.Type(), err)
		}
	}
	if before != nil && len(chats) > 0 {
		if err := before(tx, chats); err != nil {
			return nil, err
		}
	}
	done, err := next.Mutate(ctx, m)
	if err != nil {
		return nil, err
	}
	if find == nil {
		switch row := done.(type) {
		case *ent.Message:
			chats = []string{row.ChatID}
		case *ent.Run:
			chats = []string{row.ChatID}
		default:
			return nil, fmt.Errorf("chatfeed: the chat of a %s that came as %T cannot be told", m.Type(), done)
		}
	}
	f.changes(tx, chats)
	return done, nil
}

// transaction is what the mutation is made in, if it is.
func transaction(m mutation) (*ent.Tx, bool) {
	tx, err := m.Tx()
	return tx, err == nil
}

// touches tells whether an update is of one of these fields and edges.
func touches(m entgo.Mutation, told []string) bool {
	for _, names := range [][]string{
		m.Fields(), m.AddedFields(), m.ClearedFields(), m.AddedEdges(), m.RemovedEdges(), m.ClearedEdges(),
	} {
		if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(told, name) }) {
			return true
		}
	}
	return false
}
