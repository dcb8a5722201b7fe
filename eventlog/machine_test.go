package eventlog_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
)

// TestMachine holds whatever can be done with the logs of several runs against
// plain lists: appends under claims that hold and claims that are lost, alone
// and many at once, ends, compaction, and followers that leave and come back
// anywhere.
func TestMachine(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { machines(t, sqlite(t), 60) })
	t.Run("postgres", func(t *testing.T) { machines(t, postgres(t), 15) })
}

func machines(t *testing.T, db database, checks int) {
	defer setChecks(t, checks)()
	logs := []*eventlog.Log{
		db.log(t, poll(3*time.Millisecond)),
		db.log(t, noHints, poll(3*time.Millisecond)), // another process, which hears nothing
	}
	now := yesterday // goes on from machine to machine: they share the database
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{t: t, rt: rt, db: db, logs: logs, now: &now}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		m.ctx = ctx
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			m.runs = append(m.runs, &modelRun{claims: []eventlog.Writer{db.newRun(t)}})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append":   m.append,
			"at once":  m.atOnce,
			"claim":    m.claim,
			"finish":   m.finish,
			"compact":  m.compact,
			"read":     m.read,
			"read on":  m.read, // twice as often
			"watch":    m.watch,
			"no tails": m.forget,
		})
		m.end()
	})
}

// setChecks says how many machines are made, unless the command line does.
func setChecks(t *testing.T, n int) (restore func()) {
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	if before != f.DefValue {
		return func() {}
	}
	must(t, f.Value.Set(fmt.Sprint(n)))
	return func() { must(t, f.Value.Set(before)) }
}

type machine struct {
	t    *testing.T
	rt   *rapid.T
	ctx  context.Context
	db   database
	logs []*eventlog.Log
	now  *time.Time
	runs []*modelRun
	ends int // runs that have finished

	watchers sync.WaitGroup
	watched  []*watcher
}

// modelRun is a run as it should be.
type modelRun struct {
	claims    []eventlog.Writer // the last one holds
	list      []eventlog.Event
	finished  int // the how manieth it was to finish; 0: it has not
	compacted int
	readers   map[int]int // reader to the number it has come to
}

func (r *modelRun) id() string              { return r.claims[0].RunID }
func (r *modelRun) holder() eventlog.Writer { return r.claims[len(r.claims)-1] }

func (m *machine) log() *eventlog.Log { return rapid.SampledFrom(m.logs).Draw(m.rt, "log") }
func (m *machine) run() *modelRun     { return rapid.SampledFrom(m.runs).Draw(m.rt, "run") }

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.rt.Fatal(err)
	}
}

// call is an append that was made, and what came of it.
type call struct {
	run     *modelRun
	claim   eventlog.Writer
	entries []eventlog.Entry
	with    bool
	log     *eventlog.Log
	answer
}

func (m *machine) draw() *call {
	r := m.run()
	return &call{
		run: r, log: m.log(), with: rapid.Bool().Draw(m.rt, "with a change"),
		// Mostly the one that holds.
		claim: r.claims[max(0, len(r.claims)-1-rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(m.rt, "claim"))],
		// What a page, a tail and a piece do not divide.
		entries: texts(len(r.list), rapid.SampledFrom([]int{0, 1, 1, 2, 7, 63, 130, 300}).Draw(m.rt, "entries")),
	}
}

func (c *call) make(ctx context.Context) {
	if c.with {
		c.events, c.err = c.log.AppendWith(ctx, c.claim, func(context.Context, *ent.Tx) error { return nil }, c.entries...)
	} else {
		c.events, c.err = c.log.Append(ctx, c.claim, c.entries...)
	}
}

