// Package operation runs GraphQL operations for every transport alike: it
// counts them, checks their limits, executes them, contains their panics and
// writes them to the log.
package operation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/server/present"
)

// Runner prepares operations. All fields but Extensions are required.
type Runner struct {
	Schema     graphql.ExecutableSchema
	Extensions []graphql.HandlerExtension
	Presenter  *present.Presenter
	Logger     *slog.Logger
	Clock      clock.Clock

	Document  limit.Document
	Cost      limit.Cost
	Persisted *limit.Persisted
	// Viewers and Addresses bound how often a signed-in person and anybody
	// else may ask; Subscriptions how many streams one of them may hold.
	Viewers       *limit.Limiter
	Addresses     *limit.Limiter
	Subscriptions *limit.Gate
	// Timeout ends queries and mutations. It does not count for uploads, which
	// last as long as the client's line is slow.
	Timeout time.Duration

	exec    *executor.Executor
	watches []StreamWatch
	groups  *groups
}

// The cache of parsed documents. Their trees weigh a few times their text.
const (
	cachedDocuments = 1000
	cachedBytes     = 4 << 20
)

// Init must be called once before Prepare.
func (r *Runner) Init() {
	r.exec = executor.New(r.Schema)
	for _, e := range r.Extensions {
		r.exec.Use(e)
		if w, ok := e.(StreamWatch); ok {
			r.watches = append(r.watches, w)
		}
	}
	r.groups = newGroups(r.Clock)
	r.exec.SetErrorPresenter(r.Presenter.Error)
	r.exec.SetRecoverFunc(r.Presenter.Recover)
	r.exec.SetDisableSuggestion(!r.Presenter.Suggestions)
	r.exec.SetQueryCache(limit.NewLRU(cachedDocuments, cachedBytes,
		func(text string, _ *ast.QueryDocument) int { return len(text) }))
}

// take counts one operation against the limit of whoever asks. The error is
// RATE_LIMITED.
func (r *Runner) take(ctx context.Context) error {
	who, limiter := caller.From(ctx), r.Addresses
	if who.Viewer != "" {
		limiter = r.Viewers
	}
	if wait, ok := limiter.Take(who.Key()); !ok {
		return fault.New(fault.RateLimited, "Too many operations; try again in %d s.", present.Seconds(wait)).After(wait)
	}
	return nil
}

// Prepare checks an operation. When it is refused, the Result says why and
// there is no Operation; otherwise Close must be called in the end.
func (r *Runner) Prepare(ctx context.Context, params *graphql.RawParams) (op *Operation, refusal *Result) {
	o := &Operation{runner: r, began: r.Clock.Now(), leave: func() {}, cancel: func() {}, ctx: ctx}
	defer func() {
		if v := recover(); v != nil {
			op, refusal = nil, r.Refuse(ctx, r.Presenter.Recover(ctx, v))
		}
		if refusal != nil {
			o.refused = true
			o.note(refusal)
			o.Close()
		}
	}()
	ctx = graphql.StartOperationTrace(ctx)
	if err := r.take(ctx); err != nil {
		return nil, r.Refuse(ctx, err)
	}
	hash, err := r.Persisted.Resolve(ctx, params)
	if err != nil {
		return nil, r.Refuse(ctx, err)
	}
	if err := r.Document.Check(params.Query); err != nil {
		return nil, r.Refuse(ctx, err)
	}
	opCtx, errs := r.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, r.Refuse(ctx, errs)
	}
	o.params, o.op, o.Kind, o.Name = params, opCtx, opCtx.Operation.Operation, opCtx.Operation.Name
	if err := r.Cost.Check(ctx, r.Schema, opCtx); err != nil {
		return nil, r.Refuse(ctx, err)
	}
	r.Persisted.Keep(ctx, hash, params.Query)
	opCtx.DisableIntrospection = !r.Document.Introspection
	if o.Kind == ast.Subscription {
		leave, ok := r.Subscriptions.Enter(caller.From(ctx).Key())
		if !ok {
			return nil, r.Refuse(ctx, fault.New(fault.LimitExceeded, "Too many subscriptions are open; end one first."))
		}
		o.leave = leave
	}
	o.ctx = ctx
	return o, nil
}

// Refuse is the response to an operation that does not begin because of err,
// which may be a gqlerror.List.
func (r *Runner) Refuse(ctx context.Context, err error) *Result {
	var list gqlerror.List
	if !errors.As(err, &list) {
		return &Result{Errors: gqlerror.List{r.Presenter.Error(ctx, err)}}
	}
	res := &Result{}
	for _, e := range list {
		res.Errors = append(res.Errors, r.Presenter.Error(ctx, e))
	}
	return res
}
