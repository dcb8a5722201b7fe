package keeper_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

func TestVariablesStayWhileTheSessionLives(t *testing.T) {
	b := newBench(t, nil)
	b.use("cht_1", isNew, makeFrame, "1000")
	b.use("cht_1", isKept, readFrame, "499500")
	b.use("cht_2", isNew, "print('df' in globals())", "False")
}

func TestVariablesOutliveSuspension(t *testing.T) {
	b := newBench(t, func(c *keeper.Config) { c.Limits.Idle = time.Hour })
	b.use("cht_1", isNew, makeFrame, "1000")
	b.later(2 * time.Hour)
	b.keeper.Sweep(t.Context())
	if n := b.keeper.Live() + b.keeper.Entries(); n != 0 {
		t.Errorf("%d sessions live after the idle time", n)
	}
	b.use("cht_1", isKept, readFrame+"; df = df.head(2)", "499500")
	b.later(2 * time.Hour)
	b.keeper.Sweep(t.Context())
	b.use("cht_1", isKept, readFrame, "1")
}

func TestVariablesOutliveARestartAndAWeek(t *testing.T) {
	b := newBench(t, nil)
	b.use("cht_1", isNew, makeFrame, "1000")
	b.stop()
	b.later(7 * 24 * time.Hour)
	b.start()
	b.use("cht_1", isKept, readFrame, "499500")
	b.stop()
	b.later(31 * 24 * time.Hour)
	b.start()
	b.keeper.Sweep(t.Context())
	b.use("cht_1", isLost, "print('df' in globals())", "False")
}

// crash ends the service as kill -9 does: nothing is saved or tidied any more.
func (b *bench) crash(provider interface{ Close() error }) {
	b.t.Helper()
	if err := provider.Close(); err != nil { // the sessions end with the service
		b.t.Error(err)
	}
}

func TestVariablesOutliveACrash(t *testing.T) {
	provider := gvisortest.New(t, gvisortest.Config(t))
	b := newBench(t, func(c *keeper.Config) { c.Provider = provider })
	s := b.open("cht_1", isNew)
	if got := runs(t, s, makeFrame); got != "1000" {
		t.Fatalf("printed %q", got)
	}
	if !b.keeper.AwaitSaved(t.Context(), "cht_1") {
		t.Fatal("the step was not saved")
	}
	dead := b.keeper
	b.crash(provider)
	if err := os.Mkdir(filepath.Join(b.config.Dir, "making-half"), 0o700); err != nil { // what it was writing
		t.Fatal(err)
	}
	b.config.Provider = gvisortest.Provider(t)
	b.start()
	b.use("cht_1", isKept, readFrame, "499500")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := dead.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, name := range b.left() {
		if name == "making-half" {
			t.Errorf("%s is left", name)
		}
	}
}

// failing is a provider whose snapshots cannot be written.
type failing struct{ sandbox.Keeping }

type failingSession struct{ sandbox.Snapshotter }

func (failingSession) Snapshot(context.Context, string) error { return errors.New("disk full") }

func (f failing) Open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	s, err := f.Keeping.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	return failingSession{s.(sandbox.Snapshotter)}, nil
}

func TestWhatCannotBeSavedIsSaid(t *testing.T) {
	b := newBench(t, func(c *keeper.Config) { c.Provider = failing{gvisortest.Provider(t)} })
	b.use("cht_1", isNew, makeFrame, "1000")
	b.use("cht_1", isKept, readFrame, "499500") // it lives
	b.stop()
	b.start()
	b.use("cht_1", isLost, "print('df' in globals())", "False")
}

