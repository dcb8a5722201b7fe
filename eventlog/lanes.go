package eventlog

import (
	"encoding/json"
	"slices"
	"sync"
)

const (
	// A flush holds at most this much, or one request that alone is more: what a
	// transaction writes in a few milliseconds.
	flushEntries = 1000
	flushBytes   = 4 << 20
)

// request is one call of Append on its way to the table.
type request struct {
	writer Writer
	kinds  []string
	bodies []json.RawMessage
	size   int64 // of the bodies and what surrounds them, bytes

	// alone: the caller wants the run for a transaction of its own, and may
	// begin it when done is closed. Otherwise a flush writes the entries; when
	// done is closed events and err are its answer.
	alone  bool
	done   chan struct{}
	events []Event
	err    error
}

func (r *request) answer(events []Event, err error) {
	r.events, r.err = events, err
	close(r.done)
}

// lane is what one run has waiting, in the order of the calls.
type lane struct {
	run     string
	waiting []*request
	busy    bool // a flush or a transaction of its own is writing to the run
	ready   bool // is in lanes.ready
}

// lanes are the runs that somebody in this process is appending to. Within a
// run everything is written in the order of the calls; runs wait for each other
// only as far as they share a flush.
type lanes struct {
	flush func() // takes until there is nothing to take

	calls sync.WaitGroup // calls that have not returned, and the flush

	mu       sync.Mutex // protects what follows
	byRun    map[string]*lane
	ready    []*lane // those that a flush finds something in, in order
	flushing bool
	closed   bool
}

// enter counts a call in, or says ErrClosed.
func (q *lanes) enter() (leave func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	q.calls.Add(1)
	return q.calls.Done, nil
}

// close refuses new calls and waits for the others.
func (q *lanes) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.calls.Wait()
}

// add puts a request behind those of its run and returns the run's lane. The
// caller has entered.
func (q *lanes) add(r *request) *lane {
	q.mu.Lock()
	defer q.mu.Unlock()
	ln, ok := q.byRun[r.writer.RunID]
	if !ok {
		if q.byRun == nil {
			q.byRun = map[string]*lane{}
		}
		ln = &lane{run: r.writer.RunID}
		q.byRun[ln.run] = ln
	}
	ln.waiting = append(ln.waiting, r)
	q.wake(ln)
	return ln
}

// withdraw takes a request back out of its lane and tells whether it was still
// waiting there. Otherwise it is being seen to.
func (q *lanes) withdraw(ln *lane, r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(ln.waiting, r)
	if i < 0 {
		return false
	}
	ln.waiting = slices.Delete(ln.waiting, i, i+1)
	q.wake(ln)
	return true
}

// wake lets a lane's first request go on, if nothing stands before it. It is
// called with mu held.
func (q *lanes) wake(ln *lane) {
	switch {
	case ln.busy || ln.ready:
	case len(ln.waiting) == 0:
		delete(q.byRun, ln.run)
	case ln.waiting[0].alone:
		ln.busy = true
		r := ln.waiting[0]
		ln.waiting = ln.waiting[1:]
		close(r.done)
	default:
		ln.ready = true
		q.ready = append(q.ready, ln)
		if !q.flushing {
			q.flushing = true
			q.calls.Go(q.flush)
		}
	}
}

// batch is what one flush writes: requests, those of a run one after the other.
type batch struct {
	requests []*request
	lanes    []*lane // theirs
	entries  int
	bytes    int64
}

// fits tells whether the request may be added.
func (b *batch) fits(r *request) bool {
	return len(b.requests) == 0 || b.entries+len(r.kinds) <= flushEntries && b.bytes+r.size <= flushBytes
}

// take returns the next flush, whose runs are busy until release. Without
// requests: the flushing is over.
func (q *lanes) take() (b batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) > 0 {
		ln := q.ready[0]
		n := 0
		for n < len(ln.waiting) && !ln.waiting[n].alone && b.fits(ln.waiting[n]) {
			r := ln.waiting[n]
			b.requests, b.entries, b.bytes = append(b.requests, r), b.entries+len(r.kinds), b.bytes+r.size
			n++
		}
		full := n < len(ln.waiting) && !ln.waiting[n].alone
		if n == 0 && full {
			break // it begins the next flush
		}
		q.ready, ln.ready = q.ready[1:], false
		if n > 0 { // 0: they were withdrawn
			ln.waiting, ln.busy = ln.waiting[n:], true
			b.lanes = append(b.lanes, ln)
		}
		q.wake(ln)
		if full {
			break
		}
	}
	q.flushing = len(b.requests) > 0
	return b
}

// release gives runs that were busy to whoever is next.
func (q *lanes) release(busy ...*lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, ln := range busy {
		ln.busy = false
		q.wake(ln)
	}
}
