package daytona_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = time.Minute

// unreachable is an address at which nothing listens: as blocked as can be had on
// a machine that has a network.
const unreachable = "127.0.0.1:1"

// logs keeps what is logged, to be shown when a test fails.
type logs struct {
	mu   sync.Mutex // protects text
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// standIn starts a stand-in for Daytona that runs the project's own Python.
func standIn(t testing.TB, options daytonatest.Options) *daytonatest.Server {
	t.Helper()
	options.Python = gvisortest.Tree(t).Root + pyruntime.Interpreter
	return daytonatest.New(t, options)
}

// configFor is a configuration for a stand-in. Processes is out of the way: where
// tests run as an ordinary user it counts all processes of that user.
func configFor(t testing.TB, s *daytonatest.Server) daytona.Config {
	t.Helper()
	log := &logs{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", log)
		}
	})
	return daytona.Config{
		APIKey: s.Key(), APIURL: s.APIURL(), Dir: t.TempDir(), Root: s.Root, Snapshot: "mark-plotly",
		Probe: []string{unreachable}, Limits: execution.Limits{Processes: 1 << 16, MemoryBytes: 64 << 30},
		Sessions: 200, Grace: 2 * time.Second, OpenTime: patience, Patience: 5 * time.Second,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// provider opens a provider that the test closes, after which nothing may be left.
func provider(t testing.TB, s *daytonatest.Server, config daytona.Config) *daytona.Provider {
	t.Helper()
	p, err := daytona.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("closing the provider: %v", err)
		}
		nothingLeft(t, s, config)
	})
	return p
}

// nothingLeft checks that no sandbox, no process and no file remains.
func nothingLeft(t testing.TB, s *daytonatest.Server, config daytona.Config) {
	t.Helper()
	for _, b := range s.Sandboxes() {
		t.Errorf("sandbox %s is left, in state %s", b.Name, b.State)
	}
	// A deleted sandbox is off the list before the last of its processes ends:
	// deleting does not wait.
	eventually(t, "no process is left", func() bool { return len(daytonatest.Processes(s.Root(""))) == 0 })
	entries, err := os.ReadDir(config.Dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if e.Name() != "node" {
			t.Errorf("%s is left in the provider's folder", e.Name())
		}
	}
}

func open(t testing.TB, p *daytona.Provider, spec execution.Spec) execution.Session {
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

// refused opens a session that must not open.
func refused(t testing.TB, p *daytona.Provider, spec execution.Spec) *execution.Error {
	t.Helper()
	s, err := p.Open(t.Context(), spec)
	if err == nil {
		s.Close()
		t.Fatal("the session opened")
	}
	var failure *execution.Error
	if !errors.As(err, &failure) {
		t.Fatalf("Open's error is a %T: %v", err, err)
	}
	return failure
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
	return runWith(t, s, code, func(execution.Event) {})
}

func runWith(t testing.TB, s execution.Session, code string, also func(execution.Event)) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
		also(e)
	}))
	o.stdout = out.String()
	if err != nil && !errors.As(err, &o.err) {
		t.Fatalf("Run's error is a %T: %v", err, err)
	}
	return o
}

// prints runs code that must succeed and print want.
func prints(t testing.TB, s execution.Session, code, want string) {
	t.Helper()
	o := run(t, s, code)
	if o.err != nil {
		t.Fatalf("%s\nended the session: %v", code, o.err)
	}
	if o.result.Failure != nil {
		t.Fatalf("%s\nfailed: %s", code, o.result.Failure.Traceback)
	}
	if o.stdout != want {
		t.Errorf("%s\nprinted %q, want %q", code, o.stdout, want)
	}
}

// ends checks how a step ended that something stopped.
func (o outcome) ends(t testing.TB, code execution.Code, fatal bool) {
	t.Helper()
	if o.err == nil || o.err.Code != code || o.err.Fatal != fatal {
		t.Fatalf("the step ended with %v (%+v), want %s, fatal %v", o.err, o.result.Failure, code, fatal)
	}
}

func contains(t testing.TB, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s is %q, want %q in it", what, text, want)
		}
	}
}
