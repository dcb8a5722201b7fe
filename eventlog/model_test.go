package eventlog_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mark-analyst/mark/eventlog"
)

// TestModel holds the log against a plain list: whoever follows, from
// wherever, whenever it begins, however fast it reads, and in whichever process,
// gets the list from there on, while several append at once.
func TestModel(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		logs := []*eventlog.Log{
			db.log(t),
			db.log(t, noHints, poll(3*time.Millisecond)), // another process, which hears nothing
		}
		rapid.Check(t, func(rt *rapid.T) { (&model{t: t, rt: rt, db: db, logs: logs}).run() })
	})
}

type model struct {
	t    *testing.T
	rt   *rapid.T
	db   database
	logs []*eventlog.Log

	mu   sync.Mutex
	list []eventlog.Event // what was appended
}

// reader is a follower to be.
type reader struct {
	log   *eventlog.Log
	after int
	slow  int // how often it steps aside at each event
}

func (m *model) run() {
	w := m.db.newRun(m.t)
	// Batches that a page, a tail and a piece do not divide.
	batches := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 7, 63, 130, 300}), 0, 6), 1, 3).Draw(m.rt, "batches")
	total := 1
	for _, b := range batches {
		for _, n := range b {
			total += n
		}
	}
	draw := func(name string, n int) []reader {
		return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) reader {
			return reader{
				log:   m.logs[rapid.IntRange(0, len(m.logs)-1).Draw(rt, "log")],
				after: rapid.IntRange(0, total+2).Draw(rt, "after"),
				slow:  rapid.SampledFrom([]int{0, 0, 1, 20}).Draw(rt, "slow"),
			}
		}), 0, n).Draw(m.rt, name)
	}
	before, meanwhile, later := draw("before", 3), draw("meanwhile", 3), draw("later", 2)

	got := map[*reader]chan result{}
	start := func(readers []reader) {
		for i := range readers {
			got[&readers[i]] = m.follow(w.RunID, readers[i])
		}
	}
	start(before)
	var appenders sync.WaitGroup
	for i, sizes := range batches {
		appenders.Go(func() { m.append(m.logs[i%len(m.logs)], w, sizes, fmt.Sprint(i)) })
	}
	start(meanwhile)
	appenders.Wait()
	events, err := m.logs[0].AppendFinal(m.t.Context(), w, finish(w.RunID), finished)
	must(m.t, err)
	m.list = append(m.list, events...)
	start(later)

	slices.SortFunc(m.list, func(a, b eventlog.Event) int { return a.Seq - b.Seq })
	seqs(m.t, m.list, 1, total)
	for r, done := range got {
		m.check(r.after, wait(m.t, done))
	}
}

// append writes batches one after the other, and keeps what it was told.
func (m *model) append(l *eventlog.Log, w eventlog.Writer, sizes []int, by string) {
	for b, size := range sizes {
		entries := make([]eventlog.Entry, size)
		for i := range entries {
			entries[i] = eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(fmt.Sprintf(`{"text": "%s.%d.%d"}`, by, b, i))}
		}
		events, err := l.Append(m.t.Context(), w, entries...)
		if err != nil {
			m.t.Error(err)
			return
		}
		for i, e := range events {
			if e.Kind != entries[i].Kind || string(e.Body) != string(entries[i].Body) || e.Seq != events[0].Seq+i {
				m.t.Errorf("entry %d came back as %+v", i, e)
			}
		}
		m.mu.Lock()
		m.list = append(m.list, events...)
		m.mu.Unlock()
	}
}

func (m *model) follow(runID string, r reader) chan result {
	done := make(chan result, 1)
	go func() {
		var res result
		for e, err := range r.log.Follow(patience(m.t), runID, r.after) {
			if res.err = err; err != nil {
				break
			}
			res.events = append(res.events, e)
			for range r.slow {
				runtime.Gosched()
			}
		}
		done <- res
	}()
	return done
}

func (m *model) check(after int, r result) {
	must(m.t, r.err)
	want := m.list[min(after, len(m.list)):]
	if len(r.events) != len(want) {
		m.t.Fatalf("after %d came %d events, want %d", after, len(r.events), len(want))
	}
	for i, e := range r.events {
		if e.Seq != want[i].Seq || e.Kind != want[i].Kind || !e.At.Equal(want[i].At) || !sameJSON(m.t, e.Body, want[i].Body) {
			m.t.Fatalf("after %d, event %d: got %+v, want %+v", after, i, e, want[i])
		}
	}
}
