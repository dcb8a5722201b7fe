// Package sandbox executes Python that nobody trusts. It knows no chats, users
// or models: a provider opens sessions, a session runs code (the vocabulary is
// in internal/execution). The providers are sandbox/gvisor and sandbox/daytona;
// both run the same Python kernel (sandbox/kernel) and both pass the same suite
// (sandbox/sandboxtest).
package sandbox

import (
	"context"

	"github.com/mark-analyst/mark/internal/execution"
)

// Provider opens isolated Python sessions.
type Provider interface {
	// Open returns a session that is ready for its first step, or an
	// *execution.Error: CodeUnavailable where isolation is not to be had. It
	// never falls back to a weaker isolation.
	Open(ctx context.Context, spec execution.Spec) (execution.Session, error)
	// Isolation says what is really in force.
	Isolation() execution.Isolation
	// Close ends all sessions and background work. Closing twice is harmless.
	Close() error
}
