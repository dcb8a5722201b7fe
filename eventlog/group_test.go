package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
)

// group is a log whose next flush is held up, so that what is appended
// meanwhile shares the one after it.
type group struct {
	*eventlog.Log
	t    *testing.T
	db   database
	spy  *spy
	open func() // lets the flushes go
	plug chan answer
}

type answer struct {
	events []eventlog.Event
	err    error
}

func newGroup(t *testing.T, db database) *group {
	g := &group{t: t, db: db, spy: newSpy(db)}
	g.Log = db.log(t, g.spy.use)
	g.hold()
	return g
}

// hold waits until a flush of one request is under way and held up.
func (g *group) hold() {
	g.t.Helper()
	w := g.db.newRun(g.t)
	g.open = g.spy.hold()
	g.t.Cleanup(g.open) // or a test that fails would not end
	g.plug = g.start(func() ([]eventlog.Event, error) { return g.Append(g.t.Context(), w, texts(1, 1)...) })
	<-g.spy.asked
	g.spy.begun.Store(0)
}

// start makes a call in the background.
func (g *group) start(call func() ([]eventlog.Event, error)) chan answer {
	done := make(chan answer, 1)
	go func() {
		events, err := call()
		done <- answer{events, err}
	}()
	return done
}

// queue starts a call and returns when it waits in its lane.
func (g *group) queue(call func() ([]eventlog.Event, error)) chan answer {
	g.t.Helper()
	before := g.Waiting()
	done := g.start(call)
	g.waiting(before + 1)
	return done
}

func (g *group) append(w eventlog.Writer, entries ...eventlog.Entry) chan answer {
	g.t.Helper()
	return g.queue(func() ([]eventlog.Event, error) { return g.Append(g.t.Context(), w, entries...) })
}

func (g *group) waiting(n int) {
	g.t.Helper()
	for deadline := patience(g.t); g.Waiting() != n; runtime.Gosched() {
		if deadline.Err() != nil {
			g.t.Fatalf("%d calls wait, want %d", g.Waiting(), n)
		}
	}
}

// flushed lets the flushes go and checks how many transactions there were
// beside the first.
func (g *group) flushed(n int64, answers ...chan answer) []answer {
	g.t.Helper()
	g.open()
	must(g.t, hear(g.t, g.plug).err)
	var list []answer
	for _, done := range answers {
		list = append(list, hear(g.t, done))
	}
	if got := g.spy.begun.Load() - 1; got != n {
		g.t.Errorf("%d transactions, want %d", got, n)
	}
	return list
}

func hear(t testing.TB, done chan answer) answer {
	t.Helper()
	select {
	case a := <-done:
		return a
	case <-patience(t).Done():
		t.Fatal("no answer came")
		return answer{}
	}
}

// TestGroupCommit: what is appended while a flush is under way shares the next
// transaction, and every call gets its own events.
func TestGroupCommit(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g := newGroup(t, db)
		var answers []chan answer
		runs := []eventlog.Writer{db.newRun(t), db.newRun(t), db.newRun(t)}
		for i := range 9 {
			answers = append(answers, g.append(runs[i%3], texts(i*10, 1+i%2)...))
		}
		for i, a := range g.flushed(1, answers...) {
			must(t, a.err)
			if len(a.events) != 1+i%2 {
				t.Fatalf("call %d got %d events", i, len(a.events))
			}
			for j, e := range a.events {
				if e.RunID != runs[i%3].RunID || string(e.Body) != string(texts(i*10+j, 1)[0].Body) {
					t.Errorf("call %d got %+v", i, e)
				}
			}
		}
		for i, w := range runs {
			n := []int{4, 5, 4}[i]
			seqs(t, collect(t, g.Log, w.RunID, 0, n), 1, n)
		}
		if !g.Idle() {
			t.Error("something is left behind")
		}
	})
}

// TestGroupFencedAlone: who has lost a run fails, and nobody else does.
func TestGroupFencedAlone(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g, old, other := newGroup(t, db), db.newRun(t), db.newRun(t)
		w := db.claim(t, old)
		answers := g.flushed(1,
			g.append(other, texts(1, 1)...), g.append(old, texts(1, 2)...), g.append(w, texts(3, 3)...),
			g.append(old), g.append(other, texts(2, 1)...),
			g.append(eventlog.Writer{RunID: "run_unheard", Epoch: 1}, texts(1, 1)...))
		for i, want := range []int{1, 0, 3, 0, 1, 0} {
			a := answers[i]
			if want == 0 && !errors.Is(a.err, eventlog.ErrFenced) || want != 0 && a.err != nil || len(a.events) != want {
				t.Errorf("call %d: %d events, %v", i, len(a.events), a.err)
			}
		}
		seqs(t, collect(t, g.Log, w.RunID, 0, 3), 1, 3)
		seqs(t, collect(t, g.Log, other.RunID, 0, 2), 1, 2)
		if n := count(t, db, w.RunID); n != 3 {
			t.Errorf("%d events of the run that was taken over", n)
		}
	})
}

