package operation_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/server/internal/testschema"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/server/operation"
	"github.com/mark-analyst/mark/server/present"
)

// A subscriber's own execution is what others go on with, unless the subscriber has
// left before it had begun: then it ends, and with it theirs would.
func TestWhoHasLeftLendsNothing(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	j := &testschema.Journal{}
	j.Append("first")
	resolvers := &testschema.Resolvers{Began: make(chan string), Journals: map[string]*testschema.Journal{"j": j}}
	much := limit.Rate{PerSecond: 1000, Burst: 1000}
	r := &operation.Runner{
		Schema: testschema.New(resolvers), Presenter: &present.Presenter{Logger: logger}, Logger: logger, Clock: clock.System{},
		Document: limit.Document{Bytes: 1000, Tokens: 100, Depth: 10, Fields: 10, Aliases: 10, Directives: 10}, Cost: limit.Cost{Max: 1000, Page: 10},
		Persisted: limit.NewPersisted(1, 1000), Viewers: limit.NewLimiter(much, clock.System{}), Addresses: limit.NewLimiter(much, clock.System{}),
		Subscriptions: limit.NewGate(10, 10), Timeout: time.Minute,
	}
	r.Init()
	for _, left := range []bool{false, true} {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		op, refusal := r.Prepare(ctx, &graphql.RawParams{Query: `subscription { journal(name: "j") { number } }`})
		if refusal != nil {
			t.Fatal(refusal.Errors)
		}
		defer op.Close()
		go func() {
			if left {
				leave()
			}
			<-resolvers.Began // which the resolver waits for
		}()
		if shared, lends := op.Subscribe(); !shared || lends == left {
			t.Errorf("left %t: shared %t, lends its execution %t", left, shared, lends)
		}
	}
}