func TestAStepThatEndsTheSessionCostsOnlyItself(t *testing.T) {
	b := newBench(t, nil)
	s := b.open("cht_1", isNew)
	if got := runs(t, s, "a = 1"); got != "" {
		t.Fatal(got)
	}
	if got := runs(t, s, "import os; a = 2; os._exit(0)"); got != string(execution.CodeDied) {
		t.Fatalf("ended with %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b.use("cht_1", isEarlier, "print(a)", "1")
	b.use("cht_1", isKept, "print(a)", "1")
}

// rebased is a provider after an upgrade.
type rebased struct{ sandbox.Keeping }

func (rebased) Base() string { return "another" }

func TestAnUpgradeIsSaid(t *testing.T) {
	b := newBench(t, nil)
	b.use("cht_1", isNew, makeFrame, "1000")
	b.stop()
	b.config.Provider = rebased{gvisortest.Provider(t)}
	b.start()
	b.use("cht_1", isLost, "print('df' in globals()); other = 1", "False")
	b.use("cht_1", isKept, "print(other)", "1")
}

func TestWhatIsSavedIsSecret(t *testing.T) {
	b := newBench(t, nil)
	b.use("cht_1", isNew, "secret = 'MARKER-' * 100_000", "")
	b.stop()
	names := b.left()
	if strings.Join(names, " ") != "cht_1.age cht_1.json" {
		t.Fatalf("left are %v", names)
	}
	for _, name := range names {
		path := filepath.Join(b.config.Dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("MARKER-MARKER")) {
			t.Errorf("%s tells the variable", name)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", name, info.Mode(), err)
		}
	}
	// Without its key it is worth nothing, and that is said.
	if err := os.Remove(b.config.KeyFile); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.use("cht_1", isLost, "print('secret' in globals())", "False")
}

func TestDamagedImagesAreSaid(t *testing.T) {
	b := newBench(t, nil)
	for key, damage := range map[string]func(path string) error{
		"cut":     func(path string) error { return os.Truncate(path, 1<<20) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"removed": os.Remove,
	} {
		b.use(key, isNew, "x = 1", "")
		b.stop()
		if err := damage(filepath.Join(b.config.Dir, key+".age")); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.use(key, isLost, "print('x' in globals())", "False")
	}
}

func TestEraseLeavesNothing(t *testing.T) {
	b := newBench(t, nil)
	s := b.open("cht_1", isNew)
	runs(t, s, makeFrame) // and it is being saved now
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.keeper.Erase(t.Context(), "cht_1"); err != nil {
			t.Fatal(err)
		}
	}
	if left := b.left(); len(left) != 0 || b.keeper.Entries() != 0 {
		t.Errorf("%v are left, %d entries", left, b.keeper.Entries())
	}
	b.use("cht_1", isNew, "print('df' in globals())", "False")
}

func TestTheLeastRecentlyUsedIsSuspended(t *testing.T) {
	b := newBench(t, func(c *keeper.Config) { c.Limits.LiveSessions = 1 })
	b.use("cht_1", isNew, "x = 1", "")
	b.later(time.Second)
	b.use("cht_2", isNew, "x = 2", "")
	b.keeper.AwaitTurns()
	if n := b.keeper.Live(); n != 1 {
		t.Errorf("%d sessions live", n)
	}
	b.use("cht_1", isKept, "print(x)", "1")
	b.use("cht_2", isKept, "print(x)", "2")
}

func TestMemoryOfLiveSessionsIsBounded(t *testing.T) {
	b := newBench(t, func(c *keeper.Config) { c.Limits.LiveBytes = 1 })
	b.use("cht_1", isNew, "x = 1", "")
	b.keeper.AwaitTurns()
	if n := b.keeper.Live(); n != 0 {
		t.Errorf("%d sessions live", n)
	}
	b.use("cht_1", isKept, "print(x)", "1")
}

// A session that cannot tell its memory now is none that takes too much, and is asked
// again.
func TestMemoryThatIsNotKnownYet(t *testing.T) {
	f := &fake{busy: true}
	b := newBenchOver(t, f, func(c *keeper.Config) { c.Limits.LiveBytes = 999 })
	b.use("cht_1", isNew, "first", "")
	b.keeper.AwaitTurns()
	if n := b.keeper.Live(); n != 1 {
		t.Errorf("%d sessions live", n)
	}
	f.set(func(f *fake) { f.busy = false })
	b.keeper.AwaitTurns()
	if n := b.keeper.Live(); n != 0 {
		t.Errorf("%d sessions live when their memory is known", n)
	}
}

func TestRoomForImagesIsBounded(t *testing.T) {
	b := newBench(t, func(c *keeper.Config) { c.Limits.SavedBytes = 60 << 20 })
	for _, key := range []string{"old", "middle", "young"} {
		b.use(key, isNew, "x = '"+key+"'", "")
		b.later(time.Minute)
	}
	b.stop()
	b.start()
	b.keeper.Sweep(t.Context())
	b.use("young", isKept, "print(x)", "young")
	b.use("old", isLost, "print('x' in globals())", "False")
}

func TestFilesComeAndGo(t *testing.T) {
	b := newBench(t, nil)
	file := func(name, content string) execution.File {
		path := filepath.Join(t.TempDir(), "blob")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return execution.File{Name: name, Path: path}
	}
	one, two := file("one.csv", "a\n1\n"), file("two.csv", "a\n2\n")
	for _, step := range []struct {
		from  execution.OriginState
		files []execution.File
		code  string
		want  string
	}{
		{isNew, []execution.File{one}, "x = int(pd.read_csv('one.csv').a.sum()); print(x)", "1"},
		{isKept, []execution.File{one, two}, "x += int(pd.read_csv('two.csv').a.sum()); print(x)", "3"},
		{isKept, []execution.File{two}, "import os; print(x, os.path.lexists('one.csv'))", "3 False"},
	} {
		s := b.open("cht_1", step.from, step.files...)
		if got := runs(t, s, step.code); got != step.want {
			t.Errorf("%s\nprinted %q, want %q", step.code, got, step.want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file that code has left open may be removed from the chat.
func TestAnOpenFileMayBeRemoved(t *testing.T) {
	b := newBench(t, nil)
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.use("cht_1", isNew, "x = 1", "")
	s := b.open("cht_1", isKept, execution.File{Name: "one.csv", Path: path}) // copied into the live session
	runsTo(t, s, "opened", "f = open('one.csv'); x = int(pd.read_csv(f).a.sum())")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b.use("cht_1", isKept, "import os; print(x, os.path.lexists('one.csv')); x += 1", "1 False")
	b.later(time.Hour)
	b.keeper.Sweep(t.Context())
	b.use("cht_1", isKept, "print(x)", "2")
	b.stop()
	b.start()
	b.use("cht_1", isKept, "print(x)", "2")
	b.rewinds("cht_1", "opened")
	b.use("cht_1", isKept, "print(x, repr(f.read()))", "1 ''")
}

func TestAKeyIsUsedByOneAtATime(t *testing.T) {
	b := newBench(t, nil)
	s := b.open("cht_1", isNew)
	runs(t, s, "print(1)")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := b.keeper.Open(ctx, "cht_1", execution.Spec{})
	if failure := (*execution.Error)(nil); !errors.As(err, &failure) || failure.Code != execution.CodeCancelled {
		t.Errorf("a second use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b.use("cht_1", isKept, "print(1)", "1")
	for _, bad := range []string{"", "../x", "a/b", strings.Repeat("x", 101)} {
		if _, _, err := b.keeper.Open(t.Context(), bad, execution.Spec{}); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

// forgetful hides that a provider can keep variables.
type forgetful struct{ sandbox.Provider }

func TestAProviderThatKeepsNothing(t *testing.T) {
	b := newBench(t, func(c *keeper.Config) { c.Provider = forgetful{gvisortest.Provider(t)} })
	b.use("cht_1", isNew, "x = 1", "")
	b.use("cht_1", isKept, "print(x)", "1")
	b.stop()
	b.start()
	b.use("cht_1", isLost, "print('x' in globals())", "False")
}
