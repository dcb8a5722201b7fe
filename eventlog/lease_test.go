package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
)

// settable is a clock that stands still until it is moved.
type settable struct {
	mu  sync.Mutex
	now time.Time
}

func (s *settable) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *settable) move(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(by)
}

// leaseWorld is a run, the nodes that want it, and what ought to be so.
type leaseWorld struct {
	t     *testing.T
	log   *eventlog.Log
	db    database
	now   *settable
	rnd   *rand.Rand
	runID string

	held     [3]eventlog.Writer // what each node believes to hold; it may have lost it
	epoch    int
	until    time.Time // zero: nobody has it
	queued   bool
	finished bool
	stopped  bool
	events   int
}

// TestLeases plays the lease's protocol in thousands of interleavings: nodes that
// claim, work, pause for any time and come back, give back, die.
func TestLeases(t *testing.T) {
	interleavings := 2_000
	if testing.Short() {
		interleavings = 200
	}
	db := sqlite(t)
	now := &settable{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	log := db.log(t, func(c *eventlog.Config) { c.Clock = now })
	for seed := range interleavings {
		w := db.newRun(t)
		must(t, db.Client.Run.UpdateOneID(w.RunID).SetState(run.StateQueued).SetEpoch(0).Exec(t.Context()))
		l := &leaseWorld{t: t, log: log, db: db, now: now, rnd: rand.New(rand.NewPCG(uint64(seed), 0)), runID: w.RunID, queued: true}
		for range 12 {
			l.step()
		}
		l.check()
		if t.Failed() {
			t.Fatalf("in interleaving %d", seed)
		}
	}
}

// step does one thing.
func (l *leaseWorld) step() {
	node := l.rnd.IntN(len(l.held))
	switch l.rnd.IntN(10) {
	case 0, 1, 2:
		l.claim(node)
	case 3, 4:
		l.append(node)
	case 5:
		l.renew(node)
	case 6:
		l.release(node)
	case 7:
		l.finish(node)
	case 8:
		l.now.move(time.Duration(l.rnd.Int64N(int64(8 * time.Second))))
	default:
		must(l.t, l.db.Client.Run.UpdateOneID(l.runID).SetCancelRequested(true).Exec(l.t.Context()))
		l.stopped = true
	}
}

// current tells whether the node's claim is the run's.
func (l *leaseWorld) current(node int) bool {
	return l.held[node].Epoch == l.epoch && l.epoch > 0 && !l.finished
}

func (l *leaseWorld) claim(node int) {
	epoch := l.epoch + 1 - l.rnd.IntN(2) // or one that is another's
	free := !l.until.After(l.now.Now())
	w, err := l.log.Claim(l.t.Context(), l.runID, epoch, fmt.Sprint("node", node))
	if want := free && epoch == l.epoch+1 && !l.finished; want != (err == nil) || err != nil && !errors.Is(err, eventlog.ErrFenced) {
		l.t.Fatalf("claim of epoch %d at %d, free %v, finished %v: %v", epoch, l.epoch, free, l.finished, err)
	}
	if err == nil {
		l.held[node], l.epoch, l.until = w, epoch, l.now.Now().Add(eventlog.LeaseTime)
	}
}

// outcome checks that a write was possible just for the holder of the claim.
func (l *leaseWorld) outcome(what string, node int, err error) bool {
	if want := l.current(node); want != (err == nil) || err != nil && !errors.Is(err, eventlog.ErrFenced) {
		l.t.Fatalf("%s by a claim of epoch %d, the run's is %d, finished %v: %v", what, l.held[node].Epoch, l.epoch, l.finished, err)
	}
	return err == nil
}

func (l *leaseWorld) append(node int) {
	if l.held[node].Epoch == 0 {
		return
	}
	entry := eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(fmt.Sprintf(`{"text":"%d"}`, l.held[node].Epoch))}
	var err error
	if l.queued || l.rnd.IntN(2) == 0 {
		_, err = l.log.AppendWith(l.t.Context(), l.held[node], func(ctx context.Context, tx *ent.Tx) error {
			return tx.Run.UpdateOneID(l.runID).SetState(run.StateRunning).Exec(ctx)
		}, entry)
	} else {
		_, err = l.log.Append(l.t.Context(), l.held[node], entry)
	}
	if l.outcome("append", node, err) {
		l.queued, l.until = false, l.now.Now().Add(eventlog.LeaseTime)
		l.events++
	}
}

