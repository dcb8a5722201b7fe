package daytona

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdkerrors "github.com/daytonaio/daytona/libs/sdk-go/pkg/errors"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/kernel"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// newProvider is a provider over a stand-in of its own.
func newProvider(t *testing.T) *Provider {
	t.Helper()
	s := daytonatest.New(t, daytonatest.Options{Python: gvisortest.Tree(t).Root + pyruntime.Interpreter})
	p, err := New(t.Context(), Config{
		APIKey: s.Key(), APIURL: s.APIURL(), Dir: t.TempDir(), Root: s.Root, Probe: []string{"127.0.0.1:1"},
		Limits: execution.Limits{Processes: 1 << 16, MemoryBytes: 64 << 30}, Patience: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// newTestBox is a sandbox with a kernel that waits.
func newTestBox(t *testing.T) *box {
	t.Helper()
	p := newProvider(t)
	b, err := p.newBox(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.end(context.Background()) })
	return b
}

// Daytona closes a run whose time is over with 4008, where the SDK looks for 4001.
func TestTimeoutIsToldFromAConnectionThatBroke(t *testing.T) {
	t.Parallel()
	b := newTestBox(t)
	// Less than a second would be no limit at all.
	ended := b.run(t.Context(), "import time\ntime.sleep(20)", 300*time.Millisecond, func(string) verdict { return goOn })
	if !ended.timeout || ended.err == nil || !strings.Contains(ended.err.Error(), "4008") {
		t.Errorf("it ended with %+v", ended)
	}
}

// The SDK's channels hold ten messages each, and one that is full stops all.
func TestAllStreamsAreDrained(t *testing.T) {
	t.Parallel()
	b := newTestBox(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	lines := 0
	ended := b.run(ctx, "import sys\nfor i in range(100):\n    print(i, file=sys.stderr)\n    print(i)\n1/0", time.Minute, func(string) verdict {
		lines++
		return goOn
	})
	if lines != 100 || !strings.Contains(ended.stderr, "99") || !strings.Contains(ended.raised, "ZeroDivisionError") {
		t.Errorf("%d lines came, then %+v", lines, ended)
	}
}

// The step itself may take a minute; that Daytona ends it sooner is as if this
// service had slept meanwhile.
func TestStepThatDaytonaEndsForItsTime(t *testing.T) {
	t.Parallel()
	b := newTestBox(t)
	var conn *kernel.Conn
	connected := make(chan struct{})
	l := newLink(b, time.Minute, 2*time.Second, func(why *execution.Error) {
		<-connected
		conn.Fail(why)
	})
	conn = kernel.New(l, l, kernel.Options{ArtifactDir: t.TempDir(), WorkDir: b.folders.work, InputDir: b.folders.input})
	close(connected)
	defer l.wait()
	defer conn.Close()
	if err := conn.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Run(t.Context(), "import time\ntime.sleep(60)", execution.Host{})
	var failure *execution.Error
	if !errors.As(err, &failure) || failure.Code != execution.CodeTimeout || !failure.Fatal {
		t.Errorf("it ended with %v", err)
	}
}

// A kernel that is busy, or stopped, does not see that its input has ended: it ends
// with the interpreter all the same.
func TestKernelEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newTestBox(t)
	root := b.provider.config.Root(b.sandbox.ID)
	await(t, "the kernel has started", func() bool {
		for _, pid := range daytonatest.Processes(root) {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if words := string(line); strings.Contains(words, "kernel-"+b.provider.kernel.hash[:16]) && !strings.Contains(words, "prctl") {
				return syscall.Kill(pid, syscall.SIGSTOP) == nil
			}
		}
		return false
	})
	b.dropContext(t.Context())
	await(t, "it has ended", func() bool { return len(daytonatest.Processes(root)) == 0 })
}

// Which lines a link takes, after it has line 1.
func TestLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line     string
		verdict  verdict
		violated bool
		bytes    int
		verb     string
	}{
		"the next":             {"2 AAAA", goOn, false, 3, ""},
		"one after a lost one": {"3 AAAA", abandon, false, 0, ""},
		"the end":              {"= end 1", last, false, 0, verbEnd},
		"more":                 {"= more 1", last, false, 0, verbMore},
		"the kernel's end":     {"= gone 1 e30=", last, false, 0, verbGone},
		"an end after a loss":  {"= end 2", last, false, 0, ""},
		"text":                 {"hello", abandon, true, 0, ""},
		"an empty line":        {"", abandon, true, 0, ""},
		"no base64":            {"2 !!!!", abandon, true, 0, ""},
		"no bytes":             {"2 ", abandon, true, 0, ""},
		"a number alone":       {"2", abandon, true, 0, ""},
		"a number below":       {"-1 AAAA", abandon, true, 0, ""},
		"a number again":       {"1 AAAA", abandon, true, 0, ""},
		"an unknown word":      {"= sesame 1", abandon, true, 0, ""},
		"a word's number":      {"= end x", abandon, true, 0, ""},
		"a long line":          {"2 " + strings.Repeat("x", maxLine), abandon, true, 0, ""},
		"more than a piece":    {"2 " + strings.Repeat("AAAA", pieceBytes/3+1), abandon, true, 0, ""},
		"as much as a piece":   {"2 " + strings.Repeat("AAAA", pieceBytes/3), goOn, false, pieceBytes, ""},
	} {
		l := &link{have: 1}
		l.arrived = sync.NewCond(&l.mu)
		got := l.line(c.line)
		size := 0
		for _, data := range l.unread {
			size += len(data)
		}
		if got != c.verdict || l.violated != c.violated || size != c.bytes || l.verb != c.verb {
			t.Errorf("%s: verdict %v, violated %v, %d bytes, word %q", name, got, l.violated, size, l.verb)
		}
	}
	l := &link{unread: make([][]byte, 2*windowLines+1)}
	l.arrived = sync.NewCond(&l.mu)
	if l.line("1 AAAA") != abandon || !l.violated {
		t.Error("more lines than a window allows were taken")
	}
}

