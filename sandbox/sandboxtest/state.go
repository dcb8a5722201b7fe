package sandboxtest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

func stateCases() []testCase {
	return []testCase{
		{name: "variables, functions and imports persist", run: func(t *testing.T, s session) {
			s.ok(t, "import math\nx = 20\ndef double(n): return 2 * n")
			s.prints(t, "print(double(x) + math.floor(2.5))", "42\n")
		}},
		{name: "a failed step keeps what it had done", run: func(t *testing.T, s session) {
			s.fails(t, "kept = 1\nraise ValueError('no')", "ValueError")
			s.prints(t, "print(kept)", "1\n")
		}},
		{name: "classes can be pickled and dataclasses made", run: func(t *testing.T, s session) {
			s.ok(t, "import pickle\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1")
			s.prints(t, "print(pickle.loads(pickle.dumps(P(7))))", "P(x=7)\n")
		}},
		{name: "the names of the preamble are there", run: func(t *testing.T, s session) {
			s.prints(t, "print(*[m.__name__ for m in (pd, np, px, go, plt)])",
				"pandas numpy plotly.express plotly.graph_objects matplotlib.pyplot\n")
		}},
		{name: "the last value is the underscore", run: func(t *testing.T, s session) {
			s.ok(t, "6 * 7")
			s.prints(t, "print(_)", "42\n")
		}},
		{name: "sessions share nothing", run: func(t *testing.T, s session) {
			other := session{s.open(t, execution.Spec{}), s.open}
			s.ok(t, "here = 1\nopen('here.txt', 'w').close()")
			other.fails(t, "here", "NameError")
			other.prints(t, "import os; print(os.path.exists('here.txt'))", "False\n")
		}},
		{name: "sessions draw different random numbers", run: func(t *testing.T, s session) {
			other := session{s.open(t, execution.Spec{}), s.open}
			for _, draw := range []string{
				"import random; print(random.random())",
				"print(np.random.rand())",
				"print(np.random.default_rng().random())",
				"import uuid; print(uuid.uuid4())",
				"import uuid; print(uuid.uuid1())",
				"import tempfile; print(tempfile.mktemp())",
				"import os; print(os.urandom(8))",
				"import duckdb; print(duckdb.sql('select random()').fetchall())",
			} {
				if a, b := s.ok(t, draw).stdout, other.ok(t, draw).stdout; a == b {
					t.Errorf("%s: both sessions drew %s", draw, a)
				}
			}
		}},
		{name: "a chosen seed stays chosen", run: func(t *testing.T, s session) {
			s.ok(t, "np.random.seed(1)")
			s.prints(t, "print(np.random.randint(1000))", "37\n")
		}},
		{name: "the clock is right", run: func(t *testing.T, s session) {
			o := s.ok(t, "import time; print(time.time())")
			at, err := strconv.ParseFloat(o.stdout[:len(o.stdout)-1], 64)
			if off := time.Since(time.UnixMicro(int64(at * 1e6))); err != nil || off.Abs() > time.Minute {
				t.Errorf("the session's time is off by %v (%v)", off, err)
			}
		}},
		{name: "the clock of durations runs", run: func(t *testing.T, s session) {
			o := s.ok(t, "import time\nt = time.monotonic()\ntime.sleep(0.05)\nprint(0.04 < time.monotonic() - t < 30)")
			if o.stdout != "True\n" || o.result.Duration < 40*time.Millisecond {
				t.Errorf("printed %q and took %v", o.stdout, o.result.Duration)
			}
		}},
		{name: "one step at a time", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			asked := false
			s.try(t, ctx, "print('on')\nimport time\ntime.sleep(60)", func(execution.Event) {
				if asked {
					return
				}
				asked = true
				if _, err := s.Run(context.Background(), "1", execution.Host{}); err == nil {
					t.Error("a second Run at once succeeded")
				}
				cancel()
			})
			if !asked {
				t.Error("the first step printed nothing")
			}
			s.prints(t, "print('free again')", "free again\n")
		}},
	}
}