// check takes an answer into the model.
func (m *machine) check(c *call) {
	m.t.Helper()
	r := c.run
	if r.finished > 0 || c.claim != r.holder() {
		if !errors.Is(c.err, eventlog.ErrFenced) {
			m.rt.Fatalf("a writer who has lost the run: %d events, %v", len(c.events), c.err)
		}
		return
	}
	m.must(c.err)
	if len(c.events) != len(c.entries) {
		m.rt.Fatalf("%d events for %d entries", len(c.events), len(c.entries))
	}
	for i, e := range c.events {
		if e.Seq != c.events[0].Seq+i || e.RunID != r.id() || e.Kind != c.entries[i].Kind || string(e.Body) != string(c.entries[i].Body) {
			m.rt.Fatalf("entry %d came back as %+v", i, e)
		}
		r.list = append(r.list, e)
	}
}

func (m *machine) append(*rapid.T) {
	c := m.draw()
	c.make(m.ctx)
	m.check(c)
	m.numbered(c.run)
}

// numbered checks that the list has the numbers from 1 on, in order.
func (m *machine) numbered(r *modelRun) {
	m.t.Helper()
	for i, e := range r.list {
		if e.Seq != i+1 {
			m.rt.Fatalf("event %d is in place %d", e.Seq, i+1)
		}
	}
}

func (m *machine) atOnce(*rapid.T) {
	var calls []*call
	for range rapid.IntRange(2, 8).Draw(m.rt, "calls") {
		calls = append(calls, m.draw())
	}
	var wg sync.WaitGroup
	for _, c := range calls {
		wg.Go(func() { c.make(m.ctx) })
	}
	wg.Wait()
	// The order is theirs to choose.
	before := map[*modelRun]int{}
	for _, c := range calls {
		before[c.run] = len(c.run.list)
	}
	byFirst := map[*modelRun]map[int]*call{}
	for _, c := range calls {
		if len(c.events) == 0 {
			m.check(c)
			continue
		}
		if byFirst[c.run] == nil {
			byFirst[c.run] = map[int]*call{}
		}
		byFirst[c.run][c.events[0].Seq] = c
	}
	for r, of := range byFirst {
		for range of {
			c := of[len(r.list)+1]
			if c == nil {
				m.rt.Fatalf("nobody got number %d", len(r.list)+1)
			}
			m.check(c)
		}
	}
}

func (m *machine) claim(*rapid.T) {
	r := m.run()
	if r.finished == 0 {
		r.claims = append(r.claims, m.db.claim(m.t, r.holder()))
	}
}

func (m *machine) finish(*rapid.T) {
	c := m.draw()
	*m.now = m.now.Add(time.Second)
	c.entries = append(c.entries, finished)
	c.events, c.err = c.log.AppendFinal(m.ctx, c.claim, finishedAt(c.run.id(), *m.now), c.entries...)
	if m.check(bodiless(c)); c.err == nil {
		m.ends++
		c.run.finished = m.ends
	}
	m.numbered(c.run)
}

// bodiless gives the end's entry the body that none stands for.
func bodiless(c *call) *call {
	c.entries[len(c.entries)-1].Body = []byte("{}")
	return c
}

func (m *machine) compact(*rapid.T) {
	limit := rapid.IntRange(1, 3).Draw(m.rt, "limit")
	n, err := m.log().Compact(m.ctx, m.now.Add(time.Second), limit)
	m.must(err)
	done := 0
	for end := 1; end <= m.ends; end++ {
		for _, r := range m.runs {
			if r.finished == end && r.compacted < len(r.list)-1 && done < limit {
				r.compacted = len(r.list) - 1
				done++
			}
		}
	}
	if n != done {
		m.rt.Fatalf("%d runs compacted, want %d", n, done)
	}
}