// refuse makes the database refuse events of the kind Bad.
func (db database) refuse(t *testing.T) {
	t.Helper()
	statement := `CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.kind = 'Bad'
		BEGIN SELECT RAISE(ABORT, 'bad'); END`
	if db.url != "" {
		statement = `ALTER TABLE events ADD CHECK (kind <> 'Bad')`
	}
	_, err := db.DB.ExecContext(t.Context(), statement)
	must(t, err)
}

// TestGroupBadEntry: entries that the database refuses fail alone; what was
// appended with them is written, in order.
func TestGroupBadEntry(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		db.refuse(t)
		g := newGroup(t, db)
		runs := []eventlog.Writer{db.newRun(t), db.newRun(t)}
		var answers []chan answer
		for i := range 16 {
			entries := texts(i, 1)
			if i == 5 || i == 11 {
				entries = append(entries, eventlog.Entry{Kind: "Bad"})
			}
			answers = append(answers, g.append(runs[i%2], entries...))
		}
		g.open()
		next := map[string]int{}
		for i, done := range answers {
			a := hear(t, done)
			if i == 5 || i == 11 {
				if a.err == nil || errors.Is(a.err, eventlog.ErrFenced) || errors.Is(a.err, eventlog.ErrUncertain) {
					t.Errorf("the bad entry: %v", a.err)
				}
				continue
			}
			must(t, a.err)
			w := runs[i%2]
			if next[w.RunID]++; a.events[0].Seq != next[w.RunID] {
				t.Errorf("call %d got number %d", i, a.events[0].Seq)
			}
		}
		if count(t, db, runs[0].RunID) != 8 || count(t, db, runs[1].RunID) != 6 {
			t.Error("not all that is good was written, or more")
		}
	})
}

// TestGroupKeepsOrder: within a run the calls are written in their order, those
// with a change of their own among them, and the end at the end.
func TestGroupKeepsOrder(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g, w := newGroup(t, db), db.newRun(t)
		nothing := func(context.Context, *ent.Tx) error { return nil }
		var answers []chan answer
		for i := range 12 {
			answers = append(answers, g.queue(func() ([]eventlog.Event, error) {
				switch {
				case i == 11:
					return g.AppendFinal(t.Context(), w, finish(w.RunID), finished)
				case i%4 == 1:
					return g.AppendWith(t.Context(), w, nothing, texts(i, 1)...)
				}
				return g.Append(t.Context(), w, texts(i, 1)...)
			}))
		}
		// 0 | 1 | 2 3 4 | 5 | 6 7 8 | 9 | 10 | 11
		for i, a := range g.flushed(8, answers...) {
			must(t, a.err)
			if a.events[0].Seq != i+1 {
				t.Errorf("call %d got number %d", i, a.events[0].Seq)
			}
		}
		if !g.Idle() {
			t.Error("something is left behind")
		}
	})
}

// TestGroupBounds: a flush holds so much and no more, and what is more than a
// flush goes alone.
func TestGroupBounds(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g, a, b := newGroup(t, db), db.newRun(t), db.newRun(t)
		mega := eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(`"` + strings.Repeat("x", 3<<20) + `"`)}
		answers := g.flushed(5,
			g.append(a, texts(1, 600)...), g.append(b, texts(1, 400)...), // 1000
			g.append(a, texts(601, 1500)...), // more than 1000
			g.append(b, mega),                // 3 MiB
			g.append(b, mega), g.append(a, texts(2101, 1)...),
			g.append(b, mega))
		for _, a := range answers {
			must(t, a.err)
		}
		seqs(t, collect(t, g.Log, a.RunID, 0, 2101), 1, 2101)
		seqs(t, collect(t, g.Log, b.RunID, 0, 403), 1, 403)
	})
}

// TestGroupWaitsForRoom: what is more than may wait is not even queued, until
// there is room or its context ends.
func TestGroupWaitsForRoom(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g := &group{t: t, db: db, spy: newSpy(db)}
		g.Log = db.log(t, g.spy.use)
		g.SetRoom(2000)
		g.hold()
		w := db.newRun(t)
		first := g.append(w, texts(1, 4)...)
		ctx, cancel := context.WithCancel(t.Context())
		impatient := g.start(func() ([]eventlog.Event, error) { return g.Append(ctx, w, texts(5, 4)...) })
		patient := g.start(func() ([]eventlog.Event, error) { return g.Append(t.Context(), w, texts(9, 4)...) })
		cancel()
		if a := hear(t, impatient); !errors.Is(a.err, context.Canceled) {
			t.Errorf("got %v", a.err)
		}
		if n := g.Waiting(); n != 1 {
			t.Errorf("%d calls are in the lanes", n)
		}
		answers := g.flushed(2, first, patient)
		must(t, answers[0].err)
		must(t, answers[1].err)
		seqs(t, answers[1].events, 5, 8)
	})
}

