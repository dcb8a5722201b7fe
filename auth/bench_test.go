package auth_test

import (
	"testing"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/store"
)

func eachBench(b *testing.B, run func(*testing.B, *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { run(b, databases.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { run(b, databases.Postgres(b)) })
}

func BenchmarkSignIn(b *testing.B) {
	eachBench(b, func(b *testing.B, s *store.Store) {
		w := newWorld(b, s, func(c *auth.Config) {
			many := auth.Rate{Burst: 1 << 30, Every: time.Nanosecond}
			c.Limits = auth.Limits{Account: many, AccountAnywhere: many, Address: many}
		})
		w.signUp(b)
		for b.Loop() {
			_, err := w.SignIn(b.Context(), email, password)
			must(b, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	eachBench(b, func(b *testing.B, s *store.Store) {
		w := newWorld(b, s)
		g := w.signUp(b)
		for b.Loop() {
			_, _, err := w.Authenticate(b.Context(), g.AccessToken)
			must(b, err)
		}
	})
}

// BenchmarkGuard compares the same work on a guarded and an unguarded client:
// a read costs one more condition, a row tied to another one more statement.
func BenchmarkGuard(b *testing.B) {
	eachBench(b, func(b *testing.B, s *store.Store) {
		h := settle(b, s.Client, "alice")
		ctx := auth.WithViewer(b.Context(), auth.Viewer{UserID: h.id("User")})
		for name, c := range map[string]*ent.Client{"unguarded": unguarded(s), "guarded": guardedClient(s)} {
			b.Run("read/"+name, func(b *testing.B) {
				for b.Loop() {
					_, err := c.Chat.Query().Where(chat.ID(h.id("Chat"))).WithDatasets().Only(ctx)
					must(b, err)
				}
			})
			b.Run("create/"+name, func(b *testing.B) {
				for b.Loop() {
					_, err := h.newRow(b, c, "Step").(*ent.StepCreate).Save(ctx)
					must(b, err)
				}
			})
		}
	})
}
