package chatfeed_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
)

// What happens in a chat is told, in order, in this process by hints alone.
func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		_, waiting := n.ask(c)
		f := n.follow(c)
		if s := expect[chatfeed.Snapshot](f); s.Chat.Title != "first" || s.Chat.LastMessageSeq != 1 || len(s.Runs) != 1 || s.Runs[0].ID != waiting.ID {
			t.Errorf("the snapshot is %+v", s)
		}

		question, r := n.ask(c)
		added, queued := expect[chatfeed.MessageAdded](f), expect[chatfeed.RunChanged](f)
		if added.Message.ID != question.ID || queued.Run.ID != r.ID || queued.Run.State != run.StateQueued {
			t.Errorf("a question is told as %+v, %+v", added, queued)
		}
		n.begin(r)
		if e := expect[chatfeed.RunChanged](f); e.Run.ID != r.ID || e.Run.State != run.StateRunning {
			t.Errorf("a run's begin is told as %+v", e)
		}
		answer := n.end(c, r)
		added, ended := expect[chatfeed.MessageAdded](f), expect[chatfeed.RunChanged](f)
		if added.Message.ID != answer.ID || ended.Run.State != run.StateSucceeded || *ended.Run.AnswerID != answer.ID {
			t.Errorf("an answer is told as %+v, %+v", added, ended)
		}
		n.title(c, "second")
		if e := expect[chatfeed.ChatChanged](f); e.Chat.Title != "second" {
			t.Errorf("a title is told as %+v", e)
		}
		n.change(func(ctx context.Context, tx *ent.Tx) {
			must(t, tx.Message.UpdateOneID(question.ID).SetParts(json.RawMessage(`[{}]`)).Exec(ctx))
		})
		if e := expect[chatfeed.MessageChanged](f); e.Message.ID != question.ID || string(e.Message.Parts) != `[{}]` {
			t.Errorf("a message's change is told as %+v", e)
		}
		d := n.newDataset(c)
		n.change(func(ctx context.Context, tx *ent.Tx) {
			must(t, tx.Chat.UpdateOneID(c.ID).AddDatasetIDs(d.ID).Exec(ctx))
		})
		expect[chatfeed.ChatChanged](f)
		n.change(func(ctx context.Context, tx *ent.Tx) {
			must(t, tx.Dataset.Update().Where(dataset.ID(d.ID)).SetState(dataset.StateReady).Exec(ctx))
		})
		expect[chatfeed.ChatChanged](f)
		n.change(func(ctx context.Context, tx *ent.Tx) {
			must(t, tx.Dataset.DeleteOneID(d.ID).Exec(ctx))
		})
		if e := expect[chatfeed.ChatChanged](f); e.Chat.Version != n.version(c) {
			t.Errorf("told version %d of %d", e.Chat.Version, n.version(c))
		}
		must(t, n.client.Chat.DeleteOneID(c.ID).Exec(t.Context()))
		expect[chatfeed.Deleted](f)
		must(t, f.ends())
	})
}

// A follower that was slow is told the newest state, and of a run that began and
// ended meanwhile too.
func TestChangesAreTakenTogether(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		f := n.follow(c)
		expect[chatfeed.Snapshot](f)
		n.title(c, "second")
		_, r := n.ask(c)
		n.begin(r)
		n.title(c, "third")
		n.end(c, r)
		if e := expect[chatfeed.MessageAdded](f); e.Message.Role != message.RoleUser {
			t.Errorf("first came %+v", e)
		}
		if e := expect[chatfeed.MessageAdded](f); e.Message.Role != message.RoleAssistant {
			t.Errorf("then came %+v", e)
		}
		if e := expect[chatfeed.RunChanged](f); e.Run.ID != r.ID || e.Run.State != run.StateSucceeded {
			t.Errorf("of the run came %+v", e)
		}
		if e := expect[chatfeed.ChatChanged](f); e.Chat.Title != "third" || e.Chat.Version != n.version(c) {
			t.Errorf("of the chat came %+v", e)
		}
		// What changes back is not told: the next event is another's.
		n.title(c, "fourth")
		n.title(c, "third")
		n.ask(c)
		expect[chatfeed.MessageAdded](f)
	})
}

