package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mark-analyst/mark/eventlog"
)

// The causes for which a run's context ends early.
var (
	errStopped  = errors.New("the person stopped the run")
	errHandover = errors.New("the node is shutting down")
	errLost     = errors.New("the node cannot reach the database, and may have lost the run")
)

// leaseMargin is how long before the end of a lease that could not be renewed the
// work stops: clocks run differently, and stopping takes a moment.
const leaseMargin = time.Second

// held are the runs that this node works on.
type held struct {
	mu     sync.Mutex // protects what follows
	runs   map[string]*holding
	closed bool           // everything was handed over, and is from here on
	wg     sync.WaitGroup // one for each run
}

// holding is one of them.
type holding struct {
	writer  eventlog.Writer
	cancel  context.CancelCauseFunc
	renewed time.Time     // when the lease was known to be renewed; monotonic
	lost    chan struct{} // closed when the run may be another's, or is to be
	gone    sync.Once
	given   bool // it is lost because it is given up here, and held until that is stored; guarded by held.mu
}

// lose ends the work on a run that is not this node's any more. The caller holds
// held.mu.
func (own *holding) lose(cause error) {
	own.cancel(cause)
	own.gone.Do(func() {
		own.given = errors.Is(cause, errHandover)
		close(own.lost)
	})
}

// insist repeats what the database could not do at the moment, as long as the run
// is this node's: a database that restarts costs the run nothing.
func (own *holding) insist(do func() error) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := do()
		if err == nil || !eventlog.Transient(err) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-own.lost:
			timer.Stop()
			return fmt.Errorf("%w: %w", errLost, err)
		}
	}
}

// The pauses between attempts, growing from the first to the second.
const (
	minPause = 20 * time.Millisecond
	maxPause = 500 * time.Millisecond
)

// add notes a run whose claim was asked for at a moment. The context ends when it
// is stopped or lost; leave must be called when the work has ended.
func (h *held) add(ctx context.Context, w eventlog.Writer, asked time.Time) (_ context.Context, own *holding, leave func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	own = &holding{writer: w, cancel: cancel, renewed: asked, lost: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.runs == nil {
		h.runs = map[string]*holding{}
	}
	if old := h.runs[w.RunID]; old != nil {
		old.lose(eventlog.ErrFenced) // this node lost it and has it again
	}
	h.runs[w.RunID] = own
	h.wg.Add(1)
	if h.closed {
		own.lose(errHandover)
	}
	return ctx, own, func() {
		cancel(nil)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.runs[w.RunID] == own {
			delete(h.runs, w.RunID)
		}
		h.wg.Done()
	}
}

// has tells whether this node works on a run, and has not lost it.
func (h *held) has(runID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := h.runs[runID]
	if own == nil {
		return false
	}
	select {
	case <-own.lost:
		return false
	default:
		return true
	}
}

func (h *held) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.runs)
}

// stop ends the work on a run at its owner's wish. It tells whether it goes on
// here.
func (h *held) stop(runID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := h.runs[runID]
	if own != nil {
		own.cancel(errStopped)
	}
	return own != nil
}

func (h *held) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// handOver ends the work on all runs where it is.
func (h *held) handOver() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, own := range h.runs {
		own.lose(errHandover)
	}
}

// claims are the claims whose leases are to be kept. That of a run that is lost is
// not: whoever takes the run up would wait for its end.
func (h *held) claims() []eventlog.Writer {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]eventlog.Writer, 0, len(h.runs))
	for _, own := range h.runs {
		select {
		case <-own.lost:
			if !own.given {
				continue
			}
		default:
		}
		out = append(out, own.writer)
	}
	return out
}

// renewed takes the answer to a renewal that was asked for at a moment.
func (h *held) renewed(asked []eventlog.Writer, answer map[eventlog.Writer]eventlog.Renewed, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range asked {
		own := h.runs[w.RunID]
		if own == nil || own.writer != w {
			continue
		}
		r, ok := answer[w]
		switch {
		case !ok:
			own.lose(eventlog.ErrFenced)
		case r.Stopped:
			own.cancel(errStopped)
			own.renewed = at
		default:
			own.renewed = at
		}
	}
}

// expire ends the work on what may belong to another node by now.
func (h *held) expire(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, own := range h.runs {
		if now.Sub(own.renewed) > eventlog.LeaseTime-leaseMargin {
			own.lose(errLost)
		}
	}
}
