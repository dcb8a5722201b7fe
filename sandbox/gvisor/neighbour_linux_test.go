//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// slowest is how much longer a session may take for the same work while another one
// does its worst, measured in the same run. Shared fairly, one thread hardly notices
// on two processors, and needs twice the time on one; by the number of threads alone
// it would need twenty times as long.
const slowest = 4.0

// A session full of busy processes and threads takes no more of the machine than
// its share. On this one a session is the scheduler's unit, not a thread: each
// begins a session of the system's (setsid), which Linux then groups
// (CONFIG_SCHED_AUTOGROUP).
func TestABusySessionDoesNotStarveItsNeighbour(t *testing.T) {
	if why := ungrouped(); why != "" {
		t.Skip(why)
	}
	quiet, busy := open(t, execution.Spec{}), open(t, execution.Spec{Limits: execution.Limits{StepTime: patience}})
	work := func() time.Duration {
		t.Helper()
		text := prints(t, quiet, "import time; began = time.perf_counter(); sum(i * i for i in range(1_500_000)); print(time.perf_counter() - began)")
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(seconds * float64(time.Second))
	}
	work() // the first time is longer
	var alone, beside []time.Duration
	for range 3 {
		for range 3 {
			alone = append(alone, work())
		}
		stop := keepBusy(t, busy)
		for range 3 {
			beside = append(beside, work())
		}
		stop()
	}
	slices.Sort(alone)
	slices.Sort(beside)
	one, other := alone[len(alone)/2], beside[len(beside)/2]
	ratio := float64(other) / float64(one)
	t.Logf("%v alone, %v beside a busy session: %.2f times", one, other, ratio)
	if ratio > slowest {
		t.Errorf("a busy session makes its neighbour take %.1f times as long (%v instead of %v), want %.1f at most", ratio, other, one, slowest)
	}
}

// keepBusy has a session do as much as it can, until stop is called.
func keepBusy(t *testing.T, s execution.Session) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	on, over := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, `import subprocess, sys, threading
burn = "import threading\nfor n in range(2): threading.Thread(target=lambda: exec('while True: pass')).start()"
for n in range(16): subprocess.Popen([sys.executable, "-I", "-S", "-c", burn])
print("on", flush=True)
while True: pass`, execution.Listener(func(e execution.Event) {
			if e.Chunk != nil && strings.HasPrefix(e.Chunk.Text, "on") {
				close(on)
			}
		}))
		over <- err
	}()
	select {
	case <-on:
	case err := <-over:
		t.Fatalf("the busy session ended: %v", err)
	}
	return func() {
		cancel()
		<-over
	}
}

// ungrouped says why the system does not share the processors among sessions, or "".
func ungrouped() string {
	if on, err := os.ReadFile("/proc/sys/kernel/sched_autogroup_enabled"); err != nil || strings.TrimSpace(string(on)) != "1" {
		return "the system does not group processes (kernel.sched_autogroup_enabled): processors are shared by the number of threads"
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		if path != "/" && slices.Contains(strings.Split(controllers, ","), "cpu") {
			return "a cgroup shares the processors here, by the number of threads in it"
		}
	}
	return ""
}