// Far behind, a follower gets a snapshot: its reads are bounded.
func TestFarBehind(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		f := n.follow(c)
		expect[chatfeed.Snapshot](f)
		say := func(count int) {
			n.change(func(ctx context.Context, tx *ent.Tx) {
				for range count {
					n.sayIn(ctx, tx, c, message.RoleUser)
				}
			})
		}
		say(100)
		for seq := 1; seq <= 100; seq++ {
			if e := expect[chatfeed.MessageAdded](f); e.Message.Seq != seq {
				t.Fatalf("message %d came where %d was due", e.Message.Seq, seq)
			}
		}
		say(101)
		if s := expect[chatfeed.Snapshot](f); s.Chat.LastMessageSeq != 201 {
			t.Errorf("the snapshot is %+v", s)
		}
		n.change(func(ctx context.Context, tx *ent.Tx) {
			must(t, tx.Message.Update().Where(message.ChatID(c.ID)).SetParts(json.RawMessage(`[{}]`)).Exec(ctx))
		})
		expect[chatfeed.Snapshot](f)
		say(1)
		expect[chatfeed.MessageAdded](f)
	})
}

// What another process changes comes by NOTIFY, and where that is not heard by
// the poll.
func TestOtherProcesses(t *testing.T) {
	check := func(t *testing.T, here, there node) {
		c := there.newChat()
		f := here.follow(c)
		expect[chatfeed.Snapshot](f)
		there.title(c, "second")
		expect[chatfeed.ChatChanged](f)
		must(t, there.client.Chat.DeleteOneID(c.ID).Exec(t.Context()))
		expect[chatfeed.Deleted](f)
	}
	each(t, func(t *testing.T, open where) { check(t, open(5*time.Millisecond, false), open(never, false)) })
	t.Run("postgres by NOTIFY", func(t *testing.T) {
		open := postgres(t)
		check(t, open(never, true), open(never, false))
	})
}

// A change right after the chat was read for the snapshot is told: whoever reads
// has joined before. The interceptor stands where the read has its moment behind it.
func TestChangeWhileTheSnapshotIsRead(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		meanwhile := func() { n.title(c, "second") }
		n.client.Run.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
			return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
				if do := meanwhile; do != nil {
					meanwhile = nil
					do()
				}
				return next.Query(ctx, q)
			})
		}))
		f := n.follow(c)
		if s := expect[chatfeed.Snapshot](f); s.Chat.Title != "first" {
			t.Fatalf("the snapshot has what came later: %+v", s)
		}
		if e := expect[chatfeed.ChatChanged](f); e.Chat.Title != "second" {
			t.Errorf("told %+v", e)
		}
	})
}

func TestFollowEnds(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		if err := n.follow(&ent.Chat{ID: "cht_unheard"}).ends(); !errors.Is(err, chatfeed.ErrNoChat) {
			t.Errorf("a chat unheard of: %v", err)
		}
		// The deletion of the account takes the chat along; no hint tells of it.
		polling := open(5*time.Millisecond, false)
		f := polling.follow(c)
		expect[chatfeed.Snapshot](f)
		must(t, n.client.User.DeleteOneID(c.OwnerID).Exec(t.Context()))
		expect[chatfeed.Deleted](f)
		must(t, f.ends())
		f = n.follow(n.newChat())
		expect[chatfeed.Snapshot](f)
		must(t, n.Close())
		if err := f.ends(); !errors.Is(err, chatfeed.ErrClosed) {
			t.Errorf("a closed feed: %v", err)
		}
		must(t, n.Close())
	})
}
