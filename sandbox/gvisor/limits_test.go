package gvisor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// What each misbehaviour comes to: the code of the error, whether variables
// survive, or else the exception that the code itself sees.
func TestLimits(t *testing.T) {
	small := execution.Limits{MemoryBytes: 512 << 20, StepTime: 3 * time.Second}
	roomy := execution.Limits{MemoryBytes: small.MemoryBytes, StepTime: 20 * time.Second} // in time
	for name, c := range map[string]struct {
		limits execution.Limits
		code   string
		want   execution.Code  // "" where the code only sees an exception
		raises []string        // any of these
		limit  execution.Limit // that the exception shows
		fatal  bool
	}{
		"never ends": {limits: small, code: "while True: pass", want: execution.CodeTimeout},
		"never ends and does not listen": {limits: execution.Limits{StepTime: 3 * time.Second}, want: execution.CodeTimeout, fatal: true,
			code: "while True:\n    try:\n        while True: pass\n    except BaseException: pass"},
		"one huge array": {limits: small, raises: []string{"MemoryError", "_ArrayMemoryError"}, limit: execution.LimitMemory,
			code: "np.ones(1 << 40)"},
		"memory by way of files": {limits: roomy, want: execution.CodeMemory, fatal: true,
			// Memory is looked at from time to time: the program waits to be seen.
			code: "import time\nchunk = b'x' * (1 << 20)\nwith open('/mnt/data/big', 'wb') as f:\n    for i in range(500): f.write(chunk)\ntime.sleep(2)"},
		"memory by way of children": {limits: roomy, want: execution.CodeMemory, fatal: true,
			code: "import os, time\nfor i in range(6):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (150 << 20)\n        time.sleep(60)\ntime.sleep(60)"},
		"fork bomb": {limits: execution.Limits{StepTime: 20 * time.Second}, raises: []string{"BlockingIOError", "OSError"}, limit: execution.LimitProcesses, // or its memory, below
			want: execution.CodeMemory, fatal: true,
			code: "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)"},
		"thread bomb": {raises: []string{"RuntimeError"}, limit: execution.LimitProcesses,
			code: "import threading, time\nstop = threading.Event()\ntry:\n    for i in range(1000): threading.Thread(target=stop.wait, daemon=True).start()\nfinally: stop.set()"},
		"prints a gigabyte": {want: execution.CodeOutput,
			code: "line = 'x' * (1 << 20)\nfor i in range(1024): print(line)"},
		"fills the disk": {raises: []string{"OSError"}, limit: execution.LimitDisk,
			code: "chunk = b'x' * (1 << 20)\ntry:\n    with open('/mnt/data/big', 'wb') as f:\n        for i in range(1 << 20): f.write(chunk)\nfinally:\n    import os; os.remove('/mnt/data/big')"},
		"opens files without end": {raises: []string{"OSError"}, limit: execution.LimitFiles,
			code: "import os\nopened = []\ntry:\n    while True: opened.append(os.open('/dev/null', os.O_RDONLY))\nfinally:\n    for fd in opened: os.close(fd)"},
		"raises":         {code: "1 / 0", raises: []string{"ZeroDivisionError"}},
		"exits":          {code: "import sys; sys.exit(3)", raises: []string{"SystemExit"}},
		"exits for good": {code: "import os; os._exit(3)", want: execution.CodeDied, fatal: true},
		"kills itself":   {code: "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", want: execution.CodeDied, fatal: true},
		"crashes":        {code: "import ctypes; ctypes.string_at(0)", want: execution.CodeDied, fatal: true},
		"kills all":      {code: "import os, signal\nif os.fork() == 0: os.kill(-1, signal.SIGKILL)\nos.wait()\nos.kill(1, signal.SIGKILL)", want: execution.CodeDied, fatal: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, execution.Spec{Limits: c.limits})
			prints(t, s, "kept = 41")
			o := run(t, s, c.code)
			switch {
			case o.err != nil && o.err.Code == execution.CodeTimeout && c.want == execution.CodeMemory:
				t.Fatalf("its memory was not held: %v", o.err)
			case o.err == nil && len(c.raises) > 0:
				if f := o.result.Failure; f == nil || !contains(c.raises, f.Name) {
					t.Fatalf("the code ended with %+v, want one of %v", o.result.Failure, c.raises)
				} else if f.Limit != c.limit {
					t.Errorf("the exception shows the limit %q, want %q: %s", f.Limit, c.limit, f.Message)
				}
			case o.err == nil:
				t.Fatalf("the code ended with %+v, want %s", o.result.Failure, c.want)
			case o.err.Code != c.want || o.err.Fatal != c.fatal:
				t.Fatalf("the step ended with %v (fatal %v), want %s (fatal %v)", o.err, o.err.Fatal, c.want, c.fatal)
			case !strings.HasSuffix(o.err.Message, "."):
				t.Errorf("%q is not a sentence", o.err.Message)
			}
			again := run(t, s, "print(kept + 1)")
			if o.err != nil && o.err.Fatal {
				if again.err == nil || again.err.Code != c.want || !again.err.Fatal {
					t.Errorf("the next step ended with %v, want %s again", again.err, c.want)
				}
			} else if again.err != nil || again.stdout != "42\n" {
				t.Errorf("the variables are gone: %q, %v", again.stdout, again.err)
			}
		})
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// A session's own limit is kept to, not the provider's.
func TestMemoryOfOneSession(t *testing.T) {
	code := "chunk = b'x' * (1 << 20)\nwith open('/tmp/f', 'wb') as a, open('/mnt/data/f', 'wb') as b:\n    for i in range(60): a.write(chunk)\n    for i in range(300): b.write(chunk)\nprint('written')"
	if got := prints(t, open(t, execution.Spec{}), code); got != "written" {
		t.Errorf("with the default it printed %q", got)
	}
	o := run(t, open(t, execution.Spec{Limits: execution.Limits{MemoryBytes: 400 << 20}}), code)
	if o.err == nil || o.err.Code != execution.CodeMemory {
		t.Errorf("with 400 MiB the step ended with %v %+v", o.err, o.result.Failure)
	} else if !strings.Contains(o.err.Message, "400 MiB") {
		t.Errorf("%q does not name the limit", o.err.Message)
	}
}

// What a step has taken and freed is not the session's any more when it has ended,
// and so in no snapshot, although the C library is told to keep what is freed.
func TestFreedMemoryIsGivenBack(t *testing.T) {
	s := open(t, execution.Spec{}).(sandbox.Snapshotter)
	before, _ := s.MemoryBytes()
	prints(t, s, "blocks = [bytearray(b'x') * (8 << 20) for _ in range(25)]; top = bytearray(100_000); del blocks")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C { // gVisor lets go of pages beside
		after, known := s.MemoryBytes()
		if known && after < before+64<<20 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d MiB before, %d MiB after", before>>20, after>>20)
		}
	}
}
