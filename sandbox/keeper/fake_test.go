package keeper_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// fake is a provider of sessions that hold one variable, their last code. Its hooks
// are called, where they are set, at the beginning of what they are named after.
type fake struct {
	mu                            sync.Mutex // protects the hooks
	open, resume, snapshot, enter func(context.Context) error
	changed                       bool // files: they take a new process
	busy                          bool // a session cannot tell its memory
	latest                        *fakeSession
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fake) call(ctx context.Context, hook func(*fake) func(context.Context) error) error {
	f.mu.Lock()
	do := hook(f)
	f.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx)
}

func (*fake) Isolation() execution.Isolation { return execution.Isolation{Ready: true} }
func (*fake) Close() error                   { return nil }
func (*fake) Base() string                   { return "fake" }

func (f *fake) Open(ctx context.Context, _ execution.Spec) (execution.Session, error) {
	if err := f.call(ctx, func(f *fake) func(context.Context) error { return f.open }); err != nil {
		return nil, err
	}
	return f.begun(&fakeSession{fake: f}), nil
}

func (f *fake) Resume(ctx context.Context, _ execution.Spec, snapshot sandbox.Fetch) (execution.Session, error) {
	if err := f.call(ctx, func(f *fake) func(context.Context) error { return f.resume }); err != nil {
		return nil, err
	}
	folder, err := snapshot(ctx)
	if err != nil {
		return nil, err
	}
	value, err := os.ReadFile(filepath.Join(folder, "value"))
	return f.begun(&fakeSession{fake: f, value: string(value)}), err
}

type fakeSession struct {
	fake *fake

	mu    sync.Mutex // protects the rest
	value string
	ended bool
}

var errGone = &execution.Error{Code: execution.CodeDied, Fatal: true, Message: "It has ended."}

// Run takes code for the new value; "?" prints it, "die" ends the session.
func (s *fakeSession) Run(_ context.Context, code string, host execution.Host) (execution.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended || code == "die":
		s.ended = true
		return execution.Result{}, errGone
	case code == "?":
		host.Emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: s.value}})
	default:
		s.value = code
	}
	return execution.Result{}, nil
}

func (s *fakeSession) Snapshot(ctx context.Context, folder string) error {
	if err := s.fake.call(ctx, func(f *fake) func(context.Context) error { return f.snapshot }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errGone
	}
	return os.WriteFile(filepath.Join(folder, "value"), []byte(s.value), 0o600)
}

func (s *fakeSession) Enter(ctx context.Context, _ []execution.File) (bool, error) {
	if err := s.fake.call(ctx, func(f *fake) func(context.Context) error { return f.enter }); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false, errGone
	}
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return !s.fake.changed, nil
}

func (s *fakeSession) MemoryBytes() (bytes int64, known bool) {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return 1000, !s.fake.busy
}

func (s *fakeSession) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	return nil
}

var (
	_ sandbox.Keeping     = (*fake)(nil)
	_ sandbox.Snapshotter = (*fakeSession)(nil)
)

// codeOf is the code of a session's error; "" where it has none.
func codeOf(err error) execution.Code {
	if failure := (*execution.Error)(nil); errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// fails is a hook that fails with err, always.
func fails(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// gate is a hook that stops whoever comes: entered tells of each, and they go on
// when leave is closed, or fail when their context ends.
type gate struct{ entered, leave chan struct{} }

func newGate() *gate { return &gate{entered: make(chan struct{}, 8), leave: make(chan struct{})} }

func (g *gate) pass(ctx context.Context) error {
	g.entered <- struct{}{}
	select {
	case <-g.leave:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// faked is a bench over a fake provider.
func faked(t *testing.T) (*bench, *fake) {
	t.Helper()
	f := &fake{}
	return newBenchOver(t, f, nil), f
}

// begun notes the session that was opened last.
func (f *fake) begun(s *fakeSession) *fakeSession {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest = s
	return s
}

// value is that of the session that was opened last.
func (f *fake) value() string {
	f.mu.Lock()
	s := f.latest
	f.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// end ends that session as the end of the service does.
func (f *fake) end() {
	f.mu.Lock()
	s := f.latest
	f.mu.Unlock()
	if s != nil {
		_ = s.Close() // never fails
	}
}
