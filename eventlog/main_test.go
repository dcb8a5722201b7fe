package eventlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

// database is a migrated, empty database.
type database struct {
	*store.Store
	url string // PostgreSQL's; empty on SQLite
}

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, db database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres(t)) })
}

func sqlite(t testing.TB) database { return database{Store: databases.SQLite(t)} }

func postgres(t testing.TB) database {
	url := databases.PostgresURL(t)
	return database{storetest.Open(t, store.Config{URL: url}), url}
}

// name is the PostgreSQL database's.
func (db database) name(t testing.TB) (name string) {
	t.Helper()
	must(t, db.DB.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	return name
}

// log opens a log on the database, as a process of its own would.
func (db database) log(t testing.TB, change ...func(*eventlog.Config)) *eventlog.Log {
	t.Helper()
	c := eventlog.Config{
		Client: db.Client, Dialect: db.Dialect, PostgresURL: db.url,
		Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
		// So long that a test which must not depend on it would time out.
		Poll: time.Hour,
	}
	for _, f := range change {
		f(&c)
	}
	l, err := eventlog.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func poll(every time.Duration) func(*eventlog.Config) {
	return func(c *eventlog.Config) { c.Poll = every }
}

// noHints makes a log that other processes cannot tell anything.
func noHints(c *eventlog.Config) { c.PostgresURL = "" }

// newRun stores a run that is claimed by the writer returned.
func (db database) newRun(t testing.TB) eventlog.Writer {
	t.Helper()
	ctx := t.Context()
	c := db.Client
	u, err := c.User.Create().SetEmail(ids.New("test") + "@example.org").SetPasswordHash("-").Save(ctx)
	must(t, err)
	chat, err := c.Chat.Create().SetOwnerID(u.ID).Save(ctx)
	must(t, err)
	question, err := c.Message.Create().SetOwnerID(u.ID).SetChatID(chat.ID).SetSeq(1).
		SetRole(message.RoleUser).SetParts(json.RawMessage(`[]`)).Save(ctx)
	must(t, err)
	r, err := c.Run.Create().SetOwnerID(u.ID).SetChatID(chat.ID).SetQuestionID(question.ID).
		SetState(run.StateRunning).SetEpoch(1).Save(ctx)
	must(t, err)
	return eventlog.Writer{RunID: r.ID, Epoch: 1}
}

// newRuns stores n runs of one chat.
func (db database) newRuns(t testing.TB, n int) []eventlog.Writer {
	t.Helper()
	ctx := t.Context()
	first, err := db.Client.Run.Get(ctx, db.newRun(t).RunID)
	must(t, err)
	var rows []*ent.RunCreate
	for range n {
		rows = append(rows, db.Client.Run.Create().SetOwnerID(first.OwnerID).SetChatID(first.ChatID).
			SetQuestionID(first.QuestionID).SetState(run.StateRunning).SetEpoch(1))
	}
	runs, err := db.Client.Run.CreateBulk(rows...).Save(ctx)
	must(t, err)
	claims := make([]eventlog.Writer, n)
	for i, r := range runs {
		claims[i] = eventlog.Writer{RunID: r.ID, Epoch: 1}
	}
	return claims
}

// claim takes the run over, as another worker would.
func (db database) claim(t testing.TB, w eventlog.Writer) eventlog.Writer {
	t.Helper()
	w.Epoch++
	must(t, db.Client.Run.UpdateOneID(w.RunID).SetEpoch(w.Epoch).Exec(t.Context()))
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// texts are n entries that tell themselves apart.
func texts(from, n int) []eventlog.Entry {
	entries := make([]eventlog.Entry, n)
	for i := range entries {
		entries[i] = eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(fmt.Sprintf(`{"text": "t%d"}`, from+i))}
	}
	return entries
}

// finish is a change that ends a run.
func finish(runID string) eventlog.Change {
	return func(ctx context.Context, tx *ent.Tx) error {
		return tx.Run.UpdateOneID(runID).SetState(run.StateSucceeded).Exec(ctx)
	}
}

var finished = eventlog.Entry{Kind: eventlog.RunFinished}

// patience is how long a test waits for what must happen.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// fixed is a clock that stands still.
func fixed(at time.Time) clock.Clock { return clock.Func(func() time.Time { return at }) }
