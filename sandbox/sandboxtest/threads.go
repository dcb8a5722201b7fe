package sandboxtest

import (
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// threadCases are threads that show something, at once or when their step has
// long ended.
func threadCases() []testCase {
	return []testCase{
		{name: "threads show pictures at once", spec: limited(execution.Limits{Outputs: 100, Artifacts: 100}), run: func(t *testing.T, s session) {
			o := s.ok(t, `import threading
from PIL import Image
noise = [Image.fromarray(np.random.default_rng(i).integers(0, 255, (300, 300, 3), "uint8")) for i in range(8)]
threads = [threading.Thread(target=lambda image=image: [display(image) for _ in range(5)]) for image in noise]
[t.start() for t in threads]
[t.join() for t in threads]
open("last", "w").write("x");`)
			if len(o.outputs) != 41 {
				t.Errorf("%d outputs came, want 41", len(o.outputs))
			}
			for _, out := range o.outputs[:40] {
				if out.MIME != execution.MIMEPNG || content(t, out) == "" {
					t.Fatalf("a %s among the pictures", out.MIME)
				}
			}
		}},
		// It shows all the time, so that much of it falls between two steps.
		{name: "a thread that outlived its step shows", spec: limited(execution.Limits{Outputs: 1 << 20}), run: func(t *testing.T, s session) {
			s.ok(t, `import threading
from PIL import Image
on, shown = True, threading.Event()
def show():
    while on:
        display(1); display(Image.new("L", (9, 9)))
        shown.set()
thread = threading.Thread(target=show, daemon=True)
thread.start()
shown.wait();`)
			for range 5 {
				s.ok(t, "shown.clear()\nshown.wait()\nprint('mine');")
			}
			s.ok(t, "on = False\nthread.join()")
			s.prints(t, "print('quiet')", "quiet\n")
		}},
		// The thread is held on its way to whoever sends its output, until its step
		// has let that go, and until another has begun.
		{name: "a thread that shows while its step ends goes on", run: func(t *testing.T, s session) {
			for _, held := range []struct{ at, until string }{
				{"flush", "pass"},
				{"ask", "over.wait()"},
			} {
				s.ok(t, `import sys, threading
there, over, shown = threading.Event(), threading.Event(), False
def hold(frame, event, _):
    if frame.f_code.co_name == "`+held.at+`" and frame.f_code.co_filename.endswith("streams.py"):
        streams = frame.f_back.f_locals["self"]
        pump = streams._pump
        there.set()
        while streams._pump is pump:
            pass
        `+held.until+`
def show():
    global shown
    sys.settrace(hold)
    display(1)
    shown = True
thread = threading.Thread(target=show, daemon=True)
thread.start()
there.wait();`)
				s.prints(t, "over.set()\nthread.join()\nprint(shown)", "True\n")
			}
		}},
		// It has taken of what one step may send when another has begun, of whose part it
		// has nothing.
		{name: "a picture that comes a step late", spec: limited(execution.Limits{Artifacts: 1}), run: func(t *testing.T, s session) {
			s.ok(t, `import sys, threading
from PIL import Image
there, over = threading.Event(), threading.Event()
def hold(frame, event, _):
    if frame.f_code.co_name == "sync" and frame.f_code.co_filename.endswith("streams.py"):
        there.set()
        over.wait()
def show():
    sys.settrace(hold)
    display(Image.new("L", (9, 9)))
thread = threading.Thread(target=show, daemon=True)
thread.start()
there.wait();`)
			o := s.ok(t, `over.set()
thread.join()
display(Image.new("RGB", (2, 2)), title="mine")`)
			if len(o.outputs) != 1 || o.outputs[0].Title != "mine" || len(o.result.Notices) > 0 {
				t.Errorf("showed %+v, told %+v", o.outputs, o.result.Notices)
			}
		}},
		{name: "a thread tells progress between steps", run: func(t *testing.T, s session) {
			s.ok(t, `import mark, threading
on = True
def tell():
    n = 0
    while on:
        n += 1
        mark.progress(n, n)
thread = threading.Thread(target=tell, daemon=True)
thread.start();`)
			for range 5 {
				s.ok(t, "1;")
			}
			s.ok(t, "on = False\nthread.join()")
		}},
	}
}
