//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// pooled returns a provider that keeps n sessions ready, and has them.
func pooled(t *testing.T, pool gvisor.Pool) *gvisor.Provider {
	t.Helper()
	config := gvisortest.Config(t)
	config.Pool = pool
	p := gvisortest.New(t, config)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	idle(t, p, pool.Size)
	return p
}

func idle(t *testing.T, p *gvisor.Provider, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.AwaitIdle(ctx, n); err != nil {
		t.Fatalf("waiting for %d ready sessions: %v", n, err)
	}
}

func TestThePoolGivesEachSessionOnce(t *testing.T) {
	p := pooled(t, gvisor.Pool{Size: 2})
	before := p.Restored()
	spec := execution.Spec{Files: []execution.File{file(t, "a.csv", "x\n4\n")}}
	one, two := openOf(t, p, spec), openOf(t, p, execution.Spec{})
	draw := "import random, uuid, tempfile, os\nprint(random.random(), np.random.rand(), uuid.uuid4(), tempfile.mktemp(), os.urandom(4))"
	if a, b := prints(t, one, draw), prints(t, two, draw); a == b {
		t.Errorf("both drew %s", a)
	}
	if got := prints(t, one, "kept = 1\nprint(pd.read_csv('a.csv').x.sum(), [n for n in globals() if n == 'frame'])"); got != "4 []" {
		t.Errorf("printed %q", got)
	}
	if o := run(t, two, "open('a.csv')"); o.result.Failure == nil {
		t.Error("the other's file is there")
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	idle(t, p, 2) // and those are new ones
	three := openOf(t, p, execution.Spec{})
	if o := run(t, three, "kept"); o.result.Failure == nil || o.result.Failure.Name != "NameError" {
		t.Errorf("a used session was given again: %+v", o)
	}
	idle(t, p, 2)
	if n := p.Restored() - before; n != 3 {
		t.Errorf("%d sessions were started for 3 that were used", n)
	}
}

// What a ready session has rehearsed is not to be seen in it: what a first program
// finds is what it finds in one that has rehearsed nothing.
func TestARehearsalLeavesNoTrace(t *testing.T) {
	p := pooled(t, gvisor.Pool{Size: 1})
	look := `import gc, linecache, os, threading
try:
    1 / 0
except ZeroDivisionError as e:
    print(e.__traceback__.tb_frame.f_code.co_filename)
print(sorted(globals()))
print(sorted(n for n in linecache.cache if n.startswith("<cell")))
print(os.listdir("."), sorted(os.listdir("/tmp")), sorted(map(int, os.listdir("/proc/self/fd"))))
print(sorted(t.name for t in threading.enumerate()), len([o for o in gc.get_objects() if type(o) is pd.DataFrame]))`
	before := p.Restored()
	ready := openOf(t, p, execution.Spec{})
	fresh := openOf(t, p, execution.Spec{Limits: execution.Limits{OutputBytes: 1 << 19}})
	if p.Restored() == before {
		t.Fatal("both came from the pool")
	}
	got, want := prints(t, ready, look), prints(t, fresh, look)
	if got != want {
		t.Errorf("a ready session:\n%s\none like new:\n%s", got, want)
	}
}

func TestWhatThePoolDoesNotFitIsRestored(t *testing.T) {
	p := pooled(t, gvisor.Pool{Size: 1})
	large := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(33 << 20); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]execution.Spec{
		"other limits": {Limits: execution.Limits{OutputBytes: 100}},
		"a large file": {Files: []execution.File{{Name: "large", Path: large}}},
	} {
		before := p.Restored()
		s := openOf(t, p, spec)
		if p.Restored() != before+1 {
			t.Errorf("%s: not restored", name)
		}
		prints(t, s, "print('on')")
	}
	idle(t, p, 1)
}

func TestThePoolHeedsAgeAndMemory(t *testing.T) {
	p := pooled(t, gvisor.Pool{Size: 1, MaxAge: time.Hour, SpareBytes: 1 << 30})
	before := p.Restored()
	later := time.Now().Add(2 * time.Hour)
	p.SetPool(later, 8<<30)
	replaced, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.AwaitRestored(replaced, before+1); err != nil {
		t.Fatalf("the old one was not replaced: %v", err)
	}
	idle(t, p, 1)
	p.SetPool(later, 1<<29)
	idle(t, p, 0)
	before = p.Restored()
	prints(t, openOf(t, p, execution.Spec{}), "print('on')") // on demand
	if n := p.Restored() - before; n != 1 {
		t.Errorf("%d sessions were started while memory was scarce", n)
	}
	p.SetPool(later, 8<<30)
	idle(t, p, 1)
}

func TestADeadSessionIsReplaced(t *testing.T) {
	p := pooled(t, gvisor.Pool{Size: 1})
	before := p.Restored()
	<-p.KillIdle()
	idle(t, p, 1)
	if n := p.Restored() - before; n != 1 {
		t.Errorf("%d were started", n)
	}
	prints(t, openOf(t, p, execution.Spec{}), "print('on')")
}

func TestMemoryCeilingOfThePool(t *testing.T) {
	config := gvisortest.Config(t)
	config.Pool = gvisor.Pool{Size: 3, MemoryBytes: 100 << 20}
	p := gvisortest.New(t, config)
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	// The first one shows that none fits; no more are tried.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.AwaitRestored(ctx, 1); err != nil {
		t.Fatal(err)
	}
	idle(t, p, 0)
	prints(t, openOf(t, p, execution.Spec{}), "print('on')")
	if n := p.Restored(); n != 2 {
		t.Errorf("%d sessions were started, want 1 for the pool and 1 on demand", n)
	}
}

func TestALateAnswerDoesNotEndThePool(t *testing.T) {
	if !gvisor.LateAnswer() {
		t.Error("no further session would be started")
	}
}

// Half a copy would be in the way of every later one.
func TestACopyThatFailsLeavesNothing(t *testing.T) {
	to := filepath.Join(t.TempDir(), "copy")
	if err := gvisor.CopyFor(t.TempDir(), to); err == nil { // a folder can be opened, not read
		t.Fatal("a folder was copied")
	}
	if _, err := os.Lstat(to); !os.IsNotExist(err) {
		t.Errorf("the copy is left (%v)", err)
	}
}
