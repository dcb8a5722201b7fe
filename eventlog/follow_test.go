package eventlog_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent/event"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
)

// collect follows until n events have come.
func collect(t testing.TB, l *eventlog.Log, runID string, after, n int) []eventlog.Event {
	t.Helper()
	var got []eventlog.Event
	for e, err := range l.Follow(patience(t), runID, after) {
		must(t, err)
		if got = append(got, e); len(got) == n {
			return got
		}
	}
	t.Fatalf("the log ended or stood still after %d of %d events", len(got), n)
	return nil
}

func sameJSON(t testing.TB, a, b json.RawMessage) bool {
	t.Helper()
	var va, vb any
	must(t, json.Unmarshal(a, &va))
	must(t, json.Unmarshal(b, &vb))
	return reflect.DeepEqual(va, vb)
}

func count(t testing.TB, db database, runID string) int {
	t.Helper()
	n, err := db.Client.Event.Query().Where(event.RunID(runID)).Count(t.Context())
	must(t, err)
	return n
}

// seqs checks that the numbers run from one to the other without a gap.
func seqs(t testing.TB, events []eventlog.Event, from, to int) {
	t.Helper()
	for i, e := range events {
		if e.Seq != from+i {
			t.Fatalf("event %d came where %d was due", e.Seq, from+i)
		}
	}
	if len(events) != to-from+1 {
		t.Fatalf("%d events came, want %d to %d", len(events), from, to)
	}
}

// follow reads to the end, in the background.
func follow(ctx context.Context, l *eventlog.Log, runID string, after int) (started chan struct{}, done chan result) {
	started, done = make(chan struct{}), make(chan result, 1)
	go func() {
		var r result
		var once sync.Once
		for e, err := range l.Follow(ctx, runID, after) {
			once.Do(func() { close(started) })
			if err != nil {
				r.err = err
				break
			}
			r.events = append(r.events, e)
		}
		done <- r
	}()
	return started, done
}

type result struct {
	events []eventlog.Event
	err    error
}

func wait(t testing.TB, done chan result) result {
	t.Helper()
	select {
	case r := <-done:
		return r
	case <-patience(t).Done():
		t.Fatal("the follower has not ended")
		return result{}
	}
}

// TestFollowEnds: what a follower of a finished run gets, from any after.
func TestFollowEnds(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		// More than a page, a tail and a piece.
		_, err := l.Append(t.Context(), w, texts(1, 1299)...)
		must(t, err)
		_, err = l.AppendFinal(t.Context(), w, finish(w.RunID), finished)
		must(t, err)
		for _, after := range []int{0, 1, 255, 256, 1298, 1299, 1300, 1301, 1 << 40} {
			_, done := follow(patience(t), l, w.RunID, after)
			r := wait(t, done)
			must(t, r.err)
			seqs(t, r.events, after+1, max(after, 1300))
		}
	})
}

func TestFollowErrors(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t, poll(10*time.Millisecond)), db.newRun(t)
		_, done := follow(patience(t), l, w.RunID, -1)
		if r := wait(t, done); !errors.Is(r.err, eventlog.ErrNegative) {
			t.Errorf("after -1: %v", r.err)
		}
		_, done = follow(patience(t), l, "run_unheard", 0)
		if r := wait(t, done); !errors.Is(r.err, eventlog.ErrNoRun) {
			t.Errorf("a run unheard of: %v", r.err)
		}
		_, err := l.Append(t.Context(), w, texts(1, 1)...)
		must(t, err)
		started, done := follow(patience(t), l, w.RunID, 0)
		<-started
		must(t, db.Client.Run.DeleteOneID(w.RunID).Exec(t.Context()))
		if r := wait(t, done); !errors.Is(r.err, eventlog.ErrNoRun) || len(r.events) != 1 {
			t.Errorf("a run that is deleted: %v", r.err)
		}
	})
}

// TestFollowEndsWithItsContext, waiting or not, without an error.
func TestFollowEndsWithItsContext(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		_, err := l.Append(t.Context(), w, texts(1, 1)...)
		must(t, err)
		ctx, cancel := context.WithCancel(patience(t))
		started, done := follow(ctx, l, w.RunID, 0)
		<-started
		cancel()
		if r := wait(t, done); r.err != nil {
			t.Error(r.err)
		}
	})
}

func TestCloseEndsFollowers(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		_, err := l.Append(t.Context(), w, texts(1, 1)...)
		must(t, err)
		started, done := follow(patience(t), l, w.RunID, 0)
		<-started
		must(t, l.Close())
		if r := wait(t, done); !errors.Is(r.err, eventlog.ErrClosed) {
			t.Error(r.err)
		}
	})
}

