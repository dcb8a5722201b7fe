package kernel

import (
	"context"
	"io"

	"github.com/mark-analyst/mark/internal/execution"
)

// AwaitWarm reads what a kernel that was started with --warm sends once its
// libraries are warm, and nothing beyond it: the moment to checkpoint. It blocks
// until then; close r to end it sooner.
func AwaitWarm(r io.Reader) error { return nil }

// Conn is the host's end of one kernel; see execution.Session for Run's and
// Close's contract. It does not own the process: after a Fatal error the
// provider kills it.
type Conn struct{}

// New returns a Conn over the kernel's standard output (r) and input (w). It
// owns both: Close closes those that are io.Closers, which must unblock a Read.
func New(r io.Reader, w io.Writer, options Options) *Conn { return nil }

// Ready starts the session and waits for the kernel's word that it is. Errors
// are *execution.Error and Fatal.
func (c *Conn) Ready(ctx context.Context) error { return nil }

// Run implements execution.Session.
func (c *Conn) Run(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
	return execution.Result{}, nil
}

// Fail ends the session with err, which must be Fatal: a Run in flight and all
// later ones return it. For a provider that knows better than "it died", such
// as that it killed the process for its memory; call it before the kill. The
// first failure stays.
func (c *Conn) Fail(err *execution.Error) {}

// Close implements execution.Session, but for the process.
func (c *Conn) Close() error { return nil }
