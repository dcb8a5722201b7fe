package datasets

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// The causes for which profiling ends early.
var (
	errHandover = errors.New("the node is shutting down")
	errTaken    = errors.New("the dataset was deleted, or is another node's")
	errLost     = errors.New("the node cannot reach the database, and may have lost the dataset")
)

// held are the datasets that this node profiles.
type held struct {
	wg sync.WaitGroup // one for each job

	mu      sync.Mutex // protects what follows
	all     map[string]*holding
	closed  bool          // everything was handed over, and is from here on
	changed chan struct{} // closed and replaced when one has ended
}

// holding is one of them.
type holding struct{ lose context.CancelCauseFunc }

// enter begins a job; wg.Done ends it. False: this node takes none any more.
func (h *held) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.wg.Add(1)
	}
	return !h.closed
}

// add notes a dataset that was claimed. The context ends when it is lost, with the
// cause; leave must be called when the work has ended.
func (h *held) add(ctx context.Context, id string) (_ context.Context, lose func(error), leave func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	own := &holding{cancel}
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.all[id]; old != nil {
		old.lose(errTaken) // this node lost it and has it again
	}
	h.all[id] = own
	if h.closed {
		cancel(errHandover)
	}
	return ctx, cancel, func() {
		cancel(nil)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.all[id] == own {
			delete(h.all, id)
		}
		close(h.changed)
		h.changed = make(chan struct{})
	}
}

// nextChange is closed when a dataset is profiled, or is not any more.
func (h *held) nextChange() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

func (h *held) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

func (h *held) ids() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.all))
}

// end ends the work on a dataset that is no more.
func (h *held) end(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if own := h.all[id]; own != nil {
		own.lose(errTaken)
	}
}

// handOver ends all work where it is.
func (h *held) handOver() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, own := range h.all {
		own.lose(errHandover)
	}
}
