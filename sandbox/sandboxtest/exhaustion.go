package sandboxtest

import (
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// exhaustionCases are limits that code meets as exceptions: each has its name,
// and the session goes on, even where the code keeps all that it took.
func exhaustionCases() []testCase {
	met := func(t *testing.T, s session, code string, want execution.Limit) outcome {
		t.Helper()
		o := s.try(t, t.Context(), code)
		if o.err != nil || o.result.Failure == nil {
			t.Fatalf("%s\nended with %v, %+v", code, o.err, o.result.Failure)
		}
		if got := o.result.Failure.Limit; got != want {
			t.Errorf("%s\nmet the limit %q, want %q: %s", code, got, want, o.result.Failure.Message)
		}
		return o
	}
	return []testCase{
		{name: "a full disk", run: func(t *testing.T, s session) {
			met(t, s, "with open('/dev/full', 'w') as f: f.write('x' * 100_000)", execution.LimitDisk)
			met(t, s, "pd.DataFrame({'a': range(10)}).to_csv('/dev/full')", execution.LimitDisk)
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "a limit that a library wraps", run: func(t *testing.T, s session) {
			met(t, s, "import errno\ntry:\n    raise OSError(errno.ENOSPC, 'full')\nexcept OSError as e:\n    raise RuntimeError('cannot save') from e", execution.LimitDisk)
			met(t, s, "try:\n    raise OSError(errno.EMFILE, 'many')\nexcept OSError:\n    raise ValueError('cannot open')", execution.LimitFiles)
			met(t, s, "raise ExceptionGroup('all', [ValueError(), OSError(errno.ENFILE, 'many')])", execution.LimitFiles)
			met(t, s, "raise RuntimeError(\"can't start new thread\")", execution.LimitProcesses)
			// A chain that leads back to itself is looked at once.
			met(t, s, "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a", execution.LimitNone)
		}},
		{name: "what only looks like a limit", run: func(t *testing.T, s session) {
			met(t, s, "import os\nr, w = os.pipe()\nos.set_blocking(r, False)\nos.read(r, 1)", execution.LimitNone)
			met(t, s, "open('missing.csv')", execution.LimitNone)
			met(t, s, "eval('-' * 200_000 + '1')", execution.LimitNone)
			met(t, s, "class Odd(Exception):\n    @property\n    def args(self): raise SystemExit\nraise Odd", execution.LimitNone)
		}},
		{name: "every descriptor is taken, and kept", run: func(t *testing.T, s session) {
			o := met(t, s, `import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
with open("left.txt", "w") as f: f.write("left")
plt.plot([1, 2])
kept = []
while True: kept.append(open("/dev/null"))`, execution.LimitFiles)
			if len(o.outputs) != 2 || o.outputs[0].MIME != execution.MIMEPNG || o.outputs[1].Artifact.Name != "left.txt" {
				t.Errorf("showed %v", o.order)
			}
			s.prints(t, "print(len(kept) > 10)", "True\n")
			met(t, s, "open('/dev/null')", execution.LimitFiles)
			s.prints(t, "del kept\nprint(open('left.txt').read())", "left\n")
		}},
		{name: "all memory is taken, and kept", spec: limited(execution.Limits{MemoryBytes: 640 << 20}), run: func(t *testing.T, s session) {
			o := met(t, s, "plt.plot([1, 2])\nkept = []\nwhile True: kept.append(bytearray(1 << 20))", execution.LimitMemory)
			if len(o.outputs) != 1 || o.outputs[0].MIME != execution.MIMEPNG {
				t.Errorf("showed %v", o.order)
			}
			s.prints(t, "print(len(kept) > 10)", "True\n")
			met(t, s, "np.ones(50_000_000)", execution.LimitMemory)
			s.prints(t, "kept.clear()\nprint(len(np.ones(10_000_000)))", "10000000\n")
		}},
	}
}
