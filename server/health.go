package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/fault"
)

// health is whether the server can work: it asks Config.Ready again and again.
// When that has failed for a while the server's streams would only be silent, so
// they are ended: their clients connect again, through a balancer to a node that
// can work, and resume where they were. Requests are refused at once, until it
// works again.
type health struct {
	ready func(ctx context.Context) error
	every time.Duration // between two questions
	limit time.Duration // of one question
	after time.Duration // how long it may have failed

	asking chan struct{} // has room for one: what hangs must not keep us from noticing

	mu     sync.Mutex // protects what follows
	good   time.Time  // when it was known to work last; monotonic
	looked time.Time  // when fails was called last
	cut    chan struct{}
	down   bool
}

func newHealth(ready func(ctx context.Context) error, l Limits) *health {
	now := time.Now()
	return &health{
		ready: ready, every: l.HealthCheck, limit: l.ReadinessCheck, after: l.Unhealthy,
		asking: make(chan struct{}, 1), good: now, looked: now, cut: make(chan struct{}),
	}
}

// watch asks until ctx ends, and calls lost whenever it has failed for too long.
func (h *health) watch(ctx context.Context, lost func()) {
	ticker := time.NewTicker(h.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		select {
		case h.asking <- struct{}{}:
			go h.ask(ctx)
		default: // the last question is not answered yet
		}
		if h.fails(time.Now()) {
			lost()
		}
	}
}

func (h *health) ask(ctx context.Context) {
	defer func() { <-h.asking }()
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	asked := time.Now()
	// An answer that was long in coming says little of now: with it the server would be
	// up, and down again before the next had a chance.
	if h.ready(ctx) != nil || time.Since(asked) > h.after/2 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.good, h.down = asked, false
}

// fails tells whether it has just been found down. It is called every so often: where
// it was not, this process stood still, and asked nobody. That time does not count, or
// all would end before there was time for an answer.
func (h *health) fails(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since := now.Sub(h.looked); since > h.every+h.after/4 {
		if h.good = h.good.Add(since - h.every); h.good.After(now) {
			h.good = now
		}
	}
	h.looked = now
	if h.down || now.Sub(h.good) <= h.after {
		return false
	}
	h.down = true
	close(h.cut)
	h.cut = make(chan struct{})
	return true
}

func (h *health) isDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// lost is closed when streams that are open now are to end.
func (h *health) lost() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cut
}

// refuseWhileDown answers for next while nothing can work.
func (s *Server) refuseWhileDown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.health.isDown() {
			s.graphql.Refuse(w, r, http.StatusServiceUnavailable,
				fault.New(fault.Unavailable, "Mark cannot reach its database at the moment. Nothing that was stored is lost: try again soon."))
			return
		}
		next.ServeHTTP(w, r)
	})
}
