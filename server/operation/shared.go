package operation

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/deep"
	"github.com/mark-analyst/mark/internal/logstream"
)

const (
	// A group keeps at most this much of its newest responses, and all groups
	// together at most sharedBytes. Who needs another has it made.
	groupResponses = 1024
	groupBytes     = 1 << 20
	sharedBytes    = 64 << 20
	// responseBytes is about what a response takes beside its text.
	responseBytes = 300
	// sharedFor is how long a response is good for whoever comes later. Some of
	// what is in it ages: links to files are signed for minutes.
	sharedFor = time.Minute
)

// groups are the logs that somebody follows, by what is selected of them.
type groups struct {
	clock clock.Clock
	bytes atomic.Int64 // of the responses that are kept

	mu    sync.Mutex // protects byKey and every group's members
	byKey map[groupKey]*group
}

func newGroups(c clock.Clock) *groups {
	return &groups{clock: c, byKey: map[groupKey]*group{}}
}

// join returns the key's group, counting the caller as a member until it calls
// leave.
func (gs *groups) join(key groupKey) (g *group, leave func()) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g, ok := gs.byKey[key]
	if !ok {
		g = &group{all: gs, turn: make(chan struct{}, 1), attempts: map[logstream.Key]*attempt{}}
		gs.byKey[key] = g
	}
	g.members.Add(1)
	return g, func() {
		gs.mu.Lock()
		defer gs.mu.Unlock()
		if g.members.Add(-1) == 0 {
			delete(gs.byKey, key)
			g.forget(groupResponses)
		}
	}
}

// group is what the subscribers of one log with one selection and viewer share.
type group struct {
	all     *groups
	members atomic.Int32

	turn      chan struct{} // held by the member that executes; protects execution
	execution *execution

	mu      sync.Mutex // protects what follows
	byEntry map[logstream.Key]*Result
	// attempts are the entries that a member resolves at the moment. The others
	// wait for that one attempt and not for their turn: they would still stand in
	// line, each for what it has long got, when the first comes with its next.
	attempts map[logstream.Key]*attempt
	order    []response // what is kept, the oldest first
	bytes    int
}

type attempt struct {
	done chan struct{}
	res  *Result // to be shared; set before done is closed, or nil
}

type response struct {
	entry logstream.Key
	bytes int
	at    time.Time
}

// get returns the response to an entry, if it is kept. Otherwise it returns the
// attempt to make it, which is the caller's own where mine is true.
func (g *group) get(entry logstream.Key) (res *Result, a *attempt, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if res := g.byEntry[entry]; res != nil {
		return res, nil, false
	}
	a, waits := g.attempts[entry]
	if !waits {
		a = &attempt{done: make(chan struct{})}
		g.attempts[entry] = a
	}
	return nil, a, !waits
}

// end ends the caller's attempt. A response that is to be shared is kept for the
// others, of which a single member has none.
func (g *group) end(entry logstream.Key, a *attempt, shared *Result) {
	a.res = shared
	now := g.all.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	// Under the lock: who waits for an attempt that failed would else find the same
	// again, and again, until it is deleted.
	defer close(a.done)
	delete(g.attempts, entry)
	g.expire(now)
	if shared != nil && g.members.Load() > 1 {
		g.keep(entry, shared, now)
	}
}

// keep is called with mu held.
func (g *group) keep(entry logstream.Key, res *Result, now time.Time) {
	if g.byEntry == nil {
		g.byEntry = map[logstream.Key]*Result{}
	}
	n := len(res.written) + responseBytes
	g.byEntry[entry] = res
	g.order = append(g.order, response{entry, n, now})
	g.bytes += n
	all := g.all.bytes.Add(int64(n))
	for len(g.order) > groupResponses || g.bytes > groupBytes || all > sharedBytes && len(g.order) > 0 {
		all = g.drop()
	}
}

// expire forgets what is too old to be given to whoever comes now. The caller
// holds mu.
func (g *group) expire(now time.Time) {
	for len(g.order) > 0 && now.Sub(g.order[0].at) > sharedFor {
		g.drop()
	}
}

// forget drops the n oldest responses.
func (g *group) forget(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for ; n > 0 && len(g.order) > 0; n-- {
		g.drop()
	}
}

// drop forgets the oldest response and returns how much is kept by all groups.
// The caller holds mu.
func (g *group) drop() int64 {
	oldest := g.order[0]
	g.order = g.order[1:]
	delete(g.byEntry, oldest.entry)
	g.bytes -= oldest.bytes
	return g.all.bytes.Add(-int64(oldest.bytes))
}

