package llm

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// Model streams replies; Endpoint, Fenced and Fallback do.
type Model interface {
	Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error)
}

// Fallback asks another model where the first is not available.
type Fallback struct {
	First      Model
	Second     Model
	SecondName string // as it is configured; a reply of its own says it in By
	Clock      clock.Clock
	Log        *slog.Logger

	mu    sync.Mutex
	until time.Time // the first is not asked before; guarded by mu
}

// restTime is how long a model that was not available is left alone. Finding out
// takes its retries, perhaps minutes, which each step of a run would wait for.
const restTime = time.Minute

// Stream asks the first model, and the second where the first is unreachable,
// answers with 5xx, stays silent or has too many requests, all past its retries,
// and has shown nothing. A bad request stays one: another model would only hide
// what is wrong. Where the second fails too its error is told, but not before the
// first was asked: one that rests may work again.
func (f *Fallback) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	var unseen dialogue.Usage
	rested := f.resting()
	if !rested {
		reply, err := f.First.Stream(ctx, req, emit)
		if err == nil || ctx.Err() != nil || !unavailable(err) {
			return reply, err
		}
		unseen = reply.Paid()
		f.rest()
		f.Log.WarnContext(ctx, "a model is not available, asking another", "instead", f.SecondName, "error", err)
	}
	reply, err := f.Second.Stream(ctx, req, emit)
	reply.Unseen = reply.Unseen.Add(unseen)
	if rested && ctx.Err() == nil && unavailable(err) {
		if late, failed := f.First.Stream(ctx, req, emit); failed == nil || !unavailable(failed) {
			f.wake()
			late.Unseen = late.Unseen.Add(reply.Paid())
			return late, failed
		}
	}
	if reply.By == "" {
		reply.By = f.SecondName
	}
	return reply, err
}

func (f *Fallback) resting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Clock.Now().Before(f.until)
}

func (f *Fallback) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = f.Clock.Now().Add(restTime)
}

// wake ends the rest of the first.
func (f *Fallback) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = time.Time{}
}

// unavailable tells a failure that another model may not have.
func unavailable(err error) bool {
	var e *dialogue.Error
	if !errors.As(err, &e) || e.Visible {
		return false
	}
	return e.Code == dialogue.CodeUnavailable || e.Code == dialogue.CodeRateLimited
}
