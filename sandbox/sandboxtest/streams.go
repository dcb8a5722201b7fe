package sandboxtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/execution"
)

func streamCases() []testCase {
	return []testCase{
		{name: "stdout and stderr are told apart", run: func(t *testing.T, s session) {
			o := s.ok(t, "import sys\nprint('a')\nprint('b', file=sys.stderr)")
			if o.stdout != "a\n" || o.stderr != "b\n" {
				t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
			}
		}},
		{name: "output arrives while the code runs, without a line's end too", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			o := s.try(t, ctx, "import time\nprint('now', end='')\ntime.sleep(60)", func(execution.Event) { cancel() })
			o.ends(t, execution.CodeCancelled, false)
			if o.stdout != "now" {
				t.Errorf("printed %q before it was stopped", o.stdout)
			}
		}},
		{name: "children's and C's output counts, in order", run: func(t *testing.T, s session) {
			s.prints(t, `import os, subprocess, sys
print("one")
subprocess.run([sys.executable, "-I", "-c", "print('two')"])
os.write(1, b"three\n")
print("four")`, "one\ntwo\nthree\nfour\n")
		}},
		{name: "threads print", run: func(t *testing.T, s session) {
			o := s.ok(t, `import threading
ts = [threading.Thread(target=lambda i=i: [print(f"{i}-{j}") for j in range(50)]) for i in range(8)]
[t.start() for t in ts]
[t.join() for t in ts];`)
			for i := range 8 {
				if n := strings.Count(o.stdout, string(rune('0'+i))+"-"); n < 50 {
					t.Errorf("thread %d printed %d lines, want 50", i, n)
				}
			}
		}},
		{name: "a thread that goes on printing after its step", run: func(t *testing.T, s session) {
			s.ok(t, `import threading, time
on = True
def talk():
    while on: print("x" * 1000)
talker = threading.Thread(target=talk, daemon=True)
talker.start();`)
			for range 5 {
				if o := s.ok(t, "print('mine')"); !strings.Contains(o.stdout, "mine\n") && !o.result.Truncated {
					t.Errorf("%d bytes were printed, none of them the step's own", len(o.stdout))
				}
			}
			s.ok(t, "on = False\ntalker.join()")
			s.prints(t, "print('quiet')", "quiet\n")
		}},
		{name: "children print while threads do", run: func(t *testing.T, s session) {
			// A child is forked with whatever locks the other threads hold.
			o := s.ok(t, `import os, threading
on = True
def talk():
    while on: print(".", end="", flush=True)
threads = [threading.Thread(target=talk) for _ in range(3)]
[t.start() for t in threads]
for i in range(10):
    pid = os.fork()
    if not pid:
        print(f"child {i}", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
on = False
[t.join() for t in threads];`)
			for i := range 10 {
				contains(t, "stdout", o.stdout, fmt.Sprintf("child %d", i))
			}
		}},
		{name: "warnings go to stderr", run: func(t *testing.T, s session) {
			o := s.ok(t, "import warnings\nwarnings.warn('mind the gap')")
			contains(t, "stderr", o.stderr, "mind the gap")
		}},
		{name: "a character in two pieces stays one", run: func(t *testing.T, s session) {
			s.prints(t, `import os, time
for b in "žluťoučký 🐧".encode():
    os.write(1, bytes([b]))
    time.sleep(0.03)`, "žluťoučký 🐧")
		}},
		{name: "what is no UTF-8 is replaced", run: func(t *testing.T, s session) {
			s.prints(t, `import os; os.write(1, b"a\xff\xfeb\x00c\xf0\x9f");`, "a\uFFFD\uFFFDb\uFFFDc\uFFFD")
		}},
		{name: "half a surrogate pair can be printed", run: func(t *testing.T, s session) {
			s.prints(t, `print("\ud83d")`, "\\ud83d\n")
		}},
		{name: "one very long line", run: func(t *testing.T, s session) {
			o := s.ok(t, "print('é' * 400_000, end='')")
			if o.stdout != strings.Repeat("é", 400_000) || o.result.Truncated {
				t.Errorf("%d bytes arrived, want 800000; truncated %v", len(o.stdout), o.result.Truncated)
			}
		}},
		{name: "many short lines are gathered", run: func(t *testing.T, s session) {
			o := s.ok(t, "for i in range(50_000): print(i)")
			if n := strings.Count(o.stdout, "\n"); n != 50_000 || !strings.HasSuffix(o.stdout, "\n49999\n") {
				t.Errorf("%d lines arrived, want 50000", n)
			}
			if o.chunks > 5_000 {
				t.Errorf("they came in %d chunks", o.chunks)
			}
		}},
		{name: "output beyond the limit is dropped and the step goes on", spec: limited(execution.Limits{OutputBytes: 10_001}),
			run: func(t *testing.T, s session) {
				o := s.ok(t, "print('ž' * 100_000)\nprint('x' * 100_000)\nafter = 1")
				if len(o.stdout) > 10_001 || len(o.stdout) < 9_990 || !o.result.Truncated || !utf8.ValidString(o.stdout) {
					t.Errorf("%d bytes arrived, truncated %v", len(o.stdout), o.result.Truncated)
				}
				o = s.ok(t, "print(after)")
				if o.stdout != "1\n" || o.result.Truncated {
					t.Errorf("the next step printed %q, truncated %v", o.stdout, o.result.Truncated)
				}
			}},
		{name: "closed and replaced streams are mended", run: func(t *testing.T, s session) {
			s.ok(t, "import io, sys\nsys.stdout = io.StringIO()\nprint('nowhere')")
			s.prints(t, "print('here')", "here\n")
			s.ok(t, "sys.stdout.close()")
			s.prints(t, "print('again')", "again\n")
			s.ok(t, "import os\nos.close(1)\nos.close(2)")
			s.prints(t, "print('still')", "still\n")
		}},
		// Each ends, with the next step, what the kernel's own stream is made over.
		{name: "streams made anew over the kernel's are mended", run: func(t *testing.T, s session) {
			for _, made := range []string{
				`io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")`,
				`io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8")`,
				`os.fdopen(1, "w")`,
				`open("/dev/fd/1", "w")`,
				`os.fdopen(2, "w")`,
			} {
				o := s.ok(t, "import io, os, sys\nsys.stdout = "+made+"\nprint('at once')")
				if o.stdout+o.stderr != "at once\n" {
					t.Errorf("over %s: printed %q and %q", made, o.stdout, o.stderr)
				}
				o = s.ok(t, "import sys\nprint('here')\nprint('there', file=sys.stderr)")
				if o.stdout != "here\n" || o.stderr != "there\n" {
					t.Errorf("after %s: printed %q and %q", made, o.stdout, o.stderr)
				}
			}
			// What is the code's own is not the kernel's to flush.
			s.ok(t, `class Own(io.RawIOBase):
    def writable(self): return True
    def write(self, data):
        written.append(bytes(data))
        return len(data)
written = []
sys.stdout = io.TextIOWrapper(io.BufferedWriter(Own()))
print("kept")
display(0)
assert not written`)
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "standard input is empty", run: func(t *testing.T, s session) {
			s.prints(t, "import os, sys\nprint(repr(sys.stdin.read()), os.read(0, 10))", "'' b''\n")
		}},
		{name: "something like a frame is but text", run: func(t *testing.T, s session) {
			o := s.ok(t, `import os; os.write(1, b"\x00\x00\x00\x02d" + bytes(16) + b"{}");`)
			contains(t, "stdout", o.stdout, "d", "{}")
			s.prints(t, "print('on')", "on\n")
		}},
	}
}
