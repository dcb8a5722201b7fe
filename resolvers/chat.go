package resolvers

import (
	"context"
	"fmt"
	"slices"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// maxTitle is how long a chat's title may be, characters.
const maxTitle = 200

func (r chatResolver) ActiveRun(ctx context.Context, c *ent.Chat) (*ent.Run, error) {
	return r.load(ctx).activeRun.Load(ctx, wanted(ctx, c.ID))
}

func (r mutationResolver) CreateChat(ctx context.Context, in model.CreateChatInput) (*model.CreateChatPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	c, err := r.createChat(ctx, in)
	errs, err := problems[model.CreateChatError](err)
	if err != nil {
		return nil, err
	}
	return &model.CreateChatPayload{Chat: c, Errors: errs}, nil
}

func (r mutationResolver) createChat(ctx context.Context, in model.CreateChatInput) (*ent.Chat, error) {
	title := untrusted.Line(deref(in.Title))
	if err := checkText("title", title, 0, maxTitle); err != nil {
		return nil, err
	}
	if err := checkDatasetIDs(in.DatasetIds); err != nil {
		return nil, err
	}
	if err := r.Agent.CheckDatasets(ctx, r.Client, in.DatasetIds); err != nil {
		return nil, err
	}
	create := r.Client.Chat.Create().SetTitle(title).AddDatasetIDs(distinct(in.DatasetIds)...)
	if title != "" {
		create.SetTitledBy(chat.TitledByPerson)
	}
	return create.Save(ctx)
}

func (r mutationResolver) UpdateChat(ctx context.Context, in model.UpdateChatInput) (*model.UpdateChatPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	c, err := r.updateChat(ctx, in)
	errs, err := problems[model.UpdateChatError](err)
	if err != nil {
		return nil, err
	}
	return &model.UpdateChatPayload{Chat: c, Errors: errs}, nil
}

func (r mutationResolver) updateChat(ctx context.Context, in model.UpdateChatInput) (*ent.Chat, error) {
	if err := checkID(ids.Chat, in.ChatID, "chatId", "chat"); err != nil {
		return nil, err
	}
	tx, err := r.Client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("change a chat: %w", err)
	}
	// After a commit there is nothing to undo, and after a failure its reason counts.
	defer tx.Rollback() //nolint:errcheck
	change := tx.Chat.UpdateOneID(in.ChatID)
	if in.Title != nil {
		title := untrusted.Line(*in.Title)
		if err := checkText("title", title, 1, maxTitle); err != nil {
			return nil, err
		}
		change.SetTitle(title).SetTitledBy(chat.TitledByPerson)
	}
	if in.Archived != nil {
		change.SetArchived(*in.Archived)
	}
	if in.DatasetIds != nil {
		if err := checkDatasetIDs(in.DatasetIds); err != nil {
			return nil, err
		}
		if err := r.Agent.CheckDatasets(ctx, tx.Client(), in.DatasetIds); err != nil {
			return nil, err
		}
		change.ClearDatasets().AddDatasetIDs(distinct(in.DatasetIds)...)
	}
	c, err := change.Save(ctx)
	if ent.IsNotFound(err) {
		return nil, missing("chatId", "chat")
	}
	if err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("change a chat: commit: %w", err)
	}
	return c.Unwrap(), nil
}

func (r mutationResolver) DeleteChat(ctx context.Context, in model.DeleteChatInput) (*model.DeleteChatPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	err := checkID(ids.Chat, in.ChatID, "chatId", "chat")
	if err == nil {
		err = r.Agent.DeleteChat(ctx, in.ChatID)
	}
	if ent.IsNotFound(err) {
		err = missing("chatId", "chat")
	}
	errs, err := problems[model.DeleteChatError](err)
	if err != nil {
		return nil, err
	}
	out := &model.DeleteChatPayload{Errors: errs}
	if len(errs) == 0 {
		out.DeletedChatID = &in.ChatID
	}
	return out, nil
}

// distinct is the list without repetitions.
func distinct(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}
