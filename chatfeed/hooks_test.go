package chatfeed_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/store"
)

// Which changes raise the version: all that is told, and nothing else. A
// transaction raises it once, whatever it changes.
func TestVersion(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		other := n.newChat()
		question, r := n.ask(c)
		d := n.newDataset(c)
		now := time.Now()
		for _, change := range []struct {
			name   string
			raises int64
			make   func(ctx context.Context, tx *ent.Tx) error
		}{
			{"nothing", 0, func(context.Context, *ent.Tx) error { return nil }},
			{"title", 1, func(ctx context.Context, tx *ent.Tx) error { return tx.Chat.UpdateOneID(c.ID).SetTitle("x").Exec(ctx) }},
			{"archived", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Chat.Update().Where().SetArchived(true).Exec(ctx)
			}},
			{"all of a question", 1, func(ctx context.Context, tx *ent.Tx) error {
				m := n.sayIn(ctx, tx, c, message.RoleUser)
				return tx.Run.Create().SetOwnerID(c.OwnerID).SetChatID(c.ID).SetQuestionID(m.ID).Exec(ctx)
			}},
			{"state", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Run.UpdateOneID(r.ID).SetState(run.StateRunning).SetStartedAt(now).Exec(ctx)
			}},
			{"states", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Run.Update().Where(run.StateEQ(run.StateRunning)).SetState(run.StateWaiting).Exec(ctx)
			}},
			{"error cleared", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Run.UpdateOneID(r.ID).ClearErrorCode().Exec(ctx)
			}},
			{"lease and usage", 0, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Run.UpdateOneID(r.ID).AddEpoch(1).SetNode("n").SetLeaseUntil(now).SetCancelRequested(true).AddPromptTokens(1).Exec(ctx)
			}},
			{"datasets", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Chat.UpdateOneID(c.ID).AddDatasetIDs(d.ID).Exec(ctx)
			}},
			{"dataset", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Dataset.Update().Where(dataset.ID(d.ID)).SetState(dataset.StateFailed).Exec(ctx)
			}},
			{"dataset's sample", 0, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Dataset.UpdateOneID(d.ID).SetSample(json.RawMessage(`{}`)).Exec(ctx)
			}},
			{"datasets cleared", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Chat.UpdateOneID(c.ID).ClearDatasets().Exec(ctx)
			}},
			{"dataset in no chat", 0, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Dataset.UpdateOneID(d.ID).SetState(dataset.StateReady).Exec(ctx)
			}},
			{"new dataset", 1, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Dataset.Create().SetOwnerID(c.OwnerID).SetName("d").SetFileName("d.csv").
					SetBlobKey("k").SetSha256("s").SetSizeBytes(1).AddChatIDs(c.ID).Exec(ctx)
			}},
			// Once to lock the chats, once for the change.
			{"datasets deleted", 2, func(ctx context.Context, tx *ent.Tx) error {
				_, err := tx.Dataset.Delete().Exec(ctx)
				return err
			}},
			{"no message", 0, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Message.Update().Where(message.ID("none")).SetParts(json.RawMessage(`[{}]`)).Exec(ctx)
			}},
			// Once for the number that it is marked with, once for the change.
			{"message", 2, func(ctx context.Context, tx *ent.Tx) error {
				return tx.Message.UpdateOneID(question.ID).SetParts(json.RawMessage(`[{}]`)).Exec(ctx)
			}},
		} {
			before, err := n.client.Chat.Get(t.Context(), c.ID)
			must(t, err)
			untouched := n.version(other)
			n.change(func(ctx context.Context, tx *ent.Tx) { must(t, change.make(ctx, tx)) })
			after, err := n.client.Chat.Get(t.Context(), c.ID)
			must(t, err)
			if got := after.Version - before.Version; got != change.raises {
				t.Errorf("%s: raised by %d, want %d", change.name, got, change.raises)
			}
			if change.name != "archived" && n.version(other) != untouched {
				t.Errorf("%s: raised another chat's version", change.name)
			}
		}
	})
}

// Raising the version does not move a chat to the top of the list.
func TestVersionLeavesTheOrder(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		_, r := n.ask(c)
		before, err := n.client.Chat.Get(t.Context(), c.ID)
		must(t, err)
		n.begin(r)
		after, err := n.client.Chat.Get(t.Context(), c.ID)
		must(t, err)
		if after.Version == before.Version || !after.UpdatedAt.Equal(before.UpdatedAt) {
			t.Errorf("version %d and then %d, updated %v and then %v", before.Version, after.Version, before.UpdatedAt, after.UpdatedAt)
		}
	})
}

// What would be told of later, if at all, is refused.
func TestChangesNeedATransaction(t *testing.T) {
	n := newNode(t, databases.SQLite(t), "", never)
	c := n.newChat()
	question, r := n.ask(c)
	d := n.newDataset(c)
	for name, err := range map[string]error{
		"title":   n.client.Chat.UpdateOneID(c.ID).SetTitle("x").Exec(t.Context()),
		"message": n.client.Message.UpdateOneID(question.ID).SetParts(json.RawMessage(`[]`)).Exec(t.Context()),
		"state":   n.client.Run.Update().SetState(run.StateFailed).Exec(t.Context()),
		"dataset": n.client.Dataset.UpdateOneID(d.ID).SetState(dataset.StateReady).Exec(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "transaction") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, n.client.Run.UpdateOneID(r.ID).SetCancelRequested(true).Exec(t.Context()))
	if row, err := n.client.Run.Get(t.Context(), r.ID); err != nil || row.State != run.StateQueued {
		t.Errorf("the run is %v, %v", row, err)
	}
}

// A transaction that cannot raise the version leaves nothing, and nothing open.
func TestRolledBack(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		n := open(never, false)
		c := n.newChat()
		tx, err := n.client.Tx(t.Context())
		must(t, err)
		must(t, tx.Chat.UpdateOneID(c.ID).SetTitle("second").Exec(t.Context()))
		_, err = tx.ExecContext(t.Context(), "ALTER TABLE chats RENAME COLUMN version TO elsewhere")
		must(t, err)
		if err := tx.Commit(); err == nil {
			t.Error("it was committed")
		}
		f := n.follow(c)
		if s := expect[chatfeed.Snapshot](f); s.Chat.Title != "first" || s.Chat.Version != 0 {
			t.Errorf("the chat is %+v", s)
		}
		n.title(c, "third") // on SQLite it would wait for a transaction that is open
		f.next()
		if open := n.store.DB.Stats().InUse; open != 0 {
			t.Errorf("%d connections are in use", open)
		}
	})
}

// One statement more is all that a question costs.
func TestStatements(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		var statements []string
		note := func(_ context.Context, v ...any) {
			if text, ok := v[0].(string); ok && strings.Contains(text, "query=") {
				statements = append(statements, text)
			}
		}
		count := func(told bool) int {
			s := *s
			s.Client = ent.NewClient(ent.Driver(dialect.DebugWithContext(entsql.OpenDB(s.Dialect, s.DB), note)))
			n := node{t: t, client: s.Client, store: &s}
			if told {
				n = newNode(t, &s, "", never)
			}
			c := n.newChat()
			statements = nil
			_, r := n.ask(c)
			n.begin(r)
			n.end(c, r)
			return len(statements)
		}
		if with, without := count(true), count(false); with != without+3 {
			t.Errorf("three transactions make %d statements, and %d without the feed:\n%s", with, without, strings.Join(statements, "\n"))
		}
	})
}
