//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// AwaitIdle waits until the pool holds n sessions.
func (p *Provider) AwaitIdle(ctx context.Context, n int) error { return p.engine.pool.await(ctx, n) }

// AwaitRestored waits until n sessions have been started.
func (p *Provider) AwaitRestored(ctx context.Context, n int) error {
	pool := p.engine.pool
	for {
		pool.mu.Lock()
		changed := pool.changed
		pool.mu.Unlock()
		if p.Restored() >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// SetPool makes the pool believe in another time and another amount of free
// memory, and look at them.
func (p *Provider) SetPool(now time.Time, free int64) {
	pool := p.engine.pool
	pool.mu.Lock()
	pool.now = func() time.Time { return now }
	pool.free = func() (int64, error) { return free, nil }
	pool.mu.Unlock()
	pool.wakeUp()
}

// KillIdle kills the process of a session that waits to be used, and returns
// what tells that nothing is left of it.
func (p *Provider) KillIdle() <-chan struct{} {
	pool := p.engine.pool
	pool.mu.Lock()
	s := pool.idle[0].session
	pool.mu.Unlock()
	_ = s.proc.cmd.Process.Kill()
	return s.over
}

// Grouped reports whether Linux shares the processors among sessions by itself.
func Grouped() bool { return grouped() }

// Restored is how many sessions were started so far.
func (p *Provider) Restored() int {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	return p.engine.next
}

// LateAnswer reports whether a pool goes on that did not learn in time what a session
// takes.
func LateAnswer() bool {
	e := &engine{config: Config{Pool: Pool{Size: 2}}}
	p := newPool(e)
	p.free = func() (int64, error) { return 8 << 30, nil }
	s := &session{engine: e, over: make(chan struct{}), limits: DefaultLimits()}
	p.put(s, s.limits.MemoryBytes, false)
	surplus, missing := p.plan()
	return len(surplus) == 0 && missing
}

// CopyFor copies an input for a session.
func CopyFor(from, to string) error { return copyFor(0, from, to) }

// SumContent sums up a runtime tree.
func SumContent(root string) (string, error) {
	h := sha256.New()
	err := sumContent(root, h)
	return hex.EncodeToString(h.Sum(nil)), err
}