// read lets one of a run's readers come back where it left, or a new one come
// anywhere, and read some of what is there.
func (m *machine) read(*rapid.T) {
	r := m.run()
	reader := rapid.IntRange(0, 2).Draw(m.rt, "reader")
	at, ok := r.readers[reader]
	if !ok || at == len(r.list) {
		at = rapid.IntRange(0, len(r.list)).Draw(m.rt, "after")
	}
	until := rapid.IntRange(at, len(r.list)).Draw(m.rt, "until")
	if until > at {
		for e, err := range m.log().Follow(m.ctx, r.id(), at) {
			m.must(err)
			if e.Kind == eventlog.Snapshot && (e.Seq != r.compacted || e.Seq <= at) {
				m.rt.Fatalf("after %d of a log compacted up to %d came a snapshot of %d", at, r.compacted, e.Seq)
			}
			if at = m.next(r.list, at, e); at >= until {
				break
			}
		}
		if at < until {
			m.rt.Fatalf("the log ended at %d before %d", at, until)
		}
	}
	if r.readers == nil {
		r.readers = map[int]int{}
	}
	r.readers[reader] = at
}

// next checks that an event may follow number at, and returns where the reader
// is then.
func (m *machine) next(list []eventlog.Event, at int, e eventlog.Event) int {
	m.t.Helper()
	if e.Kind == eventlog.Snapshot {
		if e.Seq <= at || e.Seq >= len(list) {
			m.rt.Fatalf("after %d of %d came a snapshot of %d", at, len(list), e.Seq)
		}
		return e.Seq
	}
	if e.Seq != at+1 || e.Seq > len(list) {
		m.rt.Fatalf("after %d of %d came %+v", at, len(list), e)
	}
	if want := list[at]; e.RunID != want.RunID || e.Kind != want.Kind || !e.At.Equal(want.At) || !sameJSON(m.t, e.Body, want.Body) {
		m.rt.Fatalf("got %+v, want %+v", e, want)
	}
	return e.Seq
}

// watcher is a follower that goes on by itself until the run's end.
type watcher struct {
	run   *modelRun
	after int
	result
}

func (m *machine) watch(*rapid.T) {
	r := m.run()
	if len(m.watched) > 5 {
		return
	}
	w := &watcher{run: r, after: rapid.IntRange(0, len(r.list)+2).Draw(m.rt, "after")}
	m.watched = append(m.watched, w)
	l, id := m.log(), r.id()
	m.watchers.Go(func() {
		for e, err := range l.Follow(m.ctx, id, w.after) {
			if w.err = err; err != nil {
				return
			}
			w.events = append(w.events, e)
		}
	})
}

// forget lets another process, which has nothing in memory, take a log's place.
func (m *machine) forget(*rapid.T) {
	i := rapid.IntRange(0, len(m.logs)-1).Draw(m.rt, "log")
	if len(m.watched) > 0 {
		return
	}
	must(m.t, m.logs[i].Close())
	m.logs[i] = m.db.log(m.t, poll(3*time.Millisecond))
}

// end finishes every run and checks what the watchers saw and what is stored.
func (m *machine) end() {
	for _, r := range m.runs {
		if r.finished == 0 {
			*m.now = m.now.Add(time.Second)
			events, err := m.logs[0].AppendFinal(m.ctx, r.holder(), finishedAt(r.id(), *m.now), finished)
			m.must(err)
			r.list = append(r.list, events...)
		}
	}
	m.watchers.Wait()
	m.must(m.ctx.Err())
	for _, w := range m.watched {
		m.must(w.err)
		at := w.after
		for _, e := range w.events {
			at = m.next(w.run.list, at, e)
		}
		if at < len(w.run.list) {
			m.rt.Fatalf("a watcher ended at %d of %d", at, len(w.run.list))
		}
	}
	for _, r := range m.runs {
		m.numbered(r)
		m.db.compacted(m.t, eventlog.Writer{RunID: r.id()}, r.compacted, len(r.list))
	}
	for n := 1; n > 0; { // those of the next machine are to be the oldest
		var err error
		n, err = m.logs[0].Compact(m.ctx, m.now.Add(time.Second), 100)
		m.must(err)
	}
}