func (l *leaseWorld) renew(node int) {
	w := l.held[node]
	if w.Epoch == 0 {
		return
	}
	answer, err := l.log.Renew(l.t.Context(), []eventlog.Writer{w})
	must(l.t, err)
	r, kept := answer[w]
	// What was given back stays so: a run that waits for a person is nobody's.
	if kept != (l.current(node) && !l.until.IsZero()) || kept && r.Stopped != l.stopped {
		l.t.Fatalf("renewal: kept %v, stopped %v", kept, r.Stopped)
	}
	if kept {
		l.until = l.now.Now().Add(eventlog.LeaseTime)
	}
}

func (l *leaseWorld) release(node int) {
	if l.held[node].Epoch == 0 {
		return
	}
	must(l.t, l.log.Release(l.t.Context(), l.held[node]))
	if l.current(node) {
		l.until = time.Time{}
	}
}

func (l *leaseWorld) finish(node int) {
	if l.held[node].Epoch == 0 {
		return
	}
	_, err := l.log.AppendFinal(l.t.Context(), l.held[node], finish(l.runID), finished)
	if l.outcome("the end", node, err) {
		l.finished = true
		l.events++
	}
}

// check reads the log: gapless, claims in order, nothing after the end.
func (l *leaseWorld) check() {
	rows, err := l.db.DB.QueryContext(l.t.Context(), "SELECT seq, kind, body FROM events WHERE run_id = $1 ORDER BY seq", l.runID)
	must(l.t, err)
	defer rows.Close()
	n, latest := 0, 0
	for rows.Next() {
		var seq, epoch int
		var kind string
		var body []byte
		must(l.t, rows.Scan(&seq, &kind, &body))
		n++
		var text struct{ Text string }
		must(l.t, json.Unmarshal(body, &text))
		if kind == "TextDelta" {
			if _, err := fmt.Sscan(text.Text, &epoch); err != nil {
				l.t.Fatal(err)
			}
		}
		if seq != n || kind == "TextDelta" && epoch < latest || kind == eventlog.RunFinished && n != l.events {
			l.t.Errorf("event %d is %d, a %s of epoch %d after one of %d", n, seq, kind, epoch, latest)
		}
		latest = max(latest, epoch)
	}
	must(l.t, rows.Err())
	if n != l.events {
		l.t.Errorf("%d events, want %d", n, l.events)
	}
}

// On PostgreSQL the database's clock counts: a node whose own is wrong takes
// nothing away from others.
func TestLeasesGoByTheDatabasesClock(t *testing.T) {
	db := postgres(t)
	w := db.newRun(t)
	must(t, db.Client.Run.UpdateOneID(w.RunID).SetState(run.StateQueued).SetEpoch(0).Exec(t.Context()))
	right := db.log(t)
	_, err := right.Claim(t.Context(), w.RunID, 1, "right")
	must(t, err)
	wrong := db.log(t, func(c *eventlog.Config) { c.Clock = fixed(time.Now().Add(time.Hour)) })
	if _, err := wrong.Claim(t.Context(), w.RunID, 2, "wrong"); !errors.Is(err, eventlog.ErrFenced) {
		t.Errorf("a node whose clock is an hour ahead: %v", err)
	}
}