// TestFollowBeyondTheEnd: an after that lies ahead is waited for, and a run
// that ends before it ends the follower.
func TestFollowBeyondTheEnd(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		_, ahead := follow(patience(t), l, w.RunID, 3)
		_, never := follow(patience(t), l, w.RunID, 50)
		_, err := l.Append(t.Context(), w, texts(1, 4)...)
		must(t, err)
		_, err = l.AppendFinal(t.Context(), w, finish(w.RunID), finished)
		must(t, err)
		r := wait(t, ahead)
		must(t, r.err)
		seqs(t, r.events, 4, 5)
		if r := wait(t, never); r.err != nil || len(r.events) != 0 {
			t.Errorf("%d events, %v", len(r.events), r.err)
		}
	})
}

// TestTwoProcesses: with PostgreSQL's notifications a follower in another
// process hears of an event without polling.
func TestTwoProcesses(t *testing.T) {
	db := postgres(t)
	here, there, w := db.log(t), db.log(t), db.newRun(t)
	_, err := here.Append(t.Context(), w, texts(1, 1)...)
	must(t, err)
	started, done := follow(patience(t), there, w.RunID, 0)
	<-started
	for i := range 20 {
		_, err := here.Append(t.Context(), w, texts(2+i, 1)...)
		must(t, err)
	}
	_, err = here.AppendFinal(t.Context(), w, finish(w.RunID), finished)
	must(t, err)
	r := wait(t, done)
	must(t, r.err)
	seqs(t, r.events, 1, 22)
}

// TestListenerReconnects: events that were announced while the listener had no
// connection are found as soon as it has one again.
func TestListenerReconnects(t *testing.T) {
	db := postgres(t)
	here, there, w := db.log(t, noHints), db.log(t), db.newRun(t)
	_, err := here.Append(t.Context(), w, texts(1, 1)...)
	must(t, err)
	started, done := follow(patience(t), there, w.RunID, 0)
	<-started
	// From outside: a database cannot shut itself.
	admin, err := sql.Open("postgres", databases.Server(t).URL("postgres"))
	must(t, err)
	defer admin.Close()
	const kill = `SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
		WHERE datname = $1 AND query LIKE 'LISTEN%'`
	name := db.name(t)
	for killed := 0; killed == 0; { // until it listens, that is
		must(t, admin.QueryRowContext(patience(t), kill, name).Scan(&killed))
	}
	_, err = admin.ExecContext(patience(t), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	must(t, err)
	// It may have come back between the two statements.
	must(t, admin.QueryRowContext(patience(t), kill, name).Scan(new(int)))
	_, err = here.AppendFinal(t.Context(), w, finish(w.RunID), texts(2, 1)[0], finished)
	must(t, err)
	_, err = admin.ExecContext(patience(t), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
	must(t, err)
	r := wait(t, done)
	must(t, r.err)
	seqs(t, r.events, 1, 3)
}

// TestPoll: where no hint comes at all, the poll finds events, the end, and a
// state that somebody set without writing an event.
func TestPoll(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		here, there, w := db.log(t, noHints), db.log(t, noHints, poll(20*time.Millisecond)), db.newRun(t)
		_, err := here.Append(t.Context(), w, texts(1, 1)...)
		must(t, err)
		started, done := follow(patience(t), there, w.RunID, 0)
		<-started
		_, err = here.Append(t.Context(), w, texts(2, 5)...)
		must(t, err)
		must(t, db.Client.Run.UpdateOneID(w.RunID).SetState(run.StateFailed).Exec(t.Context()))
		r := wait(t, done)
		must(t, r.err)
		seqs(t, r.events, 1, 6)
	})
}

// TestSlowFollowerHoldsNobodyUp: while one follower does not read at all, more
// is appended than is kept in memory; it then gets everything.
func TestSlowFollowerHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		_, err := l.Append(t.Context(), w, texts(1, 1)...)
		must(t, err)
		woken, caughtUp := make(chan struct{}), make(chan struct{})
		done := make(chan result, 1)
		go func() {
			var r result
			for e, err := range l.Follow(patience(t), w.RunID, 0) {
				if r.err = err; err != nil {
					break
				}
				if r.events = append(r.events, e); len(r.events) == 1 {
					close(woken)
					<-caughtUp
				}
			}
			done <- r
		}()
		<-woken
		for i := range 40 {
			_, err := l.Append(t.Context(), w, texts(2+i*50, 50)...)
			must(t, err)
		}
		_, err = l.AppendFinal(t.Context(), w, finish(w.RunID), finished)
		must(t, err)
		close(caughtUp)
		r := wait(t, done)
		must(t, r.err)
		seqs(t, r.events, 1, 2002)
	})
}
