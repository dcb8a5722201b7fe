package chatfeed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/store"
)

// BenchmarkTold is the time from the begin of a change to its event, in chats of
// many messages and runs: it must not grow with them.
func BenchmarkTold(b *testing.B) {
	for name, open := range map[string]func() *store.Store{
		"sqlite":   func() *store.Store { return databases.SQLite(b) },
		"postgres": func() *store.Store { return databases.Postgres(b) },
	} {
		n := newNode(b, open(), "", never)
		for _, size := range []int{10, 50_000} {
			c := n.newChat()
			n.fill(c, size)
			titles := 0
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				n := n
				n.t = b
				f := n.follow(c)
				expect[chatfeed.Snapshot](f)
				for range b.N {
					titles++ // the same again would not be told
					n.title(c, fmt.Sprint(titles))
					expect[chatfeed.ChatChanged](f)
				}
			})
		}
	}
}

// BenchmarkAsk is what storing a question costs with a feed and without.
func BenchmarkAsk(b *testing.B) {
	for name, open := range map[string]func() *store.Store{
		"sqlite":   func() *store.Store { return databases.SQLite(b) },
		"postgres": func() *store.Store { return databases.Postgres(b) },
	} {
		for _, told := range []bool{false, true} {
			s := open()
			n := node{t: b, client: s.Client, store: s}
			if told {
				n = newNode(b, s, "", never)
			}
			c := n.newChat()
			b.Run(fmt.Sprintf("%s/feed=%v", name, told), func(b *testing.B) {
				n := n
				n.t = b
				for range b.N {
					n.ask(c)
				}
			})
		}
	}
}

// fill gives a chat so many messages, each with a run that has ended.
func (n node) fill(c *ent.Chat, size int) {
	n.t.Helper()
	const atOnce = 500
	for from := 0; from < size; from += atOnce {
		n.change(func(ctx context.Context, tx *ent.Tx) {
			var messages []*ent.MessageCreate
			for i := from; i < min(size, from+atOnce); i++ {
				messages = append(messages, tx.Message.Create().SetOwnerID(c.OwnerID).SetChatID(c.ID).SetSeq(i+1).
					SetRole(message.RoleUser).SetParts([]byte(`[]`)))
			}
			rows, err := tx.Message.CreateBulk(messages...).Save(ctx)
			must(n.t, err)
			var runs []*ent.RunCreate
			for _, m := range rows {
				runs = append(runs, tx.Run.Create().SetOwnerID(c.OwnerID).SetChatID(c.ID).SetQuestionID(m.ID).
					SetState(run.StateSucceeded).SetFinishedAt(time.Now()))
			}
			must(n.t, tx.Run.CreateBulk(runs...).Exec(ctx))
			must(n.t, tx.Chat.UpdateOneID(c.ID).SetLastMessageSeq(min(size, from+atOnce)).Exec(ctx))
		})
	}
}
