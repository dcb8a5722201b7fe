package testpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Shared is one server for all tests of a test binary, started when the first
// of them asks for it. The zero value is ready; declare it in the test's
// package and call Main from TestMain.
type Shared struct {
	mu     sync.Mutex // protects what follows
	server *Server
	err    error // of the one attempt to start
}

// Main runs the tests, stops the server, fails the run where goroutines are
// left over, and exits the process.
func (s *Shared) Main(m goleak.TestingM, options ...goleak.Option) {
	goleak.VerifyTestMain(stopAfter{m, s}, options...)
}

// stopAfter stops the server before goleak looks around.
type stopAfter struct {
	goleak.TestingM
	shared *Shared
}

func (r stopAfter) Run() int {
	code := r.TestingM.Run()
	if err := r.shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testpg: stop:", err)
		code = max(code, 1)
	}
	return code
}

// Server returns the shared server. Where the machine has no PostgreSQL and
// none can be installed, the test is skipped with the reason, or failed when
// the environment says CI=true, which promises that one is there.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil && s.err == nil {
		// Not the test's context: the server outlives the test.
		s.server, s.err = Start(context.WithoutCancel(t.Context()))
	}
	if errors.Is(s.err, ErrUnavailable) && os.Getenv("CI") != "true" {
		t.Skip(s.err)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

// NewDatabase is Server.NewDatabase on the shared server.
func (s *Shared) NewDatabase(t testing.TB) string {
	t.Helper()
	return s.Server(t).NewDatabase(t)
}

// NewDatabaseFrom is Server.NewDatabaseFrom on the shared server.
func (s *Shared) NewDatabaseFrom(t testing.TB, name string, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	return s.Server(t).NewDatabaseFrom(t, name, prepare)
}

func (s *Shared) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil
	}
	return s.server.Stop()
}
