package agent

import (
	"context"
	"sync"
	"time"

	"github.com/mark-analyst/mark/eventlog"
)

const (
	// renewEvery is how often a node renews its leases, and sees what was stopped
	// through another node: within less than a second.
	renewEvery = 400 * time.Millisecond
	// togetherTime bounds the renewal of many leases with one statement: a row among
	// them that somebody keeps locked must not cost the others theirs.
	togetherTime = time.Second
)

// renewals prolong claims: all with one statement, and apart those that could not be
// prolonged so.
type renewals struct {
	// renew prolongs claims, and reports whether the database has done it.
	renew func(ctx context.Context, claims ...eventlog.Writer) bool
	start func(func()) // a goroutine that somebody waits for

	mu    sync.Mutex      // protects what follows
	asked map[string]bool // runs whose renewal has no answer yet
	apart map[string]bool // runs that could not be renewed when they were asked for last
}

// look asks for the renewal of what is not being renewed already: a database that
// hangs must not keep the caller from noticing.
func (r *renewals) look(ctx context.Context, claims []eventlog.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	apart := make(map[string]bool, len(r.apart)) // of what is held still
	var together []eventlog.Writer
	for _, w := range claims {
		apart[w.RunID] = r.apart[w.RunID]
		switch {
		case r.asked[w.RunID]:
		case apart[w.RunID]:
			r.alone(ctx, w)
		default:
			together = append(together, w)
			r.asked[w.RunID] = true
		}
	}
	r.apart = apart
	if len(together) == 0 {
		return
	}
	r.start(func() {
		bounded, cancel := context.WithTimeout(ctx, togetherTime)
		defer cancel()
		done := r.renew(bounded, together...)
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, w := range together {
			delete(r.asked, w.RunID)
			if !done {
				r.alone(ctx, w)
			}
		}
	})
}

// alone asks for the renewal of one claim. The caller holds mu.
func (r *renewals) alone(ctx context.Context, w eventlog.Writer) {
	r.asked[w.RunID] = true
	r.start(func() {
		done := r.renew(ctx, w)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.asked, w.RunID)
		r.apart[w.RunID] = !done
	})
}

// renewUntil keeps the leases of what this node works on until ctx ends.
func (a *Agent) renewUntil(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	r := &renewals{renew: a.renew, start: a.done.Go, asked: map[string]bool{}, apart: map[string]bool{}}
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		a.held.expire(time.Now())
		r.look(ctx, a.held.claims())
	}
}

func (a *Agent) renew(ctx context.Context, claims ...eventlog.Writer) bool {
	asked := time.Now()
	answer, err := a.Log.Renew(ctx, claims)
	if err != nil {
		if ctx.Err() == nil {
			a.Logger.WarnContext(ctx, "leases could not be renewed", "runs", len(claims), "error", err)
		}
		return false
	}
	a.held.renewed(claims, answer, asked)
	return true
}