// await waits until something is so that happens in the background.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it never came that %s", what)
		}
	}
}

// Processes are no use to Daytona: a step has to keep its sandbox awake.
func TestStepKeepsItsSandboxAwake(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	s, err := p.Open(t.Context(), execution.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	opened, ok := s.(*session)
	if !ok {
		t.Fatalf("the session is a %T", s)
	}
	p.config.AutoStop = 300 * time.Millisecond
	before := opened.box.contact.Load()
	touched := 0
	_, err = s.Run(t.Context(), "import time\nfor i in range(4):\n    print(i, flush=True)\n    time.sleep(0.3)", execution.Listener(func(execution.Event) {
		if now := opened.box.contact.Load(); now != before {
			before = now
			touched++
		}
	}))
	if err != nil || touched < 3 {
		t.Errorf("Daytona heard of the session %d times (%v)", touched, err)
	}
}

// A sandbox of the pool that was stopped is replaced before somebody wants it.
func TestPoolIsKeptAwake(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	b, err := p.newBox(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.pool = append(p.pool, b)
	p.mu.Unlock()
	before := b.contact.Load()
	p.touchPool()
	if b.contact.Load() == before || len(p.pool) != 1 {
		t.Errorf("the sandbox that runs was touched %v, the pool has %d", b.contact.Load() != before, len(p.pool))
	}
	if err := b.sandbox.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.touchPool()
	if len(p.pool) != 0 {
		t.Errorf("the pool has %d sandboxes", len(p.pool))
	}
}

func TestKernelArchive(t *testing.T) {
	t.Parallel()
	a, err := packKernel()
	if err != nil {
		t.Fatal(err)
	}
	again, err := packKernel()
	if err != nil || again.hash != a.hash || !bytes.Equal(again.data, a.data) {
		t.Errorf("packed twice, it is %s and %s (%v)", a.hash, again.hash, err)
	}
	z, err := zip.NewReader(bytes.NewReader(a.data), int64(len(a.data)))
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(kernel.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		want, err := fs.ReadFile(kernel.Files(), path)
		if err != nil {
			return err
		}
		if got, err := fs.ReadFile(z, path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs (%v)", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "3", 3 * time.Second},
		{"Retry-After", "0.5", 500 * time.Millisecond},
		{"Retry-After", "Thu, 01 Jan 2026 00:00:07 GMT", 7 * time.Second},
		{"Retry-After-Authenticated", "9", 9 * time.Second},
		{"Retry-After", "1e300", 24 * time.Hour},
		{"Retry-After", "soon", 0},
		{"Retry-After", "-1", 0},
		{"Retry-After", "NaN", 0},
		{"X-Retry-After", "5", 0},
	} {
		err := fmt.Errorf("wrapped: %w", sdkerrors.NewDaytonaRateLimitError("slow down", http.Header{c.name: {c.value}}))
		if got := retryAfter(err, now); got != c.want {
			t.Errorf("%s: %s is %v, want %v", c.name, c.value, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	w := words{config: Config{APIURL: "https://user:secret@daytona.example/api", Image: "example/plotly:1"}}
	fail := func(status int, message string) error { return sdkerrors.NewDaytonaError(message, status, nil) }
	for want, err := range map[string]error{
		"refuses the API key":                      fail(401, "Unauthorized"),
		"quota is reached":                         fail(403, "Total memory limit exceeded. Maximum allowed: 10GiB."),
		"quota is reached, so":                     fail(400, "Disk request 90GB exceeds maximum allowed per sandbox (10GB)."),
		"quota is reached, so no":                  fail(400, "Sandbox resource limit reached (16), please try again later."),
		"rights to write":                          fail(403, "Forbidden resource"),
		"does not know the image example/plotly:1": fail(400, "Image example/plotly:1 could not be pulled"),
		"limits how often":                         sdkerrors.NewDaytonaRateLimitError("ThrottlerException: Too Many Requests", nil),
		"cannot be reached, or fails":              fail(502, "Bad Gateway"),
		"at daytona.example":                       fail(0, "dial tcp: connection refused"),
		"could not open a Python session: odd":     fail(418, "odd"),
		"given up":                                 fmt.Errorf("create: %w", context.Canceled),
		"in time":                                  fmt.Errorf("create: %w", context.DeadlineExceeded),
	} {
		got := w.failure("open a Python session", err)
		if !strings.Contains(got.Message, want) || strings.Contains(got.Message, "secret") || !got.Fatal {
			t.Errorf("%v becomes %q (fatal %v), want %q in it", err, got.Message, got.Fatal, want)
		}
	}
	long := w.failure("x", fail(418, strings.Repeat("é", 1000)+"\x1b[31m\nsecond line")).Message
	if len([]rune(long)) > 300 || strings.ContainsAny(long, "\x1b\n") {
		t.Errorf("Daytona's text becomes %q", long)
	}
}

func TestSplitterHoldsALineTogether(t *testing.T) {
	t.Parallel()
	var lines []string
	s := splitter{line: func(line string) verdict {
		lines = append(lines, line)
		if line == "stop" {
			return last
		}
		return goOn
	}}
	for _, text := range []string{"a", "b\nc\n", "", "\nst", "op\nnever\n"} {
		s.add(text)
		if len(lines) > 0 && lines[len(lines)-1] == "stop" {
			break
		}
	}
	if got := strings.Join(lines, "|"); got != "ab|c||stop" {
		t.Errorf("the lines are %s", got)
	}
	if v := s.add(strings.Repeat("x", maxLine+1)); v != abandon || s.err == nil {
		t.Errorf("an endless line gives %v, %v", v, s.err)
	}
}
