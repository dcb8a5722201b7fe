package sandboxtest

import (
	"context"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// channel finds the kernel's own end of the wire, and with it the sentinel of
// the step: what the best informed forger has.
const channel = `import gc, json, os, struct
channel = next(o for o in gc.get_objects() if type(o).__name__ == "Channel")
def frame(kind, payload=b""): return struct.pack(">I1s16s", len(payload), kind, channel.sentinel) + payload
def forge(kind, value=None): os.write(channel._out, frame(kind, b"" if value is None else json.dumps(value).encode()))
`

func frameCases() []testCase {
	ended := func(code string, want ...execution.Code) func(t *testing.T, s session) {
		return func(t *testing.T, s session) {
			o := s.try(t, t.Context(), channel+code)
			if o.err == nil || !o.err.Fatal {
				t.Fatalf("the step ended with %v, %+v", o.err, o.result.Failure)
			}
			known := false
			for _, code := range want {
				known = known || o.err.Code == code
			}
			if !known {
				t.Errorf("the step ended with %v, want one of %v", o.err, want)
			}
			// The next session knows nothing of it.
			next := session{s.open(t, execution.Spec{}), s.open}
			next.fails(t, "channel", "NameError")
			next.prints(t, "print('on')", "on\n")
		}
	}
	short := limited(execution.Limits{StepTime: 5 * time.Second})
	return []testCase{
		{name: "facts that the code tells of itself", run: ended(`forge(b"f", {"parsed": True})`, execution.CodeProtocol)},
		{name: "an output that no kernel makes", run: ended(`forge(b"o", {"mimeType": "text/html", "text": "<script>"})`, execution.CodeProtocol)},
		{name: "a table whose rows are no rows", run: ended(`forge(b"o", {"mimeType": "application/vnd.mark.table+json", "table": {"columns": ["a"], "rows": [[{}]], "rowCount": 1, "truncated": False}})`, execution.CodeProtocol)},
		{name: "an artifact in another", run: ended(`for _ in range(2): forge(b"a", {"name": "x", "kind": "file"})`, execution.CodeProtocol)},
		{name: "an end in an artifact", run: ended(`forge(b"a", {"name": "x", "kind": "file"})`, execution.CodeProtocol)},
		{name: "an image that is a program", run: ended(`forge(b"a", {"name": "x.png", "kind": "image"}); os.write(channel._out, frame(b"b", b"<svg onload=alert(1)>")); forge(b"z")`, execution.CodeProtocol)},
		{name: "a limit that there is not", run: ended(`forge(b"d", {"failure": {"name": "E", "message": "", "traceback": "", "limit": "sky"}, "truncated": False, "stopped": ""})`, execution.CodeProtocol)},
		{name: "endless outputs", run: ended(`big = frame(b"o", json.dumps({"mimeType": "text/plain", "text": "x" * 60_000}).encode()) * 100
while True: os.write(channel._out, big)`, execution.CodeProtocol)},
		{name: "half a frame, then nothing", spec: short, run: ended(`os.write(channel._out, frame(b"o", b"{}" * 100)[:50])
while True: pass`, execution.CodeProtocol, execution.CodeTimeout)},
		{name: "a frame cut by another", run: ended(`import threading
whole = frame(b"1", b"x" * 60_000)
def write():
    for _ in range(200):
        for n in range(0, len(whole), 7_001): os.write(channel._out, whole[n:n + 7_001])
threads = [threading.Thread(target=write) for _ in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]`, execution.CodeProtocol)},
		{name: "a forged end with the step's sentinel", run: func(t *testing.T, s session) {
			// The step ends when it says so; what it then goes on to say is of
			// no step, and ends the session.
			o := s.try(t, context.Background(), channel+`forge(b"d", {"truncated": False, "stopped": ""})
print("still here")`)
			if o.err != nil || o.result.Failure != nil {
				t.Fatalf("the step ended with %v, %+v", o.err, o.result.Failure)
			}
			o = s.try(t, context.Background(), "print('next')")
			o.ends(t, execution.CodeProtocol, true)
			if o.stdout != "" {
				t.Errorf("the next step printed %q", o.stdout)
			}
		}},
		{name: "letters that are frames of their own", run: func(t *testing.T, s session) {
			o := s.ok(t, channel+`letters = (frame(b"1", b"a") + frame(b"2", b"b")) * 10_000
view = memoryview(letters)
while view: view = view[os.write(channel._out, view):]
None`)
			if len(o.stdout) != 10_000 || len(o.stderr) != 10_000 {
				t.Errorf("%d and %d letters came", len(o.stdout), len(o.stderr))
			}
			if most := 2 * (int(o.result.Duration/(20*time.Millisecond)) + 4); o.chunks > most {
				t.Errorf("they came in %d chunks, want %d at most", o.chunks, most)
			}
			s.prints(t, "print('on')", "on\n")
		}},
	}
}
