package daytona_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
)

// nth has f called with the runs of the relay that carry steps, and their number
// in the session: 1 is the kernel's start.
func nth(s *daytonatest.Server, f func(n int, r *daytonatest.Run)) {
	var count atomic.Int32
	s.OnRun(func(r *daytonatest.Run) {
		if strings.HasPrefix(r.Code, "_mark.run(") {
			f(int(count.Add(1)), r)
		}
	})
}

// trapped opens a session whose runs f sees.
func trapped(t *testing.T, f func(n int, r *daytonatest.Run)) (*daytonatest.Server, execution.Session) {
	t.Helper()
	s := standIn(t, daytonatest.Options{})
	nth(s, f)
	return s, open(t, provider(t, s, configFor(t, s)), execution.Spec{})
}

const (
	countCode = "for i in range(60_000): print(i)"
	fileCode  = "open('b', 'wb').write(bytes(range(256)) * 8_000);"
)

// whole checks that a long output and a file arrive as they were.
func whole(t *testing.T, session execution.Session) {
	t.Helper()
	o := run(t, session, countCode)
	if n := strings.Count(o.stdout, "\n"); o.err != nil || n != 60_000 || !strings.HasSuffix(o.stdout, "\n59999\n") {
		t.Errorf("%d lines arrived (%v)", n, o.err)
	}
	o = run(t, session, fileCode)
	if o.err != nil || len(o.outputs) != 1 || o.outputs[0].Artifact.SizeBytes != 256*8_000 {
		t.Errorf("the file did not arrive: %v %v", o.outputs, o.err)
	}
}

// A run that is ended as if for its time, long before that: somebody ended the
// interpreter, and with it the kernel.
func TestTimeoutBeforeItsTime(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(n int, r *daytonatest.Run) { r.TimeOut = n == 2 })
	run(t, session, "import time; time.sleep(60)").ends(t, execution.CodeDied, true)
}

func TestCodeThatInterruptsItsInterpreter(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(int, *daytonatest.Run) {})
	prints(t, session, "import os, signal\nfor i in range(100): os.kill(os.getppid(), signal.SIGINT)\nprint('no harm')", "no harm\n")
	whole(t, session)
}

// A time below a second would be none at all.
func TestRunsAlwaysHaveATime(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	var runs, endless atomic.Int32
	s.OnRun(func(r *daytonatest.Run) {
		if runs.Add(1); r.Timeout == nil || *r.Timeout < 1 {
			endless.Add(1)
		}
	})
	config := configFor(t, s)
	config.Limits.StepTime = 300 * time.Millisecond
	session := open(t, provider(t, s, config), execution.Spec{})
	run(t, session, "while True: pass").ends(t, execution.CodeTimeout, false)
	if runs.Load() < 4 || endless.Load() > 0 {
		t.Errorf("%d of %d runs have no time", endless.Load(), runs.Load())
	}
}

// The connection is closed in order, as after a success.
func TestDeadInterpreterIsNoSuccess(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(n int, r *daytonatest.Run) {
		if n == 2 {
			r.KillAt = 1
		}
	})
	run(t, session, "import time\nprint('on')\ntime.sleep(60)").ends(t, execution.CodeDied, true)
}

func TestCodeThatKillsItsInterpreter(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	session := open(t, provider(t, s, configFor(t, s)), execution.Spec{})
	run(t, session, "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)").ends(t, execution.CodeDied, true)
	eventually(t, "the sandbox is deleted", none(s))
}

func TestClosedInOrderWithoutAnEnd(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int{"done": 1000, "going away": 1001} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, session := trapped(t, func(n int, r *daytonatest.Run) {
				if n == 2 {
					r.CloseAt, r.CloseCode = 1, code
				}
			})
			// The interpreter is alive: another run takes over.
			prints(t, session, "import time\nprint('one', flush=True)\ntime.sleep(0.3)\nprint('two')", "one\ntwo\n")
		})
	}
}

func TestMessagesInPieces(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(_ int, r *daytonatest.Run) { r.Split = true })
	whole(t, session)
}

func TestLostMessage(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(n int, r *daytonatest.Run) {
		if n > 1 && n%2 == 0 {
			r.Lose = 3
		}
	})
	whole(t, session)
}

// Of a run that says nothing but that it ended, the very last is lost: the line, and
// then the word that says so.
func TestLostLastMessage(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	_, session := trapped(t, func(n int, r *daytonatest.Run) {
		runs.Store(int32(n))
		switch n {
		case 2:
			r.Lose = 1
		case 4:
			r.Lose = 2
		}
	})
	prints(t, session, "kept = 1", "")
	prints(t, session, "kept += 1", "")
	prints(t, session, "print(kept)", "2\n")
	if n := runs.Load(); n != 6 {
		t.Errorf("it took %d runs", n)
	}
}

func TestConnectionThatBreaks(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(n int, r *daytonatest.Run) {
		if n > 1 && n%2 == 0 {
			r.BreakAt = 2
		}
	})
	prints(t, session, "kept = 1", "")
	whole(t, session)
	prints(t, session, "print(kept)", "1\n")
}

// Daytona closes whoever is 256 messages behind. It need not come to that: but
// where it does, nothing is lost.
func TestSlowConsumerIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(n int, r *daytonatest.Run) {
		if n > 1 && n%2 == 0 {
			r.CloseAt, r.CloseCode, r.CloseText = 4, 1008, "slow consumer"
		}
	})
	whole(t, session)
}

