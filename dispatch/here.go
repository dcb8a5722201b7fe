package dispatch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/semaphore"
)

// A job that a person waits for costs two milliseconds of the queue: it is
// written, told of, looked for and taken. Where its node has a place anyway it
// begins there at once, and the queue never hears of it.

// here is what begins on this node without the queue.
type here struct {
	ctx context.Context //nolint:containedctx // of the jobs, until Close
	end context.CancelFunc

	draining context.Context //nolint:containedctx // ends when no more jobs are to begin
	drain    context.CancelFunc

	mu   sync.Mutex // so that nothing is added to going once draining has ended
	jobs sync.WaitGroup
}

func newHere() *here {
	h := &here{}
	h.ctx, h.end = context.WithCancel(context.Background())
	h.draining, h.drain = context.WithCancel(h.ctx)
	return h
}

// begin does a job in a goroutine of its own, unless no more are to begin.
func (h *here) begin(do func(context.Context)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining.Err() != nil {
		return false
	}
	h.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(h.ctx, jobTime)
		defer cancel()
		do(ctx)
	})
	return true
}

// wait lets no more jobs begin and waits for the others until ctx ends.
func (h *here) wait(ctx context.Context) error {
	h.mu.Lock()
	h.drain()
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.jobs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// duty is what this node knows of the jobs of one kind.
type duty struct {
	work   any                 // a func(context.Context, J) error
	places *semaphore.Weighted // nil: the queue alone counts
}

// Hold keeps a place on this node free for a job that is about to come: where the
// queue's jobs begin Here, it runs, and there is a place that nobody waits for.
// Begin begins the job; false: no more are to begin, and the place is given back.
// Release gives back a place in which nothing was begun. One of the two must be
// called, once.
func (q *Queue[J]) Hold() (begin func(J) bool, release func(), ok bool) {
	var j J
	d := q.dispatcher
	s := d.duties[j.Kind()]
	work, ok := s.work.(func(context.Context, J) error)
	if !ok || s.places == nil || d.running() == nil || !s.places.TryAcquire(1) {
		return nil, nil, false
	}
	release = func() { s.places.Release(1) }
	begin = func(j J) bool {
		begun := d.here.begin(func(ctx context.Context) {
			defer release()
			defer func() {
				if p := recover(); p != nil {
					d.config.Logger.ErrorContext(ctx, "a job panicked", "kind", j.Kind(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				}
			}()
			if err := work(ctx, j); err != nil && ctx.Err() == nil {
				d.config.Logger.WarnContext(ctx, "a job failed; it will be found again", "kind", j.Kind(), "error", err)
			}
		})
		if !begun {
			release()
		}
		return begun
	}
	return begin, release, true
}

// begin begins a job here, where there is a place.
func (q *Queue[J]) begin(j J) bool {
	begin, _, ok := q.Hold()
	return ok && begin(j)
}

// await waits for a place of a job that came from the queue, which does not count
// those that began without it. False: none begins any more.
func (d *Dispatcher) await(ctx context.Context, places *semaphore.Weighted) (ok bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.here.draining, cancel)()
	err = places.Acquire(ctx, 1)
	if d.here.draining.Err() != nil {
		if err == nil {
			places.Release(1)
		}
		return false, nil
	}
	return err == nil, err
}
