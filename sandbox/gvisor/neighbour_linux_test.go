//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// slowest is how much longer a session may take for the same work while another one
// does its worst, measured in the same run. Shared fairly, one thread hardly notices
// on two processors, and needs twice the time on one; what else runs on the machine
// may double that. By the number of threads alone it is 6 to 13 times.
const slowest = 5.0

// A session full of busy processes and threads takes no more of the machine than
// its share, because a session is the scheduler's unit, not a thread.
func TestABusySessionDoesNotStarveItsNeighbour(t *testing.T) {
	t.Run("as Linux groups it", func(t *testing.T) {
		if !gvisor.Grouped() {
			t.Skip("the system shares the processors by the number of threads: autogroups are off, or a cgroup is in their way")
		}
		compareNeighbour(t)
	})
	t.Run("in a cgroup of its own", func(t *testing.T) {
		enterGroup(t)
		if gvisor.Grouped() {
			t.Fatal("the system still groups processes")
		}
		compareNeighbour(t)
		if left, err := filepath.Glob("/sys/fs/cgroup/cpu*/mark-test-*/mark-session-*"); err != nil || len(left) != 0 {
			t.Errorf("the groups %v are left (%v)", left, err)
		}
	})
}

// enterGroup puts this process into a cgroup (version 1) in which Linux groups
// nothing by itself, for the length of the test.
func enterGroup(t *testing.T) {
	t.Helper()
	groups, err := filepath.Glob("/sys/fs/cgroup/cpu*/cpu.shares")
	if err != nil || len(groups) == 0 || os.Geteuid() != 0 {
		t.Skip("needs root and cgroups of version 1; with those of version 2 a service cannot make groups beside itself")
	}
	root := filepath.Dir(groups[0])
	group, err := os.MkdirTemp(root, "mark-test-")
	if err != nil {
		t.Skipf("cgroups cannot be made here: %v", err)
	}
	enter := func(group string) error {
		return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte("0"), 0)
	}
	t.Cleanup(func() {
		if err := errors.Join(enter(root), os.Remove(group)); err != nil {
			t.Error(err)
		}
	})
	if err := enter(group); err != nil {
		t.Fatal(err)
	}
}

func compareNeighbour(t *testing.T) {
	t.Helper()
	p := gvisortest.New(t, gvisortest.Config(t))
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	quiet, busy := openOf(t, p, execution.Spec{}), openOf(t, p, execution.Spec{Limits: execution.Limits{StepTime: patience}})
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
