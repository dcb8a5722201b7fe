package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sayAgainAfter is how long a message is not repeated: while the database is away
// each look for jobs fails, 20 times a second.
const sayAgainAfter = 10 * time.Second

// warnings drops what is less than a warning, for River tells of its own comings
// and goings, and what was said a moment ago.
type warnings struct {
	slog.Handler
	said *said
}

func newWarnings(to slog.Handler, now func() time.Time) warnings {
	return warnings{to, &said{now: now, at: map[string]time.Time{}}}
}

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if w.said.lately(r.Message) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(a), w.said}
}

// WithGroup implements slog.Handler.
func (w warnings) WithGroup(name string) slog.Handler {
	return warnings{w.Handler.WithGroup(name), w.said}
}

// said is when messages were passed on. River has some dozens of them.
type said struct {
	now func() time.Time

	mu sync.Mutex // protects at
	at map[string]time.Time
}

// lately tells whether a message was passed on a moment ago; else it is now.
func (s *said) lately(message string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if before, ok := s.at[message]; ok && now.Sub(before) < sayAgainAfter {
		return true
	}
	s.at[message] = now
	return false
}
