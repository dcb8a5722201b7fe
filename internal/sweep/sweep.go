// Package sweep finds, again and again, what waits for a node and has no job: a
// queue may lose jobs, with the node that took them or before anybody did.
package sweep

import (
	"context"
	"log/slog"
	"time"
)

// Loop says what to look for, and when.
type Loop struct {
	// Look looks once.
	Look func(ctx context.Context) error
	// Every is the time between two looks.
	Every time.Duration
	// Now has the loop look at once; nil: nobody asks for that.
	Now <-chan struct{}
	// What is being done, for the log: "looking for …".
	What   string
	Logger *slog.Logger
}

// Run looks at once, and from now on, until ctx ends.
func (l Loop) Run(ctx context.Context) {
	ticker := time.NewTicker(l.Every)
	defer ticker.Stop()
	for failed := false; ; {
		err := l.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failed: // once, not every second of an outage
			l.Logger.WarnContext(ctx, l.What+" failed", "error", err)
		case err == nil && failed:
			l.Logger.InfoContext(ctx, l.What+" works again")
		}
		failed = err != nil
		select {
		case <-ticker.C:
		case <-l.Now:
		case <-ctx.Done():
			return
		}
	}
}

// Lost tells of what waits how often its job is lost: a job that nobody takes for
// LostAfter, while there is room for it, was taken by a node that is no more. To
// the queue it still goes on there, and the same job is not taken again. The zero
// value is ready; it is not safe for concurrent use.
type Lost[K comparable] struct {
	since map[K]time.Time // when it was first found waiting
}

// LostAfter is how long something waits, while this node has room for it, until
// its job is taken for lost.
const LostAfter = 3 * time.Second

// Look takes all that waits, in the order in which it is to be done, and for how
// much of it this node has room. It returns for each how many jobs before this
// one are lost.
func (l *Lost[K]) Look(now time.Time, waiting []K, room int) []int {
	since, again := make(map[K]time.Time, len(waiting)), make([]int, len(waiting))
	for i, k := range waiting {
		first, known := l.since[k]
		if !known {
			first = now
		}
		since[k] = first
		if room > 0 {
			if again[i] = int(now.Sub(first) / LostAfter); again[i] > 0 {
				room--
			}
		}
	}
	l.since = since
	return again
}
