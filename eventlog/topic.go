package eventlog

import (
	"sync"

	"github.com/mark-analyst/mark/internal/followed"
)

// head is how far a run has come.
type head struct {
	seq      int
	finished bool
}

// topics are the runs that somebody in this process follows or keeps.
type topics struct{ followed.Topics[topic] }

// join returns the run's topic, counting the caller as a follower until it
// calls leave.
func (ts *topics) join(runID string) (t *topic, leave func()) {
	return ts.Join(runID, func() *topic {
		return &topic{changed: make(chan struct{}), reading: make(chan struct{}, 1)}
	})
}

// publish hands committed events to the run's followers. It never waits for
// them.
func (ts *topics) publish(runID string, events []Event) {
	if t := ts.Find(runID); t != nil {
		t.publish(events)
	}
}

// topic is the newest part of one run's log, shared by its followers: they
// come and take, so a slow one holds up nobody and costs nothing.
type topic struct {
	// reading is held by the one follower that reads the newest events from
	// the table for all of them.
	reading chan struct{}

	mu      sync.Mutex // protects what follows
	tail    tail
	head    head          // what is known to be committed, beyond the tail perhaps
	gone    bool          // the run was deleted
	changed chan struct{} // closed and replaced at every change
}

// publish adds committed events that the tail does not have yet. Where they do
// not follow on the tail (another process wrote what lies between, or two
// appends came here in the other order) the tail starts anew with them.
func (t *topic) publish(events []Event) {
	if len(events) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if newest := t.tail.newest(); newest > 0 {
		if events[0].Seq > newest+1 {
			t.tail = tail{}
		} else {
			events = events[min(len(events), newest+1-events[0].Seq):]
		}
	}
	if len(events) == 0 {
		return
	}
	t.tail.add(events)
	last := events[len(events)-1]
	t.advance(head{seq: last.Seq, finished: last.Kind == RunFinished})
	t.announce()
}

// hint tells the topic how far its run has come.
func (t *topic) hint(h head) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.advance(h) {
		t.announce()
	}
}

// vanish tells the topic that its run is no more.
func (t *topic) vanish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.gone {
		t.gone = true
		t.announce()
	}
}

// advance is called with mu held.
func (t *topic) advance(h head) bool {
	before := t.head
	t.head.seq = max(t.head.seq, h.seq)
	t.head.finished = t.head.finished || h.finished
	return t.head != before
}

// announce is called with mu held.
func (t *topic) announce() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// view is what a follower sees of a topic.
type view struct {
	events  []Event // what comes next, if the tail has it
	behind  bool    // what comes next has left the tail already
	head    head
	gone    bool
	changed <-chan struct{} // closed when another view would differ
}

// after returns the view of a follower that has everything up to seq.
func (t *topic) after(seq int) view {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := view{head: t.head, gone: t.gone, changed: t.changed}
	v.events, v.behind = t.tail.after(seq)
	return v
}
