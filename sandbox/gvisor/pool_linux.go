//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bufio"
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

const (
	// poolOwner is whose the pool's own starts are: nobody's who waits.
	poolOwner = "\x00pool"

	// poolEvery is how often the age of sessions and the machine's memory are
	// looked at, and how long the pool waits after a start that failed.
	poolEvery = 5 * time.Second

	// refillPause is how long the pool waits before it starts a session for one
	// that was taken: a start keeps a processor busy for a quarter of a second,
	// and whoever has the one that was taken is about to use it.
	refillPause = 100 * time.Millisecond
)

// pool keeps sessions ready.
type pool struct {
	engine *engine
	config Pool
	free   func() (int64, error) // bytes of memory that the machine can give
	now    func() time.Time

	wake   chan struct{}
	cancel context.CancelFunc
	loops  sync.WaitGroup

	mu      sync.Mutex // protects the rest
	idle    []*ready   // oldest first
	each    int64      // bytes: the most that a session took so far
	closed  bool
	changed chan struct{} // closed when idle changes; for tests, which wait for it
}

// ready is a session that waits to be used.
type ready struct {
	*session
	since time.Time
	bytes int64
}

func newPool(e *engine) *pool {
	c := e.config.Pool
	fill(&c.MemoryBytes, DefaultPoolMemory)
	fill(&c.SpareBytes, DefaultPoolSpare)
	fill(&c.MaxAge, DefaultPoolAge)
	return &pool{
		engine: e, config: c, free: availableMemory, now: time.Now,
		wake: make(chan struct{}, 1), cancel: func() {}, changed: make(chan struct{}),
	}
}

// fill begins to keep sessions ready.
func (p *pool) fill() {
	if p.config.Size <= 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.loops.Go(func() {
		tick := time.NewTicker(poolEvery)
		defer tick.Stop()
		for p.refill(ctx) {
			select {
			case <-tick.C:
			case <-p.wake:
				select {
				case <-time.After(refillPause):
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// refill ends what is too old or too much, and starts what is missing, one after
// the other. It reports false once the pool is closed.
func (p *pool) refill(ctx context.Context) bool {
	for ctx.Err() == nil {
		surplus, missing := p.plan()
		for _, s := range surplus {
			s.end()
		}
		if !missing {
			return true
		}
		s, err := p.engine.startNew(ctx, execution.Spec{Owner: poolOwner})
		if err != nil {
			if ctx.Err() == nil {
				p.engine.config.Logger.Warn("a Python session could not be started ahead", "error", err)
			}
			return ctx.Err() == nil
		}
		bytes, known := s.usage()
		if !p.put(s, bytes, known) {
			s.end()
			return false
		}
	}
	return false
}

// plan takes out the sessions that have to end, and tells whether one is missing.
func (p *pool) plan() (surplus []*session, missing bool) {
	free, err := p.free()
	scarce := err == nil && free < p.config.SpareBytes
	p.mu.Lock()
	defer p.mu.Unlock()
	var bytes int64
	kept := p.idle[:0]
	for i, r := range p.idle {
		old := p.now().Sub(r.since) >= p.config.MaxAge
		// Under pressure one goes each time, so that the next look sees what
		// that gave.
		if old || scarce && i == 0 || bytes+r.bytes > p.config.MemoryBytes {
			surplus = append(surplus, r.session)
			continue
		}
		bytes += r.bytes
		kept = append(kept, r)
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	if len(surplus) > 0 {
		p.announce()
	}
	return surplus, !p.closed && !scarce && len(p.idle) < p.config.Size && bytes+p.each <= p.config.MemoryBytes
}

// put adds a session that takes so many bytes; false: the pool is closed. Where that
// is not known, one takes what others took: were it thought to take all that it
// may, no further one would ever be started.
func (p *pool) put(s *session, bytes int64, known bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if !known {
		bytes = p.each
	}
	p.each = max(p.each, bytes)
	select {
	case <-s.over: // died while it was measured
		return true
	default:
	}
	p.idle = append(p.idle, &ready{session: s, since: p.now(), bytes: bytes})
	p.announce()
	return true
}

// take returns a ready session with the files of spec, or nil where there is none
// that fits.
func (p *pool) take(ctx context.Context, spec execution.Spec) *session {
	if p.engine.limits(spec) != p.engine.config.Limits || !copyable(spec.Files) {
		return nil
	}
	for {
		p.mu.Lock()
		if len(p.idle) == 0 || ctx.Err() != nil {
			p.mu.Unlock()
			return nil
		}
		r := p.idle[0]
		p.idle = p.idle[1:]
		p.announce()
		p.mu.Unlock()
		p.wakeUp()
		if len(spec.Files) == 0 {
			select {
			case <-r.over: // died just now
				continue
			default:
				return r.session // it was started without files
			}
		}
		switch fits, err := r.Enter(ctx, spec.Files); {
		case err == nil && fits:
			return r.session
		case err != nil && !errors.Is(err, context.Canceled):
			p.engine.config.Logger.Info("a Python session that was ready could not be used", "error", err)
		}
		r.end()
	}
}

// copyable reports whether files are small enough to give them to a session that
// runs already.
func copyable(files []execution.File) bool {
	var bytes int64
	for _, f := range files {
		in, _, err := inspect(f)
		if bytes += in.size; err != nil || bytes > mostCopied {
			return false
		}
	}
	return true
}

// lost forgets a session that has ended by itself.
func (p *pool) lost(s *session) {
	p.mu.Lock()
	before := len(p.idle)
	p.idle = slices.DeleteFunc(p.idle, func(r *ready) bool { return r.session == s })
	gone := len(p.idle) < before
	if gone {
		p.announce()
	}
	p.mu.Unlock()
	if gone {
		p.wakeUp()
	}
}

func (p *pool) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// announce needs the lock.
func (p *pool) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// awaitPool waits until the pool is full.
func (e *engine) awaitPool(ctx context.Context) error {
	return e.pool.await(ctx, max(e.pool.config.Size, 0))
}

// await waits until n sessions are ready.
func (p *pool) await(ctx context.Context, n int) error {
	for {
		p.mu.Lock()
		idle, changed := len(p.idle), p.changed
		p.mu.Unlock()
		if idle == n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close ends the sessions that nobody has taken.
func (p *pool) close() {
	p.cancel()
	p.loops.Wait()
	p.mu.Lock()
	left := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, r := range left {
		r.end()
	}
}

// availableMemory is what the kernel estimates that programs can still take
// without swapping (MemAvailable of /proc/meminfo), in bytes.
func availableMemory() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo does not tell the available memory")
}
