//go:build !linux || (!amd64 && !arm64)

package gvisor

import (
	"context"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// engine does not exist on this system.
type engine struct{}

func newEngine(context.Context, Config) (*engine, error) { return nil, pyruntime.ErrUnsupported }

func (*engine) open(context.Context, execution.Spec) (execution.Session, error) {
	return nil, pyruntime.ErrUnsupported
}

func (*engine) resume(context.Context, execution.Spec, string) (execution.Session, error) {
	return nil, pyruntime.ErrUnsupported
}

func (*engine) awaitPool(context.Context) error { return pyruntime.ErrUnsupported }

func (*engine) base() string { return "" }

func (*engine) detail() string { return "" }

func (*engine) close() error { return nil }