// TestGroupContextEnds: whoever leaves while waiting has written nothing, and
// whoever leaves while it is being written is told the outcome.
func TestGroupContextEnds(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g, w := newGroup(t, db), db.newRun(t)
		ctx, cancel := context.WithCancel(t.Context())
		left := g.queue(func() ([]eventlog.Event, error) { return g.Append(ctx, w, texts(1, 1)...) })
		with := g.queue(func() ([]eventlog.Event, error) {
			return g.AppendWith(ctx, w, func(context.Context, *ent.Tx) error { return nil }, texts(1, 1)...)
		})
		stays := g.append(w, texts(2, 1)...)
		cancel()
		for _, done := range []chan answer{left, with} {
			if a := hear(t, done); !errors.Is(a.err, context.Canceled) {
				t.Errorf("got %v", a.err)
			}
		}
		must(t, g.flushed(1, stays)[0].err)
		if n := count(t, db, w.RunID); n != 1 {
			t.Errorf("%d events", n)
		}

		committing, commit := make(chan struct{}), make(chan struct{})
		g.spy.onCommit(func(tx *entsql.Tx) error {
			close(committing)
			<-commit
			return tx.Commit()
		})
		ctx, cancel = context.WithCancel(t.Context())
		done := g.start(func() ([]eventlog.Event, error) { return g.Append(ctx, w, texts(3, 1)...) })
		<-committing
		cancel()
		close(commit)
		a := hear(t, done)
		must(t, a.err)
		seqs(t, a.events, 2, 2)

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.Append(cancelled, w, texts(4, 1)...); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended before: %v", err)
		}
	})
}

// TestAppendRenewsTheLease, by whichever clock the database's leases go.
func TestAppendRenewsTheLease(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
		l, w := db.log(t, func(c *eventlog.Config) { c.Clock = fixed(at) }), db.newRun(t)
		before := at
		if db.url != "" {
			must(t, db.DB.QueryRowContext(t.Context(), "SELECT clock_timestamp()").Scan(&before))
		}
		for name, call := range map[string]func() ([]eventlog.Event, error){
			"append":         func() ([]eventlog.Event, error) { return l.Append(t.Context(), w, texts(1, 1)...) },
			"append nothing": func() ([]eventlog.Event, error) { return l.Append(t.Context(), w) },
			"with a change": func() ([]eventlog.Event, error) {
				return l.AppendWith(t.Context(), w, func(context.Context, *ent.Tx) error { return nil })
			},
		} {
			must(t, db.Client.Run.UpdateOneID(w.RunID).ClearLeaseUntil().Exec(t.Context()))
			_, err := call()
			must(t, err)
			r, err := db.Client.Run.Get(t.Context(), w.RunID)
			must(t, err)
			if r.LeaseUntil == nil {
				t.Fatalf("%s: no lease", name)
			}
			if d := r.LeaseUntil.Sub(before); d < eventlog.LeaseTime || d > eventlog.LeaseTime+20*time.Second {
				t.Errorf("%s: the lease ends %s after its renewal", name, d)
			}
		}
	})
}

// TestCloseWaitsForAppends: what was handed in is written, and nothing after.
func TestCloseWaitsForAppends(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g, w := newGroup(t, db), db.newRun(t)
		handedIn := g.append(w, texts(1, 1)...)
		closed := g.start(func() ([]eventlog.Event, error) { return nil, g.Close() })
		for deadline := patience(t); ; runtime.Gosched() {
			if _, err := g.Append(cancelled(t), w, texts(9, 1)...); errors.Is(err, eventlog.ErrClosed) {
				break
			}
			must(t, deadline.Err())
		}
		select {
		case <-closed:
			t.Error("closed with an append under way")
		default:
		}
		must(t, g.flushed(1, handedIn)[0].err)
		must(t, hear(t, closed).err)
		if _, err := g.AppendFinal(t.Context(), w, finish(w.RunID), finished); !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func cancelled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// TestManyRunsInOneFlush: followers in another process hear of all runs of a
// flush, also where one notification cannot hold them.
func TestManyRunsInOneFlush(t *testing.T) {
	db := postgres(t)
	first, there := db.log(t), db.log(t)
	runs := db.newRuns(t, 500)
	var followers []chan result
	for _, w := range runs {
		_, err := first.Append(t.Context(), w, texts(1, 1)...)
		must(t, err)
		heard, done := make(chan struct{}), make(chan result, 1)
		go func() {
			var r result
			for e, err := range there.Follow(patience(t), w.RunID, 0) {
				if r.err = err; err != nil {
					break
				}
				if r.events = append(r.events, e); len(r.events) == 2 {
					break
				}
				close(heard)
			}
			done <- r
		}()
		<-heard // and waits from here on
		followers = append(followers, done)
	}
	// Only now: a flush that is held up has not for ever.
	g := newGroup(t, db)
	var answers []chan answer
	for _, w := range runs {
		answers = append(answers, g.append(w, texts(2, 1)...))
	}
	g.flushed(1, answers...)
	for i, done := range followers {
		r := wait(t, done)
		must(t, r.err)
		seqs(t, r.events, 1, 2)
		if r.events[1].RunID != runs[i].RunID {
			t.Fatalf("the follower of %s got %+v", runs[i].RunID, r.events[1])
		}
	}
}
