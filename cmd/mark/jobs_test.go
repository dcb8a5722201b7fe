package main

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/store"
)

// TestCompactEvents: of runs that ended long enough ago the last event stays,
// however many they are, and of others all of them; told to stop, it stops.
func TestCompactEvents(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		log, err := eventlog.New(eventlog.Config{Client: s.Client, Dialect: s.Dialect, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		ctx, now := auth.System(t.Context(), "test"), time.Now().UTC()
		user := s.Client.User.Create().SetEmail("ada@example.org").SetPasswordHash("-").SaveX(ctx)
		chat := s.Client.Chat.Create().SetOwnerID(user.ID).SaveX(ctx)
		question := s.Client.Message.Create().SetOwnerID(user.ID).SetChatID(chat.ID).SetSeq(1).SetRole("USER").
			SetParts(json.RawMessage("[]")).SaveX(ctx)
		const long, short, each = 2*compactAtOnce + 50, 10, 3
		runs := make([]*ent.RunCreate, long+short)
		for i := range runs {
			ended := now.Add(-2 * time.Hour)
			if i >= long {
				ended = now.Add(-time.Minute)
			}
			runs[i] = s.Client.Run.Create().SetOwnerID(user.ID).SetChatID(chat.ID).SetQuestionID(question.ID).
				SetState("SUCCEEDED").SetLastSeq(each).SetFinishedAt(ended)
		}
		var events []*ent.EventCreate
		for _, r := range s.Client.Run.CreateBulk(runs...).SaveX(ctx) {
			for seq := 1; seq <= each; seq++ {
				events = append(events, s.Client.Event.Create().SetOwnerID(user.ID).SetRunID(r.ID).SetSeq(seq).SetCreatedAt(now).SetKind("X").
					SetBody(json.RawMessage("{}")))
			}
		}
		s.Client.Event.CreateBulk(events...).ExecX(ctx)
		left := func() int { return s.Client.Event.Query().CountX(ctx) }
		asked := 0
		if err := compact(ctx, log, now.Add(-time.Hour), func() bool { asked++; return asked > 1 }); err != nil {
			t.Fatal(err)
		}
		if n := left(); n != each*(long+short)-(each-1)*compactAtOnce {
			t.Errorf("told to stop after %d runs, it left %d events", compactAtOnce, n)
		}
		if err := compact(ctx, log, now.Add(-time.Hour), func() bool { return false }); err != nil {
			t.Fatal(err)
		}
		if n := left(); n != long+each*short {
			t.Errorf("it left %d events, want %d", n, long+each*short)
		}
	})
}
