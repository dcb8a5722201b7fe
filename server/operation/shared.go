package operation

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/clock"
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
		g = &group{all: gs, turn: make(chan struct{}, 1)}
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

	mu    sync.Mutex // protects what follows
	byNum map[int]*Result
	order []response // what is kept, the oldest first
	bytes int
}

type response struct {
	number, bytes int
	at            time.Time
}

// get returns the response to an entry, if it is kept.
func (g *group) get(number int) *Result {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byNum[number]
}

// put keeps a response for the others. A single member has no others.
func (g *group) put(number int, res *Result) {
	now := g.all.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire(now)
	if g.members.Load() < 2 {
		return
	}
	if g.byNum == nil {
		g.byNum = map[int]*Result{}
	}
	n := len(res.written) + responseBytes
	g.byNum[number] = res
	g.order = append(g.order, response{number, n, now})
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
	delete(g.byNum, oldest.number)
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
}

// Take implements logstream.Host.
func (s *subscriber) Take(source logstream.Source) { s.source = source }

// follow yields the responses to the log's entries.
func (s *subscriber) follow(yield func(*Result) bool) {
	g, leave := s.op.runner.groups.join(s.key)
	defer leave()
	s.group = g
	g.mu.Lock()
	g.expire(g.all.clock.Now())
	g.mu.Unlock()
	s.source.Each(s.ctx, func(number int) bool {
		res := g.get(number)
		if res == nil {
			res = s.execute(number)
		}
		if res == nil {
			return false
		}
		s.op.sent++
		s.op.note(res)
		return yield(res) && !s.op.done
	})
}

// execute resolves the entry that the source is at, unless another member has
// done so meanwhile. nil: the stream ends.
func (s *subscriber) execute(number int) *Result {
	g := s.group
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-s.ctx.Done():
		return nil
	}
	if res := g.get(number); res != nil {
		return res
	}
	res, sound := s.resolve()
	if !sound {
		g.execution = nil // and whoever comes next begins a new one
	}
	if res == nil || !sound {
		return res
	}
	res = res.kept()
	if len(res.Errors) == 0 { // another may have better luck
		g.put(number, res)
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
