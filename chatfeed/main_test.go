package chatfeed_test

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

// never is so long that a test which must not depend on the poll would time out.
const never = time.Hour

// node is a process of its own: a client and its feed.
type node struct {
	t testing.TB
	*chatfeed.Feed
	client *ent.Client
	store  *store.Store
}

// where opens any number of nodes on one database.
type where func(poll time.Duration, hears bool) node

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, open where)) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		test(t, func(poll time.Duration, _ bool) node {
			return newNode(t, storetest.Open(t, store.Config{DataDir: dir}), "", poll)
		})
	})
	t.Run("postgres", func(t *testing.T) { test(t, postgres(t)) })
}

func postgres(t *testing.T) where {
	url := databases.PostgresURL(t)
	return func(poll time.Duration, hears bool) node {
		s, listen := storetest.Open(t, store.Config{URL: url}), url
		if !hears {
			listen = ""
		}
		return newNode(t, s, listen, poll)
	}
}

func newNode(t testing.TB, s *store.Store, url string, poll time.Duration) node {
	t.Helper()
	f, err := chatfeed.New(chatfeed.Config{
		Client: s.Client, Dialect: s.Dialect, PostgresURL: url, Logger: slog.New(slog.DiscardHandler), Poll: poll,
	})
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return node{t, f, s.Client, s}
}

// change makes one transaction of what f does.
func (n node) change(f func(ctx context.Context, tx *ent.Tx)) {
	n.t.Helper()
	tx, err := n.client.Tx(n.t.Context())
	must(n.t, err)
	f(n.t.Context(), tx)
	must(n.t, tx.Commit())
}

// newChat makes a person with a chat.
func (n node) newChat() *ent.Chat {
	n.t.Helper()
	u, err := n.client.User.Create().SetEmail(ids.New("test") + "@example.org").SetPasswordHash("-").Save(n.t.Context())
	must(n.t, err)
	c, err := n.client.Chat.Create().SetOwnerID(u.ID).SetTitle("first").Save(n.t.Context())
	must(n.t, err)
	return c
}

// sayIn adds a message.
func (n node) sayIn(ctx context.Context, tx *ent.Tx, c *ent.Chat, role message.Role) *ent.Message {
	n.t.Helper()
	row, err := tx.Chat.UpdateOneID(c.ID).AddLastMessageSeq(1).Save(ctx)
	must(n.t, err)
	m, err := tx.Message.Create().SetOwnerID(c.OwnerID).SetChatID(c.ID).SetSeq(row.LastMessageSeq).
		SetRole(role).SetParts(json.RawMessage(`[]`)).Save(ctx)
	must(n.t, err)
	return m
}

// ask adds a question and its run, as package agent does.
func (n node) ask(c *ent.Chat) (m *ent.Message, r *ent.Run) {
	n.t.Helper()
	n.change(func(ctx context.Context, tx *ent.Tx) {
		var err error
		m = n.sayIn(ctx, tx, c, message.RoleUser)
		r, err = tx.Run.Create().SetOwnerID(c.OwnerID).SetChatID(c.ID).SetQuestionID(m.ID).Save(ctx)
		must(n.t, err)
	})
	return m, r
}

// begin lets a run go on.
func (n node) begin(r *ent.Run) {
	n.t.Helper()
	n.change(func(ctx context.Context, tx *ent.Tx) {
		must(n.t, tx.Run.UpdateOneID(r.ID).SetState(run.StateRunning).Exec(ctx))
	})
}

// end ends a run with an answer.
func (n node) end(c *ent.Chat, r *ent.Run) (answer *ent.Message) {
	n.t.Helper()
	n.change(func(ctx context.Context, tx *ent.Tx) {
		answer = n.sayIn(ctx, tx, c, message.RoleAssistant)
		must(n.t, tx.Run.UpdateOneID(r.ID).SetState(run.StateSucceeded).SetAnswerID(answer.ID).SetFinishedAt(time.Now()).Exec(ctx))
	})
	return answer
}

func (n node) title(c *ent.Chat, title string) {
	n.t.Helper()
	n.change(func(ctx context.Context, tx *ent.Tx) {
		must(n.t, tx.Chat.UpdateOneID(c.ID).SetTitle(title).Exec(ctx))
	})
}

// newDataset makes a dataset in no chat.
func (n node) newDataset(c *ent.Chat) *ent.Dataset {
	n.t.Helper()
	d, err := n.client.Dataset.Create().SetOwnerID(c.OwnerID).SetName("d").SetFileName("d.csv").
		SetBlobKey("k").SetSha256("s").SetSizeBytes(1).Save(n.t.Context())
	must(n.t, err)
	return d
}

func (n node) version(c *ent.Chat) int64 {
	n.t.Helper()
	row, err := n.client.Chat.Get(n.t.Context(), c.ID)
	must(n.t, err)
	return row.Version
}

// follower takes events one at a time; between them it does nothing, as one
// whose client is slow.
type follower struct {
	t    testing.TB
	pull func() (chatfeed.Event, error, bool)
	stop func()
}

func (n node) follow(c *ent.Chat) *follower {
	ctx, cancel := context.WithTimeout(n.t.Context(), 20*time.Second)
	n.t.Cleanup(cancel)
	pull, stop := iter.Pull2(n.Follow(ctx, c.ID))
	n.t.Cleanup(stop)
	return &follower{n.t, pull, stop}
}

// next is the next event.
func (f *follower) next() chatfeed.Event {
	f.t.Helper()
	e, err, ok := f.pull()
	must(f.t, err)
	if !ok {
		f.t.Fatal("nothing more was told")
	}
	return e
}

// ends is the error that the feed ends with.
func (f *follower) ends() error {
	f.t.Helper()
	e, err, ok := f.pull()
	if ok && err == nil {
		f.t.Fatalf("got %T %+v, want the end", e, e)
	}
	return err
}

// expect takes the next event, which must be of a kind.
func expect[E chatfeed.Event](f *follower) E {
	f.t.Helper()
	e := f.next()
	got, ok := e.(E)
	if !ok {
		f.t.Fatalf("got %T %+v, want %T", e, e, got)
	}
	return got
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