// Whose turn it is: in a chat the earliest question's, of one person so many at
// once, and runs that nobody holds.
func TestDue(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		now := &settable{now: time.Now().UTC().Truncate(time.Microsecond)}
		log := db.log(t, func(c *eventlog.Config) { c.Clock = now })
		ctx := t.Context()
		first, err := db.Client.Run.Get(ctx, db.newRun(t).RunID)
		must(t, err)
		queued := func(chat string, seq int) string {
			t.Helper()
			m, err := db.Client.Message.Create().SetOwnerID(first.OwnerID).SetChatID(chat).SetSeq(seq).SetRole("USER").SetParts(json.RawMessage(`[]`)).Save(ctx)
			must(t, err)
			r, err := db.Client.Run.Create().SetOwnerID(first.OwnerID).SetChatID(chat).SetQuestionID(m.ID).Save(ctx)
			must(t, err)
			return r.ID
		}
		newChat := func() string {
			t.Helper()
			c, err := db.Client.Chat.Create().SetOwnerID(first.OwnerID).Save(ctx)
			must(t, err)
			return c.ID
		}
		behind := queued(first.ChatID, 2) // behind the one that goes on
		chat := newChat()
		second := queued(chat, 9)
		head := queued(chat, 8) // asked before it, stored after it
		due := func(perOwner int) (ids []string) {
			t.Helper()
			list, err := log.Due(ctx, perOwner, 10)
			must(t, err)
			for _, d := range list {
				ids = append(ids, d.RunID)
			}
			return ids
		}
		expect := func(what string, got []string, want ...string) {
			t.Helper()
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v (behind %s, second %s, head %s)", what, got, want, behind, second, head)
			}
		}
		// The first is RUNNING without a lease.
		expect("of a dead node", due(5), first.ID, head)
		w, err := log.Claim(ctx, first.ID, 2, "one")
		must(t, err)
		expect("of a live node", due(5), head)
		expect("one at a time", due(1))
		// What is not due cannot be taken; what is can, once.
		take := func(perOwner int, id string, epoch int) bool {
			t.Helper()
			got, owner, err := log.Take(ctx, perOwner, id, epoch, "one")
			if err != nil && !errors.Is(err, eventlog.ErrFenced) || err == nil && (owner != first.OwnerID || got.Epoch != epoch) {
				t.Errorf("taken: %v of %q: %v", got, owner, err)
			}
			return err == nil
		}
		if take(5, behind, 1) || take(5, second, 1) || take(1, head, 1) || take(5, head, 2) {
			t.Error("a run was taken that is not due")
		}
		_, err = log.AppendFinal(ctx, w, finish(first.ID), finished)
		must(t, err)
		expect("after the end", due(1), behind, head)
		if !take(1, head, 1) || take(1, head, 1) || take(1, head, 2) {
			t.Error("a run that is due was not taken, or twice")
		}
	})
}

// A start on SQLite takes up at once what the process before it held, also where the
// clock was put back; on PostgreSQL another node may hold it.
func TestRestarted(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		ctx, now := t.Context(), &settable{now: time.Now().UTC().Truncate(time.Microsecond)}
		log := db.log(t, func(c *eventlog.Config) { c.Clock = now })
		held, ended := db.newRun(t), db.newRun(t)
		held, err := log.Claim(ctx, held.RunID, 2, "one")
		must(t, err)
		_, err = log.AppendFinal(ctx, ended, finish(ended.RunID), finished)
		must(t, err)
		now.move(-time.Hour)
		must(t, log.Restarted(ctx))
		due, err := log.Due(ctx, 5, 10)
		must(t, err)
		renewed, err := log.Renew(ctx, []eventlog.Writer{held})
		must(t, err)
		if db.url == "" {
			if len(due) != 1 || due[0] != (eventlog.Due{RunID: held.RunID, Epoch: 3}) || len(renewed) > 0 {
				t.Errorf("due are %v, and %v was renewed", due, renewed)
			}
		} else if len(due) > 0 || len(renewed) != 1 {
			t.Errorf("due are %v, and %v was renewed", due, renewed)
		}
	})
}

var _ clock.Clock = (*settable)(nil)
