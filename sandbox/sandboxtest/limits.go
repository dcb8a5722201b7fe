package sandboxtest

import (
	"context"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

func limitCases() []testCase {
	short := limited(execution.Limits{StepTime: 3 * time.Second})
	cancelOn := func(t *testing.T, s session, code string) outcome {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		return s.try(t, ctx, code, func(execution.Event) { cancel() })
	}
	return []testCase{
		{name: "time: a sleeper is woken and its variables kept", spec: short, run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), "kept = 3\nimport time\ntime.sleep(60)")
			o.ends(t, execution.CodeTimeout, false)
			if o.result.Duration > 20*time.Second {
				t.Errorf("it took %v", o.result.Duration)
			}
			s.prints(t, "print(kept)", "3\n")
		}},
		{name: "time: a busy loop", spec: short, run: func(t *testing.T, s session) {
			s.try(t, t.Context(), "kept = 4\nwhile True: pass").ends(t, execution.CodeTimeout, false)
			s.prints(t, "print(kept)", "4\n")
		}},
		{name: "time: a loop that catches once", spec: short, run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), `import time
for attempt in range(2):
    try:
        while True: time.sleep(1)
    except BaseException: pass`)
			o.ends(t, execution.CodeTimeout, false)
			s.prints(t, "print(attempt)", "1\n")
		}},
		{name: "time: a loop that never gives in ends the session", spec: short, run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), "while True:\n    try:\n        while True: pass\n    except BaseException: pass")
			o.ends(t, execution.CodeTimeout, true)
			s.try(t, t.Context(), "1").ends(t, execution.CodeTimeout, true)
		}},
		{name: "time: ignoring the signal ends the session", spec: short, run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass")
			o.ends(t, execution.CodeTimeout, true)
		}},
		{name: "time: an ignored signal of an earlier step does not help", spec: short, run: func(t *testing.T, s session) {
			s.ok(t, "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN);")
			s.try(t, t.Context(), "while True: pass").ends(t, execution.CodeTimeout, false)
		}},
		{name: "cancel: at work", run: func(t *testing.T, s session) {
			o := cancelOn(t, s, "kept = 5\nprint('on')\nwhile True: sum(range(1000))")
			o.ends(t, execution.CodeCancelled, false)
			s.prints(t, "print(kept)", "5\n")
		}},
		{name: "cancel: waiting for a child", run: func(t *testing.T, s session) {
			o := cancelOn(t, s, "import subprocess, sys\nprint('on', flush=True)\nsubprocess.run([sys.executable, '-I', '-c', 'import time; time.sleep(60)'])")
			o.ends(t, execution.CodeCancelled, false)
		}},
		{name: "cancel: printing", run: func(t *testing.T, s session) {
			o := cancelOn(t, s, "while True: print('x' * 10)")
			if o.err == nil || o.err.Fatal {
				t.Fatalf("ended with %v", o.err)
			}
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "cancel: drawing", run: func(t *testing.T, s session) {
			o := cancelOn(t, s, "plt.plot([1, 2])\nprint('on')\nwhile True: plt.savefig('x.png')")
			o.ends(t, execution.CodeCancelled, false)
			o = s.ok(t, "print(plt.get_fignums())")
			for _, out := range o.outputs {
				if out.MIME == execution.MIMEPNG {
					t.Error("the stopped step's figure came with the next")
				}
			}
		}},
		{name: "cancel: before it began", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			s.try(t, ctx, "ran = 1").ends(t, execution.CodeCancelled, false)
			s.fails(t, "ran", "NameError")
		}},
		{name: "cancel: many times", run: func(t *testing.T, s session) {
			s.ok(t, "n = 0")
			for range 15 {
				cancelOn(t, s, "n += 1\nprint(n)\nwhile True: display(n) if n < 0 else None").ends(t, execution.CodeCancelled, false)
			}
			s.prints(t, "print(n)", "15\n")
		}},
		{name: "cancel: in the middle of an output", run: func(t *testing.T, s session) {
			for range 5 {
				o := cancelOn(t, s, "f = px.line(y=list(range(3000)))\nfor i in range(100_000): display(f.update_layout(title=str(i)))")
				if o.err == nil || o.err.Fatal {
					t.Fatalf("ended with %v", o.err)
				}
			}
		}},
		// Every interrupt comes at another moment of the kernel's own work. One that left a
		// lock taken would have the rest wait for ever, or the end of the step.
		{name: "interrupts: they leave no lock behind", spec: limited(execution.Limits{Outputs: 1 << 20}), run: func(t *testing.T, s session) {
			for _, work := range []string{"mark.progress(1, 2)", "display(0)"} {
				s.ok(t, `import gc, mark, random, signal
interrupts = next(o for o in gc.get_objects() if type(o).__name__ == "Interrupts")
signal.signal(signal.SIGALRM, interrupts._handle)
for _ in range(2000):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 4e-4))
        while True: `+work+`
    except KeyboardInterrupt: pass
`)
			}
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "a flood of output is ended early", run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), "kept = 6\nline = 'x' * 1_000_000\nfor i in range(1_000): print(line)\nkept = 7")
			o.ends(t, execution.CodeOutput, false)
			if !o.result.Truncated || len(o.stdout) > 1<<20 {
				t.Errorf("%d bytes, truncated %v", len(o.stdout), o.result.Truncated)
			}
			s.prints(t, "print(kept)", "6\n")
		}},
		{name: "a child's flood too", run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), "import subprocess, sys\nsubprocess.run([sys.executable, '-I', '-c', 'while True: print(\"y\" * 100000)'])")
			o.ends(t, execution.CodeOutput, false)
			s.prints(t, "print('on')", "on\n")
		}},
	}
}
