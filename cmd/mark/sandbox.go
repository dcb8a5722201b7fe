package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

type sandboxCmd struct {
	Build sandboxBuildCmd `cmd:"" help:"Make what is missing on this machine: the Python runtime, the checkpoint."`
	Check sandboxCheckCmd `cmd:"" help:"Open a session, run a line of Python, and tell which isolation is in force."`
	Shell sandboxShellCmd `cmd:"" help:"Type Python into a session, or pipe a program into one."`
	Time  sandboxTimeCmd  `cmd:"" help:"Open sessions one after the other and tell how long that takes."`
}

// apart is the configuration for a moment beside a service that may be running:
// in Daytona, a folder makes a name, and whoever has the same name has its
// sandboxes deleted as orphans.
func apart(c Config) (Config, func(), error) {
	if c.Sandbox.Provider != providerDaytona {
		return c, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "mark-sandbox-")
	if err != nil {
		return c, nil, err
	}
	c.Sandbox.Dir = dir
	return c, func() { os.RemoveAll(dir) }, nil
}

// withSandbox opens the configured sandbox, which must be ready, for as long as do
// takes.
func (e *environment) withSandbox(ctx context.Context, do func(sandbox.Provider) error) (err error) {
	if err := e.config.check(); err != nil {
		return err
	}
	config, done, err := apart(e.config)
	if err != nil {
		return err
	}
	defer done()
	provider, err := openSandbox(ctx, config, e.logger(), e.progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provider.Close()) }()
	if i := provider.Isolation(); !i.Ready {
		return errors.New(i.Detail)
	}
	return do(provider)
}

type sandboxBuildCmd struct{}

// Run makes what is missing. It fails where Python cannot run.
func (sandboxBuildCmd) Run(e *environment) error {
	e.config.Sandbox.Pool = 0 // nobody would use what is started ahead
	return e.withSandbox(e.ctx, func(sandbox.Provider) error { return nil })
}

type sandboxCheckCmd struct{}

// Run opens a session and uses it.
func (sandboxCheckCmd) Run(e *environment) error {
	return e.withSandbox(e.ctx, func(provider sandbox.Provider) (err error) {
		began := time.Now()
		session, err := provider.Open(e.ctx, execution.Spec{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, session.Close()) }()
		opened := time.Since(began)
		result, err := session.Run(e.ctx, checkCode, execution.Listener(func(ev execution.Event) {
			if ev.Chunk != nil {
				fmt.Fprint(e.stdout, ev.Chunk.Text)
			}
		}))
		if err != nil {
			return err
		}
		if result.Failure != nil {
			return fmt.Errorf("the first line of Python failed: %s", result.Failure.Message)
		}
		_, err = fmt.Fprintf(e.stdout, "%s\nopened in %d ms, first line in %d ms\n",
			provider.Isolation().Detail, opened.Milliseconds(), result.Duration.Milliseconds())
		return err
	})
}

// checkCode is the line of Python that is tried.
const checkCode = `import sys; print("Python", sys.version.split()[0], "with pandas", pd.__version__)`
