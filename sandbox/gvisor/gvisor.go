// Package gvisor runs Python sessions on this machine, each inside a gVisor
// sandbox of its own (https://gvisor.dev): a kernel written in Go stands between
// the session and the host's. A session has no network, no file of the host but
// its inputs, a read-only root, no capability, and ends with the service.
//
// Sessions are clones: once, a Python with its libraries loaded and warmed is
// checkpointed, and every session is restored from that. The checkpoint is keyed
// on everything it was made from and made again when any of it changes.
//
// The service needs no rights: as an ordinary user it works through user
// namespaces. As root, sessions run as a user id of their own (Config.UID).
package gvisor

import (
	"context"
	"log/slog"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// Name is what Isolation calls this provider.
const Name = "gvisor"

// DefaultUID is the user and group that sessions run as when the service is
// root: an id that no system hands out to people or daemons.
const DefaultUID = 64738

// DefaultSessions is how many sessions may live at once unless configured.
const DefaultSessions = 16

// DefaultLimits returns what a zero field of a session's Limits means here.
func DefaultLimits() execution.Limits {
	return execution.Limits{
		StepTime:       60 * time.Second,
		CPUTime:        2 * time.Minute,
		MemoryBytes:    2 << 30,
		Processes:      64,
		DiskBytes:      512 << 20,
		OutputBytes:    1 << 20,
		Outputs:        30,
		ArtifactBytes:  32 << 20,
		ArtifactsBytes: 64 << 20,
		Artifacts:      20,
	}
}

// Config says where a provider keeps things and how much a session may use.
type Config struct {
	Dir      string         // for the checkpoint and live sessions' files; made if needed
	Launcher string         // the mark-sandbox binary
	Tree     pyruntime.Tree // what pyruntime.Ensure returned
	// Limits are the defaults of a session; zero fields: DefaultLimits.
	// Processes and DiskBytes are part of the checkpoint, so they are the
	// same for all sessions: a session's own values for these are not used.
	Limits   execution.Limits
	Sessions int                // at once; further ones wait; 0: DefaultSessions
	Pool     Pool               // sessions that are started ahead
	UID      int                // 0: DefaultUID; used where the service is root and may become it
	Progress func(phase string) // told before each long phase of New; may be nil
	Logger   *slog.Logger       // nil: slog.Default
	// LauncherLog is a folder for gVisor's debug logs, for finding out why a
	// sandbox does not start. It slows everything down. "" for none.
	LauncherLog string
}

// Provider opens sessions. It is safe for concurrent use.
type Provider struct {
	engine  *engine // nil: refused
	refused *execution.Error
}

var _ sandbox.Keeping = (*Provider)(nil)

// Refusing returns a provider that opens nothing and says why: for a service that
// serves on although sessions cannot be had.
func Refusing(err error) *Provider {
	return &Provider{refused: &execution.Error{
		Code:    execution.CodeUnavailable,
		Message: "Python cannot run here: " + sentence(err),
		Err:     err,
	}}
}

// New makes the checkpoint if there is none that fits (some seconds), checks once
// for each checkpoint that a session really is isolated, and returns a provider.
// Where isolation is not to be had, the provider refuses every Open and Isolation
// says why; an error is returned only when ctx ended first.
func New(ctx context.Context, config Config) (*Provider, error) {
	engine, err := newEngine(ctx, config)
	if ctx.Err() != nil {
		if engine != nil {
			_ = engine.close() // the next service removes what this one cannot
		}
		return nil, ctx.Err()
	}
	if err != nil {
		return Refusing(err), nil
	}
	return &Provider{engine: engine}, nil
}

// Open implements sandbox.Provider. A session is ready in a fraction of a second.
func (p *Provider) Open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	if p.refused != nil {
		return nil, p.refused
	}
	return p.engine.open(ctx, spec)
}

// Base implements sandbox.Keeping.
func (p *Provider) Base() string {
	if p.refused != nil {
		return ""
	}
	return p.engine.fits
}

// Resume implements sandbox.Keeping. It takes a third of a second for a session
// of 150 MB.
func (p *Provider) Resume(ctx context.Context, spec execution.Spec, snapshot sandbox.Fetch) (execution.Session, error) {
	if p.refused != nil {
		return nil, p.refused
	}
	return p.engine.resume(ctx, spec, snapshot)
}

// AwaitPool waits until as many sessions are ready as the pool keeps: for who
// measures, or wants the first question to be as quick as the next.
func (p *Provider) AwaitPool(ctx context.Context) error {
	if p.refused != nil {
		return p.refused
	}
	return p.engine.awaitPool(ctx)
}

// Isolation implements sandbox.Provider.
func (p *Provider) Isolation() execution.Isolation {
	if p.refused != nil {
		return execution.Isolation{Provider: Name, Detail: p.refused.Message}
	}
	return execution.Isolation{Provider: Name, Ready: true, Detail: p.engine.detail()}
}

// Close implements sandbox.Provider.
func (p *Provider) Close() error {
	if p.engine == nil {
		return nil
	}
	return p.engine.close()
}
