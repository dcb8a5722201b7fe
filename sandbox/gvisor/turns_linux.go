//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"sync"
)

// turns keeps a session's steps and what is done between steps apart: either
// steps go on (the kernel's connection refuses a second one), or one of the rest.
type turns struct {
	mu      sync.Mutex    // protects the rest
	steps   int           // that go on
	between bool          // something between steps goes on
	changed chan struct{} // closed at the next change; nil: nobody waits
}

// step begins a step, once nothing between steps goes on.
func (t *turns) step(ctx context.Context) error {
	return t.begin(ctx, func() bool {
		if t.between {
			return false
		}
		t.steps++
		return true
	})
}

// pause begins something between steps, once no step goes on.
func (t *turns) pause(ctx context.Context) error {
	return t.begin(ctx, func() bool {
		if t.between || t.steps > 0 {
			return false
		}
		t.between = true
		return true
	})
}

func (t *turns) begin(ctx context.Context, may func() bool) error {
	for {
		t.mu.Lock()
		if may() {
			t.mu.Unlock()
			return nil
		}
		if t.changed == nil {
			t.changed = make(chan struct{})
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *turns) stepped() { t.end(func() { t.steps-- }) }

func (t *turns) paused() { t.end(func() { t.between = false }) }

func (t *turns) end(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}
