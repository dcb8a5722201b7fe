// Package fair shares a number of places among owners: who holds the fewest is
// served first, and among equals who waits longest. One owner that asks for
// hundreds so delays another by one turn, not by hundreds.
package fair

import (
	"context"
	"sync"
)

// Queue hands out places. It is safe for concurrent use.
type Queue struct {
	mu      sync.Mutex // protects the rest
	free    int
	held    map[string]int
	waiting []*waiter // in the order of their coming
}

type waiter struct {
	owner string
	ready chan struct{} // closed when it has its place
}

// New returns a Queue of so many places.
func New(places int) *Queue { return &Queue{free: places, held: map[string]int{}} }

// Acquire waits for a place. The caller calls release once it does not need the
// place any more; calling it again is harmless. The error is ctx's.
func (q *Queue) Acquire(ctx context.Context, owner string) (release func(), err error) {
	q.mu.Lock()
	if ctx.Err() == nil && q.free > 0 { // then nobody waits
		q.give(owner)
		q.mu.Unlock()
		return q.releaser(owner), nil
	}
	w := &waiter{owner: owner, ready: make(chan struct{})}
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()
	select {
	case <-w.ready:
		return q.releaser(owner), nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting {
		if other == w {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return nil, ctx.Err()
		}
	}
	q.takeBack(owner) // its place came just now
	return nil, ctx.Err()
}

// Waiting is how many wait for a place.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *Queue) releaser(owner string) func() {
	var once sync.Once
	return func() {
		once.Do(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.takeBack(owner)
		})
	}
}

// give and takeBack need the lock.
func (q *Queue) give(owner string) {
	q.free--
	q.held[owner]++
}

func (q *Queue) takeBack(owner string) {
	q.free++
	if q.held[owner]--; q.held[owner] == 0 {
		delete(q.held, owner)
	}
	next := -1
	for i, w := range q.waiting {
		if next < 0 || q.held[w.owner] < q.held[q.waiting[next].owner] {
			next = i
		}
	}
	if next < 0 {
		return
	}
	w := q.waiting[next]
	q.waiting = append(q.waiting[:next], q.waiting[next+1:]...)
	q.give(w.owner)
	close(w.ready)
}
