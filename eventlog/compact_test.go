package eventlog_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
)

var yesterday = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// finishedAt ends a run at a time.
func finishedAt(runID string, at time.Time) eventlog.Change {
	return func(ctx context.Context, tx *ent.Tx) error {
		return tx.Run.UpdateOneID(runID).SetState(run.StateSucceeded).SetFinishedAt(at).Exec(ctx)
	}
}

// newFinished stores a run of n events that finished at a time.
func (db database) newFinished(t testing.TB, l *eventlog.Log, n int, at time.Time) eventlog.Writer {
	t.Helper()
	w := db.newRun(t)
	_, err := l.AppendFinal(t.Context(), w, finishedAt(w.RunID, at), append(texts(1, n-1), finished)...)
	must(t, err)
	return w
}

// compacted checks that of a run's n events only those from a number on are
// stored, and that its row says so.
func (db database) compacted(t testing.TB, w eventlog.Writer, upTo, n int) {
	t.Helper()
	r, err := db.Client.Run.Get(t.Context(), w.RunID)
	must(t, err)
	if r.CompactedSeq != upTo || r.LastSeq != n || count(t, db, w.RunID) != n-upTo {
		t.Errorf("compacted up to %d of %d with %d rows, want %d of %d", r.CompactedSeq, r.LastSeq, count(t, db, w.RunID), upTo, n)
	}
}

// TestCompact: of runs that ended before a time the last event stays, and only
// so many are seen to at once, the oldest first.
func TestCompact(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l := db.log(t)
		later := db.newFinished(t, l, 5, yesterday.Add(-time.Minute))
		oldest := db.newFinished(t, l, 2500, yesterday.Add(-time.Hour))
		short := db.newFinished(t, l, 1, yesterday.Add(-2*time.Hour)) // nothing to remove
		recent := db.newFinished(t, l, 5, yesterday)
		going := db.newRun(t)
		_, err := l.Append(t.Context(), going, texts(1, 5)...)
		must(t, err)
		for i, want := range []int{1, 1, 0} {
			n, err := l.Compact(t.Context(), yesterday, 1)
			must(t, err)
			if n != want {
				t.Errorf("call %d: %d runs", i, n)
			}
			if i == 0 {
				db.compacted(t, later, 0, 5)
			}
		}
		db.compacted(t, oldest, 2499, 2500)
		db.compacted(t, later, 4, 5)
		db.compacted(t, short, 0, 1)
		db.compacted(t, recent, 0, 5)
		db.compacted(t, going, 0, 5)
		if e, err := db.Client.Event.Query().Order(ent.Asc("id")).First(t.Context()); err != nil || e.RunID != later.RunID || e.Kind != eventlog.RunFinished {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

// TestFollowCompacted: who comes too late gets a Snapshot that stands for what
// is gone, and what is left.
func TestFollowCompacted(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l := db.log(t)
		w := db.newFinished(t, l, 700, yesterday)
		n, err := l.Compact(t.Context(), yesterday.Add(time.Second), 10)
		must(t, err)
		if n != 1 {
			t.Fatalf("%d runs", n)
		}
		for after, want := range map[int][]string{
			0: {"Snapshot", "RunFinished"}, 1: {"Snapshot", "RunFinished"}, 698: {"Snapshot", "RunFinished"},
			699: {"RunFinished"}, 700: nil, 701: nil,
		} {
			_, done := follow(patience(t), l, w.RunID, after)
			r := wait(t, done)
			must(t, r.err)
			if len(r.events) != len(want) {
				t.Fatalf("after %d came %d events", after, len(r.events))
			}
			for i, e := range r.events {
				seq := map[string]int{"Snapshot": 699, "RunFinished": 700}[want[i]]
				if e.Kind != want[i] || e.Seq != seq || e.RunID != w.RunID || e.At.IsZero() || string(e.Body) != "{}" {
					t.Errorf("after %d, event %d: %+v", after, i, e)
				}
			}
		}
		if _, err := l.Append(t.Context(), db.newRun(t), eventlog.Entry{Kind: eventlog.Snapshot}); err == nil {
			t.Error("a Snapshot was stored")
		}
	})
}

// TestCompactUnderAFollower: one that is in the midst of a log that is being
// compacted is told what it does not get.
func TestCompactUnderAFollower(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		here, there := db.log(t), db.log(t)
		w := db.newFinished(t, here, 2000, yesterday)
		var r result
		for e, err := range there.Follow(patience(t), w.RunID, 0) {
			must(t, err)
			if r.events = append(r.events, e); len(r.events) == 1 {
				n, err := here.Compact(t.Context(), yesterday.Add(time.Second), 10)
				must(t, err)
				if n != 1 {
					t.Fatalf("%d runs", n)
				}
			}
		}
		last := len(r.events) - 2
		if last < 1 || last > 1000 {
			t.Fatalf("%d events came", len(r.events))
		}
		seqs(t, r.events[:last], 1, last) // what had been read
		if e := r.events[last]; e.Kind != eventlog.Snapshot || e.Seq != 1999 {
			t.Errorf("then came %+v", e)
		}
		if e := r.events[last+1]; e.Kind != eventlog.RunFinished || e.Seq != 2000 {
			t.Errorf("at the end came %+v", e)
		}
	})
}

// TestCompactInterrupted: every step of it leaves a log that can be read, and
// the next call goes on.
func TestCompactInterrupted(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		spy := newSpy(db)
		l, reader := db.log(t, spy.use), db.log(t)
		w := db.newFinished(t, reader, 2500, yesterday)
		spy.onCommit(func(tx *entsql.Tx) error {
			if spy.begun.Load() == 2 {
				return lostBefore(tx)
			}
			return tx.Commit()
		})
		if n, err := l.Compact(t.Context(), yesterday.Add(time.Second), 10); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d runs, %v", n, err)
		}
		db.compacted(t, w, 1000, 2500)
		_, done := follow(patience(t), reader, w.RunID, 7)
		r := wait(t, done)
		must(t, r.err)
		if e := r.events[0]; e.Kind != eventlog.Snapshot {
			t.Errorf("first came %+v", e)
		}
		seqs(t, r.events, 1000, 2500)
		n, err := l.Compact(t.Context(), yesterday.Add(time.Second), 10)
		must(t, err)
		if n != 1 || spy.begun.Load() != 4 {
			t.Errorf("%d runs in %d transactions", n, spy.begun.Load())
		}
		db.compacted(t, w, 2499, 2500)
		if n, err := l.Compact(cancelled(t), yesterday, 10); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended: %d, %v", n, err)
		}
	})
}

// TestCompactAtOnce: processes that compact at the same time are in nobody's
// way.
func TestCompactAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l := db.log(t)
		var runs []eventlog.Writer
		for range 8 {
			runs = append(runs, db.newFinished(t, l, 1500, yesterday))
		}
		var wg sync.WaitGroup
		for range 4 {
			other := db.log(t)
			wg.Go(func() {
				if _, err := other.Compact(t.Context(), yesterday.Add(time.Second), 100); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, w := range runs {
			db.compacted(t, w, 1499, 1500)
		}
	})
}
