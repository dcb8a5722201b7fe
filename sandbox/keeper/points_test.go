package keeper_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// steps runs one program a point, which is also its code, in a new session of a key.
func (b *bench) steps(key string, points ...string) {
	b.t.Helper()
	s := b.open(key, isNew)
	for _, point := range points {
		runsTo(b.t, s, point, point)
		b.keeper.AwaitSaved(b.t.Context(), key)
		b.later(time.Second)
	}
	if err := s.Close(); err != nil {
		b.t.Error(err)
	}
}

// rewinds goes back to a point, which has to be kept.
func (b *bench) rewinds(key, point string) {
	b.t.Helper()
	if err := b.keeper.Rewind(b.t.Context(), key, point); err != nil {
		b.t.Errorf("back to %q: %v", point, err)
	}
}

// refuses goes back to a point, which must not be kept.
func (b *bench) refuses(key, point string) {
	b.t.Helper()
	if err := b.keeper.Rewind(b.t.Context(), key, point); !errors.Is(err, execution.ErrNoPoint) {
		b.t.Errorf("back to %q: %v", point, err)
	}
}

func (b *bench) forks(from, point, to string) {
	b.t.Helper()
	if err := b.keeper.Fork(b.t.Context(), from, point, to); err != nil {
		b.t.Errorf("fork %s at %q: %v", from, point, err)
	}
}

func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.start()
}

func TestGoingBackToAPoint(t *testing.T) {
	for name, between := range map[string]func(*bench){
		"alive":     func(*bench) {},
		"restarted": (*bench).restart,
		"suspended": func(b *bench) { b.later(time.Hour); b.keeper.Sweep(b.t.Context()) },
	} {
		t.Run(name, func(t *testing.T) { goesBack(t, between, nil) })
		t.Run(name+", with others", func(t *testing.T) {
			goesBack(t, between, sharing)
		})
	}
}

func goesBack(t *testing.T, between func(*bench), change func(*keeper.Config)) {
	t.Helper()
	b := newBenchOver(t, &fake{}, change)
	b.steps("cht_1", "one", "two", "three")
	for _, point := range []string{"two", "three", "one", "", "two", "two"} {
		between(b)
		b.rewinds("cht_1", point)
		between(b)
		want := isKept
		if point == "" {
			want = isNew
		}
		b.use("cht_1", want, "?", point)
	}
	// What goes on from there is the newest, and the later ones stay.
	b.use("cht_1", isKept, "other", "")
	between(b)
	b.use("cht_1", isKept, "?", "other")
	b.rewinds("cht_1", "three")
	b.use("cht_1", isKept, "?", "three")
}

func TestAPointThatIsNotKeptChangesNothing(t *testing.T) {
	b, f := faked(t)
	b.steps("cht_1", "one", "two")
	b.refuses("cht_1", "three")
	b.refuses("cht_1", "../cht_1")
	b.refuses("cht_2", "one")
	f.set(func(f *fake) { f.resume = fails(errors.New("it was ended")) })
	b.use("cht_1", isKept, "?", "two")
	f.set(func(f *fake) { f.resume = nil })
	b.stop()
	b.config.Provider = rebased{f}
	b.start()
	b.refuses("cht_1", "one") // it cannot be resumed any more
}

