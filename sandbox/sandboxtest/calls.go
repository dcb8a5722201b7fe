package sandboxtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// answering is a host that answers a few methods in its own way.
func answering(asked *[]string) func(context.Context, execution.Call) (any, error) {
	return func(_ context.Context, c execution.Call) (any, error) {
		*asked = append(*asked, c.Method+" "+string(c.Args))
		switch c.Method {
		case "files":
			return []map[string]any{{"name": "a.csv", "path": "/mnt/data/a.csv", "bytes": 7}}, nil
		case "dataset":
			return map[string]string{"load": `pd.read_csv("a.csv")`}, nil
		case "query":
			return nil, &execution.CallError{Message: "no warehouse is configured"}
		}
		return nil, errors.New("a secret of the host's")
	}
}

func callCases() []testCase {
	return append(queryCases(), []testCase{
		{name: "code asks for files and datasets", spec: with("a.csv", "x,y\n1,2\n"), run: func(t *testing.T, s session) {
			var asked []string
			o := s.tryWith(t, context.Background(), "import mark\nprint(mark.files()[0]['path'], mark.dataset('a').y.sum())", answering(&asked))
			if o.err != nil || o.stdout != "/mnt/data/a.csv 2\n" {
				t.Errorf("printed %q, ended with %v %v", o.stdout, o.err, o.result.Failure)
			}
			if got := strings.Join(asked, "; "); got != `files {}; dataset {"name":"a"}` {
				t.Errorf("the host was asked %s", got)
			}
		}},
		{name: "a refusal is an exception that says why", run: func(t *testing.T, s session) {
			var asked []string
			o := s.tryWith(t, context.Background(), "import mark\ntry:\n    mark.query('SELECT 1')\nexcept mark.Error as e:\n    print(e)", answering(&asked))
			if o.stdout != "no warehouse is configured\n" {
				t.Errorf("printed %q, ended with %v %v", o.stdout, o.err, o.result.Failure)
			}
			o = s.tryWith(t, context.Background(), "mark.query('SELECT 1')", answering(&asked))
			if f := o.result.Failure; f == nil || f.Name != "Error" || strings.Contains(f.Traceback, "hostmodule") {
				t.Errorf("the failure is %+v", f)
			}
		}},
		{name: "the host's own errors stay with it", run: func(t *testing.T, s session) {
			o := s.tryWith(t, context.Background(), "import sys\nasking = sys.modules['mark'].files.__closure__[0].cell_contents\nasking('unknown')",
				func(context.Context, execution.Call) (any, error) { return nil, errors.New("secret") })
			if f := o.result.Failure; f == nil || strings.Contains(f.Message+f.Traceback, "secret") {
				t.Errorf("the failure is %+v (%v)", f, o.err)
			}
		}},
		{name: "a host that panics or answers what is no JSON refuses", run: func(t *testing.T, s session) {
			for _, answer := range []func() any{
				func() any { panic("in the host") },
				func() any { return make(chan int) },
				func() any { return strings.Repeat("x", 2<<20) },
			} {
				o := s.tryWith(t, context.Background(), "import mark; mark.files()",
					func(context.Context, execution.Call) (any, error) { return answer(), nil })
				if o.err != nil || o.result.Failure == nil || o.result.Failure.Name != "Error" {
					t.Errorf("ended with %v, %+v", o.err, o.result.Failure)
				}
			}
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "without a host that answers, calls are refused", run: func(t *testing.T, s session) {
			s.fails(t, "import mark; mark.files()", "Error")
		}},
		{name: "stopping a step ends the call that it waits for", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ended := make(chan struct{})
			o := s.tryWith(t, ctx, "kept = 1\nimport mark; mark.files()", func(ctx context.Context, _ execution.Call) (any, error) {
				cancel()
				<-ctx.Done()
				close(ended)
				return nil, ctx.Err()
			})
			o.ends(t, execution.CodeCancelled, false)
			<-ended
			s.prints(t, "print(kept)", "1\n")
		}},
		{name: "threads ask at once, each for its own answer", run: func(t *testing.T, s session) {
			var most, now atomic.Int32
			o := s.tryWith(t, context.Background(), strings.Join([]string{
				"import mark, concurrent.futures",
				"with concurrent.futures.ThreadPoolExecutor(20) as pool:",
				"    print(len(list(pool.map(lambda _: mark.files(), range(50)))))",
			}, "\n"), func(context.Context, execution.Call) (any, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				return []int{}, nil
			})
			if o.err != nil || o.stdout != "50\n" {
				t.Errorf("printed %q, ended with %v %v", o.stdout, o.err, o.result.Failure)
			}
			if most.Load() > 4 {
				t.Errorf("%d calls were answered at once", most.Load())
			}
		}},
		{name: "a step asks a bounded number of times", run: func(t *testing.T, s session) {
			asked := 0
			o := s.tryWith(t, context.Background(), "import mark\nfor n in range(2000): mark.files()",
				func(context.Context, execution.Call) (any, error) { asked++; return nil, nil })
			if f := o.result.Failure; o.err != nil || f == nil || !strings.Contains(f.Message, "at most") || asked != 1000 {
				t.Errorf("asked %d times, ended with %v, %+v", asked, o.err, f)
			}
		}},
		{name: "a child process cannot ask", run: func(t *testing.T, s session) {
			asked := false
			o := s.tryWith(t, context.Background(), "import mark, os\nif os.fork() == 0:\n    try:\n        mark.files()\n    except mark.Error as e:\n        print(e)\n    os._exit(0)\nos.wait()\nNone",
				func(context.Context, execution.Call) (any, error) { asked = true; return nil, nil })
			if o.err != nil || asked || !strings.Contains(o.stdout, "child process") {
				t.Errorf("asked %v, printed %q, ended with %v", asked, o.stdout, o.err)
			}
		}},
		{name: "a thread asks in whichever step it runs", run: func(t *testing.T, s session) {
			s.ok(t, "import mark, threading\ngo_on, told = threading.Event(), []\ndef later():\n    go_on.wait()\n    try:\n        mark.files()\n    except mark.Error as e:\n        told.append(str(e))\nworker = threading.Thread(target=later)\nworker.start()")
			o := s.tryWith(t, context.Background(), "go_on.set(); worker.join(); print(told)",
				func(context.Context, execution.Call) (any, error) { return nil, nil })
			if o.err != nil || o.stdout != "[]\n" {
				t.Errorf("printed %q, ended with %v", o.stdout, o.err)
			}
		}},
		{name: "progress is told, its end always", run: func(t *testing.T, s session) {
			o := s.ok(t, "import mark\nfor n in range(1, 1001): mark.progress(n, 1000)")
			if n := len(o.progress); n == 0 || n > 100 || o.progress[n-1] != (execution.Progress{Done: 1000, Total: 1000}) {
				t.Errorf("told %d times: %v", n, o.progress)
			}
			// More frames than a step may send, were each of these ends told.
			o = s.ok(t, "for n in range(270_000): mark.progress(n, n)\nmark.progress(7, 9)")
			if n := len(o.progress); n == 0 || n > 1000 || o.progress[n-1] != (execution.Progress{Done: 7, Total: 9}) {
				t.Errorf("told %d times, last of all %v", n, o.progress[max(n-1, 0):])
			}
			s.fails(t, "mark.progress(float('nan'))", "ValueError")
			s.fails(t, "mark.progress('half')", "ValueError")
		}},
	}...)
}