// A host that does not come to listen holds the kernel up, and is not closed.
func TestSlowHostIsNoSlowConsumer(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	session := open(t, provider(t, s, config), execution.Spec{})
	var sent int64
	o := runWith(t, session, "print('first', flush=True)\nfor i in range(3): open(f'f{i}', 'wb').write(bytes(20 << 20))\nNone",
		func(execution.Event) {
			if sent > 0 {
				return
			}
			// Busy with the first event, until as much waits as may. That no more
			// comes is nothing that one could wait for.
			before := s.Messages()
			eventually(t, "a window is full", func() bool { return s.Messages()-before >= 60 })
			<-time.After(300 * time.Millisecond)
			sent = s.Messages() - before
		})
	if o.err != nil || len(o.outputs) != 3 || sent > 70 {
		t.Errorf("%d files arrived, %d messages to a host that did not listen (%v)", len(o.outputs), sent, o.err)
	}
	if n := s.SlowConsumers(); n != 0 {
		t.Errorf("it was closed %d times for being slow", n)
	}
}

// The SDK keeps what a run printed: long output comes in several runs.
func TestLongOutputIsParted(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	_, session := trapped(t, func(n int, _ *daytonatest.Run) { runs.Store(int32(n)) })
	o := run(t, session, "open('b', 'wb').write(bytes(30 << 20));")
	if o.err != nil || len(o.outputs) != 1 || runs.Load() < 4 {
		t.Errorf("%d files arrived in %d runs (%v)", len(o.outputs), runs.Load(), o.err)
	}
}

func TestContextThatIsGone(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	session := open(t, provider(t, s, configFor(t, s)), execution.Spec{})
	prints(t, session, "print(1)", "1\n")
	s.DropContexts(s.Sandboxes()[0].ID)
	run(t, session, "print(2)").ends(t, execution.CodeDied, true)
}

func TestToolboxThatIsGoneInTheMiddle(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Patience = time.Second
	session := open(t, provider(t, s, config), execution.Spec{})
	prints(t, session, "print(1)", "1\n")
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/toolbox/") {
			daytonatest.Fail(w, r, 503, "no route")
			return true
		}
		return false
	})
	o := run(t, session, "print(2)")
	o.ends(t, execution.CodeUnavailable, true)
	contains(t, "the message", o.err.Message, "could not be reached any more")
}

// What comes over the connection is not trusted: code can reach the interpreter
// and write there. Which lines are refused is a test of the link's own.
func TestLineThatTheRelayWouldNotSend(t *testing.T) {
	t.Parallel()
	_, session := trapped(t, func(n int, r *daytonatest.Run) {
		if n == 2 {
			r.Inject = []string{"hello"}
		}
	})
	run(t, session, "import time\ntime.sleep(30)").ends(t, execution.CodeProtocol, true)
}

// An upload may break with half of the file written, and is repeated.
func TestUploadsThatBreak(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	seen := map[string]bool{}
	lock := make(chan struct{}, 1)
	s.BreakUploads(func(path string) bool {
		lock <- struct{}{}
		defer func() { <-lock }()
		defer func() { seen[path] = true }()
		return !seen[path]
	})
	session := open(t, provider(t, s, configFor(t, s)), withFile(t, "a.csv", strings.Repeat("x,y\n", 1000)))
	prints(t, session, "print(len(open('a.csv').read()))", "4000\n")
	prints(t, session, "print(2)", "2\n")
	if len(seen) < 5 {
		t.Errorf("only %d files were uploaded", len(seen))
	}
}

// An upload that is cut and yet answered with success is found by its hash.
func TestUploadsThatAreCut(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{"/kernel-": "the kernel did not arrive whole", "/parts/": "an input did not arrive whole"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := standIn(t, daytonatest.Options{})
			s.CorruptUploads(func(path string) bool { return strings.Contains(path, part) })
			config := configFor(t, s)
			config.Patience = time.Second
			failure := refused(t, provider(t, s, config), withFile(t, "a.csv", "x,y\n1,2\n"))
			contains(t, "the message", failure.Message, "Python could not be started", want, "the snapshot mark-plotly")
			eventually(t, "the sandbox is deleted", none(s))
		})
	}
}

func TestKernelThatDoesNotStart(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	nth(s, func(n int, r *daytonatest.Run) { r.TimeOut = n == 1 }) // ends the interpreter
	failure := refused(t, provider(t, s, configFor(t, s)), execution.Spec{})
	if failure.Code != execution.CodeUnavailable {
		t.Errorf("the failure is %v", failure)
	}
	contains(t, "the message", failure.Message, "Python could not be started", "deploy/daytona")
}

// Closing ends code that is running, through the deletion of its context: the end
// of a request's context would not.
func TestClosingDeletesTheContext(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	session := open(t, provider(t, s, configFor(t, s)), execution.Spec{})
	var deleted atomic.Int32
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/process/interpreter/context/") {
			deleted.Add(1)
		}
		return false
	})
	closed := make(chan error, 1)
	begun := false
	o := runWith(t, session, "print('on')\nwhile True: pass", func(execution.Event) {
		if !begun {
			begun = true
			go func() { closed <- session.Close() }()
		}
	})
	if err := <-closed; err != nil || o.err == nil || !o.err.Fatal {
		t.Errorf("closing gave %v, the step ended with %v", err, o.err)
	}
	if deleted.Load() != 1 || len(s.Sandboxes()) != 0 {
		t.Errorf("%d contexts were deleted, %d sandboxes are left", deleted.Load(), len(s.Sandboxes()))
	}
}