func TestAStepWithABadNameIsNotRun(t *testing.T) {
	b, f := faked(t)
	s := b.open("cht_1", isNew)
	for _, bad := range []string{"a.b", "../a", strings.Repeat("x", 65)} {
		if _, err := s.Run(t.Context(), "one", execution.Host{Point: bad}); codeOf(err) != execution.CodeUnavailable || f.value() != "" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAForkIsAChatOfItsOwn(t *testing.T) {
	b, _ := faked(t)
	b.steps("cht_1", "one", "two")
	b.forks("cht_1", "one", "cht_2")
	b.forks("cht_1", "", "cht_3")
	b.restart()
	b.use("cht_2", isKept, "?", "one")
	b.use("cht_2", isKept, "of the fork", "")
	b.use("cht_1", isKept, "?", "two")
	if err := b.keeper.Erase(t.Context(), "cht_1"); err != nil {
		t.Fatal(err)
	}
	b.refuses("cht_1", "one")
	b.use("cht_2", isKept, "?", "of the fork")
	b.use("cht_3", isKept, "?", "two")
	b.use("cht_1", isNew, "?", "")
}

// A fork has the point that it begins with: it can be forked there itself, before
// its first step and later, and goes back to it.
func TestAForkHasItsPoint(t *testing.T) {
	for name, change := range map[string]func(*keeper.Config){"alone": nil, "with others": sharing} {
		t.Run(name, func(t *testing.T) {
			b := newBenchOver(t, &fake{}, change)
			b.steps("cht_1", "one", "two")
			b.forks("cht_1", "one", "cht_2")
			b.forks("cht_2", "one", "cht_3")
			if err := b.keeper.Erase(t.Context(), "cht_1"); err != nil {
				t.Fatal(err)
			}
			b.use("cht_2", isKept, "other", "")
			b.restart()
			b.forks("cht_2", "one", "cht_4")
			b.rewinds("cht_2", "one")
			for _, key := range []string{"cht_2", "cht_3", "cht_4"} {
				b.use(key, isKept, "?", "one")
			}
		})
	}
}

// The point of a fork is as old as it is: it does not outlast those that came later.
func TestAForkLeavesTheOrderOfPoints(t *testing.T) {
	b := newBenchOver(t, &fake{}, func(c *keeper.Config) { c.Limits.Points = 2 })
	b.steps("cht_1", "one", "two")
	b.forks("cht_1", "one", "cht_2")
	s := b.open("cht_1", isKept)
	runsTo(t, s, "three", "three")
	b.keeper.AwaitSaved(t.Context(), "cht_1")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	b.refuses("cht_1", "one")
	b.rewinds("cht_1", "two")
	b.rewinds("cht_2", "one")
}

func TestAForkOfNothing(t *testing.T) {
	b, _ := faked(t)
	b.steps("cht_1", "one")
	b.steps("cht_2", "two")
	for _, from := range []struct{ key, point string }{{"cht_1", "two"}, {"cht_3", ""}, {"cht_3", "one"}} {
		if err := b.keeper.Fork(t.Context(), from.key, from.point, "cht_4"); !errors.Is(err, execution.ErrNoPoint) {
			t.Errorf("of %v: %v", from, err)
		}
	}
	if err := b.keeper.Fork(t.Context(), "cht_1", "one", "cht_2"); err == nil || errors.Is(err, execution.ErrNoPoint) {
		t.Errorf("over another: %v", err)
	}
	b.use("cht_2", isKept, "?", "two")
	b.use("cht_4", isNew, "?", "")
}

// A fork of variables that lack a step says so.
func TestAForkLacksWhatItsOriginLacks(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "with others": true} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			b := newBenchOver(t, f, func(c *keeper.Config) {
				if shared {
					sharing(c)
				}
			})
			b.saved(f, "cht_1", fails(errors.New("no space left on device")))
			b.keeper.AwaitSaved(t.Context(), "cht_1")
			b.forks("cht_1", "", "cht_2")
			b.use("cht_2", isEarlier, "?", "first")
		})
	}
}

