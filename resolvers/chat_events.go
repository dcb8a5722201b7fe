package resolvers

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/ids"
)

// ChatEvents follows a chat. The channel is closed after ChatDeleted, when the
// client leaves, and when following fails; a client that has not seen ChatDeleted
// subscribes again.
func (r subscriptionResolver) ChatEvents(ctx context.Context, chatID string) (<-chan model.ChatEvent, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	if err := checkID(ids.Chat, chatID, "chatId", "chat"); err != nil {
		return nil, err
	}
	// Read as the viewer: what is somebody else's is not found.
	switch there, err := r.Client.Chat.Query().Where(chat.ID(chatID)).Exist(ctx); {
	case err != nil:
		return nil, fmt.Errorf("find the chat: %w", err)
	case !there:
		return nil, missing("chatId", "chat")
	}
	events := make(chan model.ChatEvent)
	go func() {
		defer close(events)
		for e, err := range r.Feed.Follow(ctx, chatID) {
			if err != nil {
				if !errors.Is(err, chatfeed.ErrNoChat) { // it was deleted just now
					r.Logger.WarnContext(ctx, "following a chat failed", "chat", chatID, "error", err)
				}
				return
			}
			select {
			case events <- chatEvent(chatID, e):
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

// chatEvent is an event in the contract's type.
func chatEvent(chatID string, e chatfeed.Event) model.ChatEvent {
	switch e := e.(type) {
	case chatfeed.Snapshot:
		return &model.ChatSnapshot{ChatID: chatID, Version: int(e.Chat.Version), Chat: e.Chat, Runs: e.Runs}
	case chatfeed.MessageAdded:
		return &model.MessageAdded{ChatID: chatID, Version: int(e.Version), Message: e.Message}
	case chatfeed.MessageChanged:
		return &model.MessageChanged{ChatID: chatID, Version: int(e.Version), Message: e.Message}
	case chatfeed.RunChanged:
		return &model.RunChanged{ChatID: chatID, Version: int(e.Version), Run: e.Run}
	case chatfeed.ChatChanged:
		return &model.ChatChanged{ChatID: chatID, Version: int(e.Chat.Version), Chat: e.Chat}
	case chatfeed.Deleted:
		return &model.ChatDeleted{ChatID: chatID, Version: int(e.Version)}
	}
	panic(fmt.Sprintf("resolvers: an event of the unknown type %T", e)) // the types are few, and all here
}

// Messages pages through what was said up to the snapshot: what was said since
// comes as MessageAdded, and shall not come twice.
func (r chatSnapshotResolver) Messages(ctx context.Context, s *model.ChatSnapshot, after *cursor, first *int, before *cursor, last *int, orderBy *ent.MessageOrder) (*ent.MessageConnection, error) {
	return r.Client.Message.Query().
		Where(message.ChatID(s.ChatID), message.SeqLTE(s.Chat.LastMessageSeq)).
		Paginate(ctx, after, first, before, last, ent.WithMessageOrder(orderBy))
}
