package gvisor_test

import (
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// CPU time is a limit of its own, of all processes of one step: who waits has none,
// and what earlier steps took does not count.
func TestCPUTime(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		ends execution.Code // "": it runs through
	}{
		"one process":           {"while True: pass", execution.CodeCPUTime},
		"processes":             {"import os\nif os.fork() == 0 or os.fork() == 0:\n    while True: pass\nos.wait()", execution.CodeCPUTime},
		"processes that ended":  {"import os\nwhile True:\n    if os.fork() == 0:\n        sum(range(3_000_000))\n        os._exit(0)\n    os.wait()", execution.CodeCPUTime},
		"who waits":             {"import time\ntime.sleep(2.5)", ""},
		"as much as a step may": {spend, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, execution.Spec{Limits: execution.Limits{CPUTime: 1500 * time.Millisecond, StepTime: 30 * time.Second}})
			if o := run(t, s, "kept = 41\n"+spend); o.err != nil || o.result.Failure != nil {
				t.Fatal(o.err, o.result.Failure)
			}
			switch o := run(t, s, c.code); {
			case c.ends == "" && (o.err != nil || o.result.Failure != nil):
				t.Fatalf("it ended with %v, %+v", o.err, o.result.Failure)
			case c.ends != "" && (o.err == nil || o.err.Code != c.ends || o.err.Fatal):
				t.Fatalf("it ended with %v, %+v, want %s", o.err, o.result.Failure, c.ends)
			}
			if o := run(t, s, "print(kept)"); o.stdout != "41\n" {
				t.Errorf("afterwards it printed %q, %v", o.stdout, o.err)
			}
		})
	}
}

// spend takes a second of CPU time.
const spend = "import time\nuntil = time.process_time() + 1\nwhile time.process_time() < until: pass"
