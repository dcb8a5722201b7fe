package daytona

import (
	"context"
	"errors"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// retryPool is how long the pool rests after a sandbox could not be made.
const retryPool = 30 * time.Second

// fromPool takes a sandbox that is ready, or nil. Each is good for one session.
func (p *Provider) fromPool() *box {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pool) == 0 {
		return nil
	}
	b := p.pool[0]
	p.pool = p.pool[1:]
	select {
	case p.refill <- struct{}{}:
	default:
	}
	return b
}

// fillPool keeps the pool full, and awake, until the provider is closed.
func (p *Provider) fillPool() {
	awake := time.NewTicker(p.config.AutoStop / 3)
	defer awake.Stop()
	for p.ctx.Err() == nil {
		wait := time.Duration(-1)
		if !p.poolIsFull() {
			if err := p.addToPool(); err != nil {
				p.config.Logger.WarnContext(p.ctx, "no sandbox could be made for the pool", "error", err)
				wait = retryPool
			} else {
				continue
			}
		}
		var later <-chan time.Time
		if wait >= 0 {
			later = time.After(wait)
		}
		select {
		case <-p.ctx.Done():
		case <-p.refill:
		case <-later:
		case <-awake.C:
			p.touchPool()
		}
	}
}

func (p *Provider) poolIsFull() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions == nil || len(p.pool) >= p.config.Pool
}

func (p *Provider) addToPool() error {
	ctx, cancel := context.WithTimeout(p.ctx, p.config.OpenTime)
	defer cancel()
	b, err := p.newBox(ctx, true)
	if err != nil {
		if failure := p.control.words.failure("make a sandbox for the pool", err); failure.Code != execution.CodeCancelled {
			p.note(failure)
		}
		return err
	}
	p.mu.Lock()
	closed := p.sessions == nil
	if !closed {
		p.pool = append(p.pool, b)
		p.trouble = nil
	}
	p.mu.Unlock()
	if closed {
		b.end(p.ctx)
		return errors.New("the provider was closed")
	}
	return nil
}

// touchPool keeps the pool's sandboxes from being stopped; those that were, go.
func (p *Provider) touchPool() {
	p.mu.Lock()
	pool := append([]*box(nil), p.pool...)
	p.mu.Unlock()
	for _, b := range pool {
		if err := b.touch(p.ctx); err == nil || p.ctx.Err() != nil {
			continue
		}
		if p.takeOut(b) {
			b.end(p.ctx)
		}
	}
}

// takeOut takes a sandbox out of the pool, unless somebody else did.
func (p *Provider) takeOut(b *box) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.pool {
		if other == b {
			p.pool = append(p.pool[:i:i], p.pool[i+1:]...)
			return true
		}
	}
	return false
}
