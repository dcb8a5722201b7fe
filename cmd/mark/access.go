package main

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/session"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/operation"
)

// endedSessions refuses operations on a socket whose session has ended, and ends
// the streams of one. A socket's token is read when the socket opens and a
// stream's when it begins; without this, whoever has a token that was signed out
// could go on asking and reading until the token's own end.
type endedSessions struct {
	client *ent.Client
	clock  clock.Clock
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	operation.StreamWatch
} = endedSessions{}

// streamCheck is how long a stream may deliver between two looks at its session:
// each is a statement.
const streamCheck = 5 * time.Second

// ExtensionName implements graphql.HandlerExtension.
func (endedSessions) ExtensionName() string { return "EndedSessions" }

// Validate implements graphql.HandlerExtension.
func (endedSessions) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. Over HTTP
// the token was read with the request, so nothing is looked up again.
func (e endedSessions) MutateOperationContext(ctx context.Context, _ *graphql.OperationContext) *gqlerror.Error {
	v, signedIn := auth.FromContext(ctx)
	if !signedIn || caller.From(ctx).Transport != "websocket" {
		return nil
	}
	if f := e.check(ctx, v); f != nil {
		return gqlerror.Wrap(f)
	}
	return nil
}

// WatchStream implements operation.StreamWatch.
func (e endedSessions) WatchStream(ctx context.Context) func() error {
	v, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return func() error { return nil }
	}
	checked := e.clock.Now()
	return func() error {
		now := e.clock.Now()
		if now.Sub(checked) < streamCheck {
			return nil
		}
		checked = now
		if f := e.check(ctx, v); f != nil {
			return f
		}
		return nil
	}
}

// check tells why a viewer's session cannot go on, or nil.
func (e endedSessions) check(ctx context.Context, v auth.Viewer) *fault.Error {
	good, err := e.client.Session.Query().Where(session.ID(v.SessionID), session.RevokedAtIsNil()).
		Exist(auth.System(ctx, "check that a socket's session goes on"))
	switch {
	case err != nil:
		return fault.Wrap(err, fault.Unavailable, "The session cannot be checked now. Try again.")
	case !good:
		return fault.New(fault.Unauthenticated, "The session has ended. Sign in again.")
	}
	return nil
}
