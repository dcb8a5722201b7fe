package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// saved gives a key a value that is saved, and a later one of which save has the
// fate, in a session that goes on.
func (b *bench) saved(f *fake, key string, save func(context.Context) error) {
	b.t.Helper()
	s := b.open(key, isNew)
	runs(b.t, s, "first")
	b.keeper.AwaitSaved(b.t.Context(), key)
	f.set(func(f *fake) { f.snapshot = save })
	runs(b.t, s, "second")
	if err := s.Close(); err != nil {
		b.t.Error(err)
	}
}

// A shutdown that has no time left keeps what was saved last.
func TestAShutdownWithoutTimeKeepsTheLastImage(t *testing.T) {
	b, f := faked(t)
	g := newGate()
	keys := []string{"a", "b", "c", "d"}
	for _, key := range keys {
		b.saved(f, key, nil)
		b.keeper.AwaitSaved(t.Context(), key)
	}
	f.set(func(f *fake) { f.snapshot = g.pass })
	for _, key := range keys {
		b.use(key, isKept, "third", "")
		<-g.entered
	}
	f.set(func(f *fake) { f.snapshot = nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 { // it may be at the turn of any when it finds that there is no time
		if err := b.keeper.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Close returned %v", err)
		}
	}
	old := b.keeper
	b.start() // as after a kill: the former has saved nothing since
	for _, key := range keys {
		b.use(key, isEarlier, "?", "second")
	}
	b.stop()
	close(g.leave)
	if err := old.Close(t.Context()); err != nil {
		t.Error(err)
	}
	b.start()
}

// A wait that is given up costs nothing: neither the session, nor its image.
func TestGivingUpTheWaitForAnotherProcessKeepsTheSession(t *testing.T) {
	b, f := faked(t)
	g := newGate()
	b.saved(f, "cht_1", g.pass)
	<-g.entered
	f.set(func(f *fake) { f.changed = true })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 { // it may be given up at the turn, too
		if _, _, err := b.keeper.Open(ctx, "cht_1", execution.Spec{}); codeOf(err) != execution.CodeCancelled {
			t.Errorf("Open returned %v", err)
		}
	}
	close(g.leave)
	b.use("cht_1", isKept, "?", "second")
}

// Where the last step cannot be saved, the one before is still there.
func TestAnEarlierImageOutlivesAFullDisk(t *testing.T) {
	b, f := faked(t)
	b.saved(f, "cht_1", fails(errors.New("no space left on device")))
	b.use("cht_1", isKept, "third", "") // it lives
	b.later(time.Hour)
	b.keeper.Sweep(t.Context())
	b.use("cht_1", isEarlier, "?", "first")
}

// One who gives up waiting while the session is being suspended must not make the
// key forgotten: another would open a second session beside it.
func TestAKeyIsNotForgottenWhileItIsSuspended(t *testing.T) {
	b, f := faked(t)
	b.saved(f, "cht_1", fails(errors.New("no space left on device")))
	b.keeper.AwaitSaved(t.Context(), "cht_1")
	g := newGate()
	f.set(func(f *fake) { f.snapshot = g.pass })
	b.later(time.Hour)
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		b.keeper.Sweep(t.Context())
	}()
	<-g.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 { // the first would drop the entry, the second find another
		if _, _, err := b.keeper.Open(ctx, "cht_1", execution.Spec{}); codeOf(err) != execution.CodeCancelled {
			t.Errorf("Open returned %v", err)
		}
		if n := b.keeper.Entries(); n != 1 {
			t.Errorf("%d entries", n)
		}
	}
	close(g.leave)
	<-swept
	b.use("cht_1", isKept, "?", "second")
}

// What goes wrong with the machine must not cost a snapshot that is good.
func TestAFailureToResumeThatPasses(t *testing.T) {
	full := errors.New("no space left on device")
	for name, hooks := range map[string]struct{ resume, open error }{
		"no process":            {full, nil},
		"nothing can be opened": {fmt.Errorf("%w: %w", sandbox.ErrSnapshot, full), full},
	} {
		b, f := faked(t)
		b.use("cht_1", isNew, "first", "")
		b.stop()
		b.start()
		f.set(func(f *fake) { f.resume, f.open = fails(hooks.resume), fails(hooks.open) })
		if _, _, err := b.keeper.Open(t.Context(), "cht_1", execution.Spec{}); err == nil {
			t.Errorf("%s: opened", name)
		}
		f.set(func(f *fake) { f.resume, f.open = nil, nil })
		b.use("cht_1", isKept, "?", "first")
	}
}

// A session that the machine ends while it is being resumed, for want of memory,
// says nothing about its snapshot.
func TestASnapshotIsTriedTwice(t *testing.T) {
	for failures, want := range map[int]execution.OriginState{1: isKept, 2: isLost} {
		b, f := faked(t)
		b.use("cht_1", isNew, "first", "")
		b.stop()
		b.start()
		left := failures
		f.set(func(f *fake) {
			f.resume = func(context.Context) error {
				if left--; left >= 0 {
					return fmt.Errorf("%w: the kernel died", sandbox.ErrSnapshot)
				}
				return nil
			}
		})
		b.use("cht_1", want, "second", "")
		if left > 0 {
			t.Errorf("tried %d times less than %d", left, failures)
		}
	}
}

