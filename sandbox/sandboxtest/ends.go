package sandboxtest

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// raw finds the descriptors of the protocol as a hostile program would and
// writes to them.
const raw = `import os, struct
def send(data):
    for fd in os.listdir("/proc/self/fd"):
        if int(fd) > 2:
            try: os.write(int(fd), data)
            except OSError: pass
`

func endCases() []testCase {
	ended := func(code string, want execution.Code) func(t *testing.T, s session) {
		return func(t *testing.T, s session) {
			s.try(t, t.Context(), code).ends(t, want, true)
			again := s.try(t, t.Context(), "print(1)")
			again.ends(t, want, true)
			if again.stdout != "" {
				t.Errorf("a dead session printed %q", again.stdout)
			}
		}
	}
	return []testCase{
		{name: "os._exit", run: ended("import os\nos._exit(0)", execution.CodeDied)},
		{name: "killed by itself", run: ended("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", execution.CodeDied)},
		{name: "a crash", run: ended("import ctypes\nctypes.string_at(0)", execution.CodeDied)},
		{name: "all descriptors closed", run: ended("import os\nos.closerange(0, 5000)\nprint(1)", execution.CodeDied)},
		{name: "junk on the channel", run: ended(raw+"send(b'junk' * 100)", execution.CodeProtocol)},
		{name: "a forged done", run: ended(raw+`send(struct.pack(">I1s16s", 2, b"d", bytes(16)) + b"{}")`, execution.CodeProtocol)},
		{name: "an enormous frame", run: ended(raw+`send(struct.pack(">I1s16s", 0xffffffff, b"o", bytes(16)))`, execution.CodeProtocol)},
		{name: "half a frame, then the end", run: ended(raw+`send(struct.pack(">I1s16s", 60_000, b"1", bytes(16)) + b"x")
os._exit(0)`, execution.CodeDied)},
		{name: "what was printed before the crash arrives", run: func(t *testing.T, s session) {
			// What is shown comes after what was printed, and the host's answer after both:
			// only then does it crash.
			var asked []string
			o := s.tryWith(t, t.Context(), "import mark, os\nprint('last words')\ndisplay(0)\nmark.files()\nos._exit(1)", answering(&asked))
			o.ends(t, execution.CodeDied, true)
			if o.stdout != "last words\n" || len(o.outputs) != 1 {
				t.Errorf("printed %q, showed %v", o.stdout, o.order)
			}
		}},
		{name: "closing twice, and running after", run: func(t *testing.T, s session) {
			s.ok(t, "1")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatalf("the second Close: %v", err)
			}
			o := s.try(t, t.Context(), "1")
			if o.err == nil || !o.err.Fatal {
				t.Errorf("Run after Close gave %v", o.err)
			}
		}},
		{name: "closing during a step", run: func(t *testing.T, s session) {
			closed := make(chan error, 1)
			started := false
			o := s.try(t, context.Background(), "print('on')\nwhile True: pass", func(execution.Event) {
				if !started {
					started = true
					go func() { closed <- s.Close() }()
				}
			})
			if o.err == nil || !o.err.Fatal {
				t.Errorf("Run ended with %v", o.err)
			}
			if !started {
				t.Fatal("the step printed nothing")
			}
			if err := <-closed; err != nil {
				t.Errorf("Close: %v", err)
			}
		}},
	}
}
