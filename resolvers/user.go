package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/storable"
)

func (r userResolver) Chats(ctx context.Context, u *ent.User, first *int, after *cursor, last *int, before *cursor, search *string, archived *bool, orderBy *ent.ChatOrder) (*ent.ChatConnection, error) {
	q := r.Client.Chat.Query().Where(chat.OwnerID(u.ID))
	if deref(search) != "" {
		q.Where(chat.TitleContainsFold(storable.Text(*search)))
	}
	if archived != nil {
		q.Where(chat.Archived(*archived))
	}
	return q.Paginate(ctx, after, first, before, last, ent.WithChatOrder(orderBy))
}

func (r userResolver) Datasets(ctx context.Context, u *ent.User, first *int, after *cursor, last *int, before *cursor, search *string, source *dataset.Source, orderBy *ent.DatasetOrder) (*ent.DatasetConnection, error) {
	q := r.Client.Dataset.Query().Where(dataset.OwnerID(u.ID))
	if deref(search) != "" {
		q.Where(dataset.NameContainsFold(storable.Text(*search)))
	}
	if source != nil {
		q.Where(dataset.SourceEQ(*source))
	}
	return q.Paginate(ctx, after, first, before, last, ent.WithDatasetOrder(orderBy))
}