// A live session outlives files that it cannot be given.
func TestALiveSessionOutlivesItsFiles(t *testing.T) {
	for name, failure := range map[string]struct {
		err  error
		code execution.Code
	}{
		"with a code": {&execution.Error{Code: execution.CodeCancelled, Message: "Stopped."}, execution.CodeCancelled},
		"without":     {errors.New("no such file"), execution.CodeUnavailable},
	} {
		b, f := faked(t)
		b.use("cht_1", isNew, "first", "")
		f.set(func(f *fake) { f.enter = fails(failure.err) })
		if _, _, err := b.keeper.Open(t.Context(), "cht_1", execution.Spec{}); codeOf(err) != failure.code {
			t.Errorf("%s: %v", name, err)
		}
		f.set(func(f *fake) { f.enter = nil; f.resume = fails(errors.New("it was ended")) })
		b.use("cht_1", isKept, "?", "first")
	}
}

// A session that ends after its last step was saved has lost nothing.
func TestASessionThatEndsUnusedLosesNothing(t *testing.T) {
	b, f := faked(t)
	b.use("cht_1", isNew, "first", "")
	b.keeper.AwaitSaved(t.Context(), "cht_1")
	f.set(func(f *fake) { f.enter = fails(errGone) })
	b.use("cht_1", isKept, "?", "first")
}

// A step that is not saved is not forgotten over the next one, which ends the session.
func TestMoreThanTheLastStepIsLost(t *testing.T) {
	b, f := faked(t)
	b.saved(f, "cht_1", fails(errors.New("no space left on device")))
	b.use("cht_1", isKept, "die", string(execution.CodeDied))
	s, origin, err := b.keeper.Open(t.Context(), "cht_1", execution.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if origin.State != isEarlier || strings.Contains(origin.Reason, "that step") {
		t.Errorf("the origin is %+v", origin)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// An image is not removed behind the back of one who has come to use it.
func TestAnImageInUseIsNotPruned(t *testing.T) {
	b, f := faked(t)
	b.use("cht_1", isNew, "first", "")
	b.stop()
	g := newGate()
	f.set(func(f *fake) { f.resume = g.pass })
	b.start()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		b.use("cht_1", isKept, "?", "first")
	}()
	<-g.entered
	b.later(keeper.DefaultLimits().MaxAge)
	b.keeper.Sweep(t.Context())
	close(g.leave)
	<-closed
	if names := b.left(); !slices.Contains(names, "cht_1.age") {
		t.Errorf("left are %v", names)
	}
}

// A note that a crash has left empty does not pass for nothing.
func TestAnUnreadableNoteIsSaid(t *testing.T) {
	b, _ := faked(t)
	for key, damage := range map[string]func(path string) error{
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"removed": os.Remove,
	} {
		b.use(key, isNew, "first", "")
		b.stop()
		if err := damage(filepath.Join(b.config.Dir, key+".json")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.config.Dir, key+".json.new"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.use(key, isLost, "?", "")
	}
	for _, name := range b.left() {
		if strings.HasSuffix(name, ".new") {
			t.Errorf("%s is left", name)
		}
	}
}

// Who waits for a session over the end of the service does not get another one.
func TestNothingIsOpenedAfterTheEnd(t *testing.T) {
	b, _ := faked(t)
	s := b.open("cht_1", isNew)
	waiting := make(chan error)
	go func() {
		_, _, err := b.keeper.Open(context.WithoutCancel(t.Context()), "cht_1", execution.Spec{})
		waiting <- err
	}()
	b.keeper.AwaitUsers("cht_1", 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.keeper.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close returned %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; codeOf(err) != execution.CodeUnavailable {
		t.Errorf("Open returned %v", err)
	}
}

// What became of the variables is told to the first that runs a step, not to one
// who has only opened the session.
func TestAnOriginIsToldUntilAStepHasRun(t *testing.T) {
	b, f := faked(t)
	unused := func(want execution.OriginState) {
		t.Helper()
		if err := b.open("cht_1", want).Close(); err != nil {
			t.Error(err)
		}
	}
	unused(isNew)
	unused(isNew)
	s := b.open("cht_1", isNew)
	runs(t, s, "first")
	b.keeper.AwaitSaved(t.Context(), "cht_1")
	f.set(func(f *fake) { f.snapshot = fails(errors.New("no space left on device")) })
	runs(t, s, "second")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	b.stop()
	f.set(func(f *fake) { f.snapshot = nil })
	b.start()
	unused(isEarlier)
	unused(isEarlier)
	b.stop()
	b.start()
	b.use("cht_1", isEarlier, "?", "first")
	b.use("cht_1", isKept, "?", "first")
}

// Deleting a chat does not wait for its variables to be written.
func TestEraseEndsWhatIsBeingSaved(t *testing.T) {
	b, f := faked(t)
	g := newGate() // which nobody opens
	f.set(func(f *fake) { f.snapshot = g.pass })
	b.use("cht_1", isNew, "first", "")
	<-g.entered
	if err := b.keeper.Erase(t.Context(), "cht_1"); err != nil {
		t.Error(err)
	}
	if left := b.left(); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

// An image is not laid out in the clear while its session waits for a place.
func TestNothingLiesInTheClearDuringTheWaitForAPlace(t *testing.T) {
	b, f := faked(t)
	b.use("cht_1", isNew, "first", "")
	b.stop()
	g := newGate()
	f.set(func(f *fake) { f.resume = g.pass })
	b.start()
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		b.use("cht_1", isKept, "?", "first")
	}()
	<-g.entered
	if left := b.left(); !slices.Equal(left, []string{"cht_1.age", "cht_1.json"}) {
		t.Errorf("during the wait there are %v", left)
	}
	close(g.leave)
	<-opened
}
