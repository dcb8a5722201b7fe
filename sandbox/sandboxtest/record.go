package sandboxtest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/execution"
)

// recordCases are what a session says of its steps for the audit record.
func recordCases() []testCase {
	return []testCase{
		{name: "facts of the code", run: func(t *testing.T, s session) {
			got := s.ok(t, "import subprocess as sp, json\nfrom os import getcwd\nif False:\n    sp.run(['ls'])\n    eval('1')\n    pd.read_csv('https://example.org/x.csv')\nopen('out 1.csv', 'w').close()").result.Facts
			want := &execution.Facts{
				Parsed: true, Imports: []string{"subprocess", "json", "os"},
				Calls: []string{"eval", "open", "subprocess.run"}, Names: []string{"https://example.org/x.csv", "out 1.csv"},
			}
			sorted := cmp.Transformer("sorted", func(list []string) map[string]bool {
				set := map[string]bool{}
				for _, item := range list {
					set[item] = true
				}
				return set
			})
			if diff := cmp.Diff(want, got, sorted); diff != "" {
				t.Errorf("the facts differ (-want +got):\n%s", diff)
			}
			if got := s.ok(t, "if False: sp.Popen('x')").result.Facts; len(got.Calls) != 1 || got.Calls[0] != "subprocess.Popen" {
				t.Errorf("by an import of an earlier step: %+v", got)
			}
		}},
		{name: "facts of code that fails, is no Python, or ends the session", run: func(t *testing.T, s session) {
			if got := s.try(t, t.Context(), "import os\n1/0").result.Facts; got == nil || !got.Parsed || len(got.Imports) != 1 {
				t.Errorf("of code that fails: %+v", got)
			}
			if got := s.try(t, t.Context(), "import os os").result.Facts; got == nil || got.Parsed {
				t.Errorf("of no Python: %+v", got)
			}
			o := s.try(t, t.Context(), "import os\nos._exit(1)")
			if got := o.result.Facts; o.err == nil || got == nil || len(got.Calls) != 1 || got.Calls[0] != "os._exit" {
				t.Errorf("of code that ends the process: %+v, %v", got, o.err)
			}
		}},
		{name: "facts are bounded", run: func(t *testing.T, s session) {
			got := s.ok(t, "if False:\n    pass\n"+repeat(300, func(i string) string { return "    import m" + i + "; open('file" + i + ".csv')\n" })).result.Facts
			if got == nil || len(got.Imports) > 100 || len(got.Names) > 100 || !got.Truncated {
				t.Errorf("%+v", got)
			}
		}},
		{name: "time and memory that a step took", run: func(t *testing.T, s session) {
			idle := s.ok(t, "import time\ntime.sleep(0.3)").result
			busy := s.ok(t, "end = time.process_time() + 0.5\nwhile time.process_time() < end: pass\nx = np.ones(20_000_000)").result
			if idle.Usage == nil || busy.Usage == nil {
				t.Fatalf("a step says %+v, another %+v", idle.Usage, busy.Usage)
			}
			if idle.Duration < 300*time.Millisecond || busy.Usage.CPUMs < 400 || busy.Usage.CPUMs < idle.Usage.CPUMs {
				t.Errorf("sleeping took %d ms, working %d", idle.Usage.CPUMs, busy.Usage.CPUMs)
			}
			if busy.Usage.PeakMemory < 100<<20 || busy.Usage.PeakMemory > 1<<40 {
				t.Errorf("the most memory was %d bytes", busy.Usage.PeakMemory)
			}
			child := s.ok(t, "import subprocess, sys\nsubprocess.run([sys.executable, '-I', '-c', 'import time\\nwhile time.process_time() < 0.5: pass'])").result
			if child.Usage.CPUMs < 400 {
				t.Errorf("a child's work took %d ms", child.Usage.CPUMs)
			}
		}},
	}
}