// execution is a subscription in gqlgen that follows nothing: it is given the
// values that it resolves.
type execution struct {
	ctx    context.Context //nolint:containedctx // of the operation
	next   graphql.ResponseHandler
	source logstream.Source
}

// Take implements logstream.Host.
func (e *execution) Take(s logstream.Source) { e.source = s }

// subscriber is a subscription that shares.
type subscriber struct {
	op     *Operation
	ctx    context.Context //nolint:containedctx // of the operation, before it was dispatched
	source logstream.Source
	key    groupKey
	group  *group
	begun  *execution // the subscriber's own, where it may outlive them; nil once they have joined
}

// Take implements logstream.Host.
func (s *subscriber) Take(source logstream.Source) { s.source = source }

// follow yields the responses to the log's entries.
func (s *subscriber) follow(yield func(*Result) bool) {
	defer s.join()()
	s.source.Each(s.ctx, func(entry logstream.Key) bool {
		res := s.response(entry)
		if res == nil {
			return false
		}
		s.op.sent++
		s.op.note(res)
		return yield(res) && !s.op.done
	})
}

// join enters the subscriber's group and returns how to leave it. A group that has
// no execution yet goes on with the subscriber's.
func (s *subscriber) join() (leave func()) {
	s.group, leave = s.op.runner.groups.join(s.key)
	select {
	case s.group.turn <- struct{}{}:
		if s.group.execution == nil {
			s.group.execution = s.begun
		}
		<-s.group.turn
	default: // somebody has one, or is about to
	}
	s.begun = nil
	s.group.mu.Lock()
	defer s.group.mu.Unlock()
	s.group.expire(s.group.all.clock.Now())
	return leave
}

// response is that to the entry which the source is at. nil: the stream ends.
func (s *subscriber) response(entry logstream.Key) *Result {
	for {
		res, a, mine := s.group.get(entry)
		switch {
		case res != nil:
			return res
		case mine:
			return s.execute(entry, a)
		}
		select {
		case <-a.done:
			if a.res != nil {
				return a.res
			}
			// It failed, which is no reason to fail here.
		case <-s.ctx.Done():
			return nil
		}
	}
}

// execute makes the subscriber's attempt to resolve the entry.
func (s *subscriber) execute(entry logstream.Key, a *attempt) (res *Result) {
	g := s.group
	var shared *Result
	defer func() { g.end(entry, a, shared) }()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-s.ctx.Done():
		return nil
	}
	var sound bool
	deep.Call(func() { res, sound = s.resolve() })
	if !sound {
		g.execution = nil // and whoever comes next begins a new one
	}
	if res == nil || !sound {
		return res
	}
	res = res.kept()
	if len(res.Errors) == 0 { // another may have better luck
		shared = res
	}
	return res
}

// resolve has gqlgen resolve the entry. Its execution is sound when it can go on
// with another entry.
func (s *subscriber) resolve() (res *Result, sound bool) {
	defer func() {
		if s.op.done {
			sound = false
		}
	}()
	defer s.op.contain(&res)
	g := s.group
	if g.execution == nil {
		e, refusal := s.begin()
		if e == nil {
			s.op.done = true
			return refusal, false
		}
		g.execution = e
	}
	// It is this subscriber who waits: its end is the end of the attempt.
	ctx, cancel := context.WithCancel(g.execution.ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if s.source.Resolve(ctx, g.execution.source) != nil {
		return nil, true // told already; nothing was handed over
	}
	response := g.execution.next(ctx)
	if response == nil || ctx.Err() != nil {
		return nil, false
	}
	res, more := s.op.runner.result(ctx, response)
	if !more {
		s.op.done = true
	}
	return res, more
}

// begin dispatches the group's own operation, which outlives the subscriber's.
// Where there is none, the response says why.
func (s *subscriber) begin() (e *execution, refusal *Result) {
	r := s.op.runner
	base := context.WithoutCancel(s.ctx)
	params := *s.op.params
	op, errs := r.exec.CreateOperationContext(base, &params)
	if len(errs) > 0 {
		return nil, r.Refuse(s.ctx, errs)
	}
	op.DisableIntrospection = !r.Document.Introspection
	e = &execution{}
	e.next, e.ctx = r.exec.DispatchOperation(logstream.WithHost(base, e), op)
	if e.source == nil { // the resolver has refused
		if response := e.next(e.ctx); response != nil {
			refusal, _ = r.result(e.ctx, response)
		}
		return nil, refusal
	}
	return e, nil
}
