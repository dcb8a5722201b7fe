package gvisor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

func TestMain(m *testing.M) {
	if stage() {
		return
	}
	goleak.VerifyTestMain(m)
}

// patience bounds what a test waits for.
const patience = time.Minute

// open opens a session of the shared provider for the length of the test.
func open(t testing.TB, spec execution.Spec) execution.Session {
	t.Helper()
	return openOf(t, gvisortest.Provider(t), spec)
}

func openOf(t testing.TB, p *gvisor.Provider, spec execution.Spec) execution.Session {
	t.Helper()
	s, err := p.Open(t.Context(), spec)
	if err != nil {
		t.Fatalf("opening a session: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing a session: %v", err)
		}
	})
	return s
}

// outcome is what a step came to.
type outcome struct {
	stdout  string
	outputs []execution.Output
	result  execution.Result
	err     *execution.Error
}

func run(t testing.TB, s execution.Session, code string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var o outcome
	var out strings.Builder
	var err error
	o.result, err = s.Run(ctx, code, execution.Listener(func(e execution.Event) {
		switch {
		case e.Output != nil:
			o.outputs = append(o.outputs, *e.Output)
		case e.Chunk != nil && e.Chunk.Stream == execution.Stdout:
			out.WriteString(e.Chunk.Text)
		}
	}))
	o.stdout = out.String()
	if err != nil && !errors.As(err, &o.err) {
		t.Fatalf("Run's error is a %T: %v", err, err)
	}
	return o
}

// prints runs code that must succeed, and returns what it printed.
func prints(t testing.TB, s execution.Session, code string) string {
	t.Helper()
	o := run(t, s, code)
	if o.err != nil {
		t.Fatalf("the session ended: %v", o.err)
	}
	if o.result.Failure != nil {
		t.Fatalf("the code failed: %s", o.result.Failure.Traceback)
	}
	return strings.TrimSpace(o.stdout)
}

// failure runs code that must raise, and returns the exception's class.
func failure(t testing.TB, s execution.Session, code string) string {
	t.Helper()
	o := run(t, s, code)
	if o.err != nil {
		t.Fatalf("the session ended: %v", o.err)
	}
	if o.result.Failure == nil {
		t.Fatalf("the code succeeded and printed %q", o.stdout)
	}
	return o.result.Failure.Name
}