// A point that has been saved is forked while its session is in use.
func TestAForkAtAPointDoesNotWait(t *testing.T) {
	b, _ := faked(t)
	s := b.open("cht_1", isNew)
	runsTo(t, s, "one", "one")
	b.keeper.AwaitSaved(t.Context(), "cht_1")
	b.forks("cht_1", "one", "cht_2")
	b.use("cht_2", isKept, "?", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.keeper.Fork(ctx, "cht_1", "two", "cht_3"); codeOf(err) != execution.CodeCancelled {
		t.Errorf("of what is not there yet: %v", err)
	}
	if err := b.keeper.Rewind(ctx, "cht_1", "one"); codeOf(err) != execution.CodeCancelled {
		t.Errorf("a session that is in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A step that begins before the one before is saved, because its run was stopped,
// must not be found under the other's name.
func TestAPointHoldsItsStepOrIsNotThere(t *testing.T) {
	b, f := faked(t)
	g := newGate()
	f.set(func(f *fake) { f.snapshot = g.pass })
	s := b.open("cht_1", isNew)
	runsTo(t, s, "one", "one")
	<-g.entered
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(stopped, "two", execution.Host{Point: "two"}); err != nil {
		t.Fatal(err)
	}
	close(g.leave)
	b.keeper.AwaitSaved(t.Context(), "cht_1")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	b.refuses("cht_1", "one")
	b.rewinds("cht_1", "two")
	b.use("cht_1", isKept, "?", "two")
}

// Points are sealed even where steps are quicker than that, while there are not
// too many; of more the oldest are not kept.
func TestPointsOfQuickSteps(t *testing.T) {
	provider := &stuck{fake: &fake{}, pipe: make(chan string, 1)}
	b := newBenchOver(t, provider, nil)
	s := b.open("cht_1", isNew)
	names := []string{"one", "two", "three", "four", "five", "six", "seven"}
	for i, point := range names {
		runsTo(t, s, point, point)
		if i == 0 {
			b.keeper.AwaitSealing("cht_1")
		}
	}
	runs(t, s, "unnamed")
	b.keeper.AwaitTaken("cht_1")
	other, err := os.OpenFile(<-provider.pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.use("cht_1", isKept, "?", "unnamed")
	for i, point := range names {
		if i > 0 && i < 4 {
			b.refuses("cht_1", point)
			continue
		}
		b.rewinds("cht_1", point)
		b.use("cht_1", isKept, "?", point)
	}
}

func TestPointsOfAProviderThatKeepsNothing(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "with others": true} {
		t.Run(name, func(t *testing.T) {
			b := newBenchOver(t, forgetful{&fake{}}, func(c *keeper.Config) {
				if shared {
					sharing(c)
				}
			})
			b.steps("cht_1", "one", "two")
			b.refuses("cht_1", "one")
			b.use("cht_1", isKept, "?", "two")
			if err := b.keeper.Fork(t.Context(), "cht_1", "", "cht_2"); !errors.Is(err, execution.ErrNoPoint) {
				t.Errorf("Fork returned %v", err)
			}
			b.rewinds("cht_1", "")
			b.use("cht_1", isNew, "?", "")
		})
	}
}

// Where the service ends between the two things that going back changes, nobody is
// given the variables of one for those of the other.
func TestGoingBackThatFailsChangesNothing(t *testing.T) {
	b, _ := faked(t)
	b.steps("cht_1", "one", "two")
	block := filepath.Join(b.config.Dir, "cht_1.json.new") // where the next note would be
	if err := os.MkdirAll(filepath.Join(block, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.keeper.Rewind(t.Context(), "cht_1", "one"); err == nil || errors.Is(err, execution.ErrNoPoint) {
		t.Errorf("Rewind returned %v", err)
	}
	if err := os.RemoveAll(block); err != nil {
		t.Fatal(err)
	}
	b.use("cht_1", isKept, "?", "two")
}

// The real thing: variables at three points, gone back to and forked over restarts.
func TestGoingBackWithRealVariables(t *testing.T) {
	b := newBench(t, nil)
	s := b.open("cht_1", isNew)
	for point, code := range []string{"x = 1", "x = 2; df = pd.DataFrame({'n': range(1000)})", "x = 3; del df"} {
		runsTo(t, s, string(rune('a'+point)), code)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const state = "print(x, 'df' in globals())"
	b.forks("cht_1", "a", "cht_2")
	b.use("cht_1", isKept, state, "3 False")
	b.restart()
	b.use("cht_2", isKept, state+"; x = 'of the fork'", "1 False")
	b.rewinds("cht_1", "b")
	b.use("cht_1", isKept, "print(x, int(df.n.sum()))", "2 499500")
	b.rewinds("cht_1", "c")
	b.restart()
	b.use("cht_1", isKept, state, "3 False")
	b.rewinds("cht_1", "")
	b.use("cht_1", isNew, "print('x' in globals())", "False")
	b.refuses("cht_1", "d")
	if err := b.keeper.Erase(t.Context(), "cht_1"); err != nil {
		t.Fatal(err)
	}
	b.refuses("cht_1", "a")
	b.restart()
	b.use("cht_2", isKept, "print(x)", "of the fork")
	for _, name := range b.left() {
		if strings.HasPrefix(name, "cht_1.") {
			t.Errorf("%s is left", name)
		}
	}
}
