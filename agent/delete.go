package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent/artifact"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
)

// ErrBusy says that a run did not end in time.
var ErrBusy = errors.New("agent: the chat's run has not ended yet")

// stopTime is how long the deletion of a chat waits for its run to end.
const stopTime = 10 * time.Second

// eraseTime bounds what is done once the chat is gone.
const eraseTime = 30 * time.Second

// DeleteChat stops what goes on in a chat of the viewer's and deletes it with its
// messages, runs, events, artifacts and Python variables. The error is ent's NotFoundError, or
// ErrBusy.
func (a *Agent) DeleteChat(ctx context.Context, chatID string) error {
	c, err := a.Client.Chat.Get(ctx, chatID)
	if err != nil {
		return err
	}
	if err := a.stopChat(ctx, chatID); err != nil {
		return err
	}
	keys, err := a.Client.Artifact.Query().Where(artifact.HasRunWith(run.ChatID(chatID))).
		Select(artifact.FieldBlobKey).Strings(ctx)
	if err != nil {
		return fmt.Errorf("find the chat's artifacts: %w", err)
	}
	if err := a.Sandbox.Erase(ctx, chatID); err != nil {
		return fmt.Errorf("erase the chat's variables: %w", err)
	}
	if err := a.Client.Chat.DeleteOne(c).Exec(ctx); err != nil {
		return fmt.Errorf("delete the chat: %w", err)
	}
	// Nobody finds the rest of it any more: it goes also when whoever asked has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseTime)
	defer cancel()
	// Again: a run that began meanwhile may have saved what it had.
	if err := a.Sandbox.Erase(ctx, chatID); err != nil {
		return fmt.Errorf("erase the chat's variables: %w", err)
	}
	for _, key := range keys {
		switch shared, err := a.Client.Artifact.Query().Where(artifact.BlobKey(key)).Exist(ctx); {
		case err != nil:
			return fmt.Errorf("look who else has a file: %w", err)
		case shared:
			continue // a copy of the chat has it: see Branch
		}
		if err := a.Blobs.Delete(ctx, key); err != nil {
			// The row is gone; the file takes room, and nothing else.
			a.Logger.WarnContext(ctx, "a deleted chat's file stays", "key", key, "error", err)
		}
	}
	return nil
}

// stopChat ends the runs of a chat and waits until they have ended.
func (a *Agent) stopChat(ctx context.Context, chatID string) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	for {
		r, err := a.ActiveRun(ctx, chatID)
		if err == nil && r == nil {
			return nil
		}
		if err == nil {
			r, err = a.Stop(ctx, r.ID)
		}
		if err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ErrBusy
			}
			return err
		}
		if !final(r.State) {
			for _, err := range a.Log.Follow(ctx, r.ID, r.LastSeq) {
				if err != nil && !errors.Is(err, eventlog.ErrNoRun) {
					return fmt.Errorf("wait for the end of %s: %w", r.ID, err)
				}
			}
		}
		if ctx.Err() != nil {
			return ErrBusy
		}
	}
}
