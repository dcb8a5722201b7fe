package main

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/session"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
)

// endedSessions refuses operations on a socket whose session has ended. A
// socket's token is read when the socket opens; without this, somebody who has
// signed out could go on asking until the token's own end.
type endedSessions struct{ client *ent.Client }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = endedSessions{}

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
	good, err := e.client.Session.Query().Where(session.ID(v.SessionID), session.RevokedAtIsNil()).
		Exist(auth.System(ctx, "check that a socket's session goes on"))
	switch {
	case err != nil:
		return gqlerror.Wrap(fault.Wrap(err, fault.Unavailable, "The session cannot be checked now. Try again."))
	case !good:
		return gqlerror.Wrap(fault.New(fault.Unauthenticated, "The session has ended. Sign in again."))
	}
	return nil
}
