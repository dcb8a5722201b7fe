// Package auth says who is asking and keeps everybody to their own: accounts,
// passwords, sessions and tokens (Service), the viewer in the context, and the
// rule on the database that hides other people's rows (Guard).
package auth

import (
	"context"

	"github.com/mark-analyst/mark/internal/fault"
)

// Viewer is the signed-in person on whose behalf something is done.
type Viewer struct {
	// UserID is whose rows are visible.
	UserID string
	// SessionID is how they signed in; empty where Mark works for them by
	// itself, in a run.
	SessionID string
}

// identity is what the context holds: a viewer or the system.
type identity struct {
	viewer Viewer
	reason string // of acting as the system; empty: it is the viewer
}

type identityKey struct{}

// WithViewer returns a context in which the viewer's rows, and no others, are
// visible. It replaces an earlier viewer, and System.
func WithViewer(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, identityKey{}, identity{viewer: v})
}

// FromContext returns the viewer. There is none where nobody signed in, and in
// a context of System.
func FromContext(ctx context.Context) (Viewer, bool) {
	who, ok := ctx.Value(identityKey{}).(identity)
	return who.viewer, ok && who.reason == "" && who.viewer.UserID != ""
}

// Require returns the viewer, or a fault UNAUTHENTICATED.
func Require(ctx context.Context) (Viewer, error) {
	v, ok := FromContext(ctx)
	if !ok {
		return Viewer{}, fault.New(fault.Unauthenticated, "Sign in first.")
	}
	return v, nil
}

// System returns a context in which everybody's rows are visible. It is for
// what happens before there is a viewer, which is signing in and finding whose
// run is to be worked on, and for what concerns everybody, which is the sweeps
// at start. The reason says which of these it is; without one nothing is
// visible.
func System(ctx context.Context, reason string) context.Context {
	return context.WithValue(ctx, identityKey{}, identity{reason: reason})
}

// SystemReason returns the reason given to System.
func SystemReason(ctx context.Context) (reason string, ok bool) {
	who, _ := ctx.Value(identityKey{}).(identity)
	return who.reason, who.reason != ""
}
