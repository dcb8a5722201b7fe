package operation

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mark-analyst/mark/internal/deep"
	"github.com/mark-analyst/mark/internal/logstream"
	"github.com/mark-analyst/mark/server/caller"
)

// Operation is one operation, ready to run or running.
type Operation struct {
	Kind ast.Operation
	Name string // as the client calls it, or ""

	runner  *Runner
	ctx     context.Context //nolint:containedctx // of this operation
	cancel  context.CancelFunc
	params  *graphql.RawParams
	op      *graphql.OperationContext
	next    graphql.ResponseHandler
	leave   func()
	began   time.Time
	sent    int
	codes   []string
	refusal *Result // why it could not begin
	done    bool
	refused bool
}

// StreamWatch is an Extension that is asked before each response of a
// subscription whether its stream may go on. An interceptor of responses will
// not do for that: it sees a response once, however many get it.
type StreamWatch interface {
	graphql.HandlerExtension
	// WatchStream returns what is asked. The error, shown as any other, is the
	// stream's last response.
	WatchStream(ctx context.Context) func() error
}

// Next begins or continues the operation and returns its next response, or nil
// after the last one and once the context of Prepare is done.
func (o *Operation) Next() (res *Result) {
	if o.done {
		return nil
	}
	defer func() {
		o.done = o.done || res == nil || o.Kind != ast.Subscription
		if res != nil {
			o.sent++
			o.note(res)
		}
	}()
	if o.next == nil && o.refusal == nil {
		o.refusal = o.begin(nil)
	}
	if o.refusal != nil {
		o.done = true
		return o.refusal
	}
	return o.proceed()
}

// Responses yields what Next returns, until yield returns false. Where a
// subscription follows a log (see package logstream) its responses are shared
// with other subscribers of the same viewer who select the same.
func (o *Operation) Responses(yield func(*Result) bool) {
	if o.Kind == ast.Subscription {
		yield = o.watched(yield)
		var s *subscriber
		deep.Call(func() { s = o.subscribe() })
		if s != nil {
			s.follow(yield)
			return
		}
	}
	for res := o.Next(); res != nil && yield(res); res = o.Next() {
	}
}

// subscribe begins a subscription. Where that can be shared, the subscriber goes
// on with it.
func (o *Operation) subscribe() *subscriber {
	s := &subscriber{op: o, ctx: o.ctx}
	// A group may go on with what is begun here, when this subscriber has left.
	base, end := context.WithCancelCause(context.WithoutCancel(s.ctx))
	unbind := context.AfterFunc(s.ctx, func() { end(context.Cause(s.ctx)) })
	o.ctx, o.cancel = base, func() { end(nil) }
	if o.refusal = o.begin(s); o.refusal != nil || s.source == nil {
		return nil
	}
	s.key = o.key(s.source)
	if unbind() { // else it ends with the subscriber, who has left
		s.begun = &execution{ctx: o.ctx, next: o.next, source: s.source}
	}
	o.ctx, o.cancel, o.next, o.op = s.ctx, func() {}, nil, nil
	return s
}

// watched is yield for responses that all who watch let pass.
func (o *Operation) watched(yield func(*Result) bool) func(*Result) bool {
	var watches []func() error
	for _, w := range o.runner.watches {
		watches = append(watches, w.WatchStream(o.ctx))
	}
	if len(watches) == 0 {
		return yield
	}
	return func(res *Result) bool {
		for _, watch := range watches {
			if err := watch(); err != nil {
				o.done = true
				res = o.runner.Refuse(o.ctx, err)
				o.note(res)
				yield(res)
				return false
			}
		}
		return yield(res)
	}
}

// begin dispatches the operation. The response says why it could not.
func (o *Operation) begin(host logstream.Host) (refusal *Result) {
	defer o.contain(&refusal)
	ctx := o.ctx
	if o.Kind != ast.Subscription && !o.uploads() {
		ctx, o.cancel = context.WithTimeout(ctx, o.runner.Timeout)
	}
	if host != nil {
		ctx = logstream.WithHost(ctx, host)
	}
	o.next, o.ctx = o.runner.exec.DispatchOperation(ctx, o.op)
	return nil
}

// proceed waits for a response.
func (o *Operation) proceed() (res *Result) {
	defer o.contain(&res)
	response := o.next(o.ctx)
	if response == nil {
		if err := o.ctx.Err(); err != nil && o.Kind != ast.Subscription {
			return o.runner.Refuse(o.ctx, err)
		}
		return nil
	}
	res, more := o.runner.result(o.ctx, response)
	o.done = o.done || !more
	return res
}

// result is what clients get of a response. more tells whether others may
// follow.
func (r *Runner) result(ctx context.Context, response *graphql.Response) (res *Result, more bool) {
	if len(response.Data) > 0 && !json.Valid(response.Data) {
		return r.Refuse(ctx, errors.New("a resolver's value was written as invalid JSON")), false
	}
	// Without data it was refused when it was about to begin.
	return &Result{Errors: response.Errors, Data: response.Data, Extensions: response.Extensions}, len(response.Data) > 0
}

// contain is deferred: a panic ends the operation and becomes its last response.
func (o *Operation) contain(res **Result) {
	if v := recover(); v != nil {
		o.done = true
		*res = o.runner.Refuse(o.ctx, o.runner.Presenter.Recover(o.ctx, v))
	}
}

// uploads tells whether the operation reads the rest of its own request.
func (o *Operation) uploads() bool { return caller.From(o.ctx).Transport == "multipart" }

// Close ends the operation and logs it.
func (o *Operation) Close() {
	o.cancel()
	o.leave()
	o.logEnd()
}
