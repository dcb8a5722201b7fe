package keeper_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// well is the fate of most steps.
var well = fate{goesWell, goesWell, goesWell}

// twoNodes are two nodes with the real sandbox, one shared store and one key.
func twoNodes(t *testing.T) (a, b *bench, m *memory) {
	t.Helper()
	m = &memory{clock: clock.System{}, blobs: map[string]memoryBlob{}}
	share := func(c *keeper.Config) { c.Shared = &reach{memory: m} }
	a = newBench(t, share)
	b = newBench(t, func(c *keeper.Config) {
		share(c)
		c.KeyFile = a.config.KeyFile
	})
	return a, b, m
}

func TestVariablesFollowTheChatToAnotherNode(t *testing.T) {
	a, b, m := twoNodes(t)
	a.use(chat, isNew, makeFrame, "1000")
	a.keeper.AwaitSaved(t.Context(), chat)
	a.keeper.AwaitShared(chat)
	b.use(chat, isKept, readFrame+"; df = df.head(2)", "499500")
	b.keeper.AwaitSaved(t.Context(), chat)
	b.keeper.AwaitShared(chat)
	// The first node's session lives, but what it holds is not the latest.
	a.use(chat, isKept, readFrame+"; secret = 'MARKER-' * 100_000", "1")
	a.stop()
	b.use(chat, isKept, "print(len(secret), len(df))", "700000 2")
	b.stop()
	for name, blob := range m.blobs {
		if strings.Contains(string(blob.content), "MARKER-MARKER") {
			t.Errorf("%s tells the variable", name)
		}
	}
	if images := slices.DeleteFunc(m.names(), func(name string) bool { return !isImage(name) }); len(images) != 1 {
		t.Errorf("superfluous images are left: %v", images)
	}
	a.start()
	b.start()
}

// A node that is killed in the middle of a step costs that step alone.
func TestAKillInTheMiddleOfAStep(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "with others": true} {
		t.Run(name, func(t *testing.T) {
			provider := gvisortest.New(t, gvisortest.Config(t))
			m := &memory{clock: clock.System{}, blobs: map[string]memoryBlob{}}
			way := &reach{memory: m}
			b := newBench(t, func(c *keeper.Config) {
				c.Provider = provider
				if shared {
					c.Shared = way
				}
			})
			s := b.open(chat, isNew)
			runs(t, s, "x = 1")
			b.keeper.AwaitSaved(t.Context(), chat)
			b.keeper.AwaitShared(chat)
			begun, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = s.Run(t.Context(), "x = 2; print('on', flush=True)\nimport time; time.sleep(60)", // it is killed
					execution.Listener(func(e execution.Event) {
						if e.Chunk != nil {
							close(begun)
						}
					}))
			}()
			<-begun
			dead, folder := b.keeper, t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(b.config.Dir)); err != nil {
				t.Fatal(err)
			}
			way.sever()
			b.crash(provider)
			<-ended
			b.config.Provider, b.config.Dir = gvisortest.Provider(t), folder
			want := isKept
			if shared { // by which nobody knows that the step had no end
				b.config.Shared, want = &reach{memory: m}, isEarlier
			}
			b.start()
			b.use(chat, want, "print(x)", "1")
			b.use(chat, isKept, "print(x)", "1")
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := dead.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// An upload that comes after another node has gone on from an earlier image is not
// what the next node finds.
func TestALateUploadChangesNothing(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.noPoints = true
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	w.open(a)
	w.step(a, well)
	w.step(a, fate{goesWell, hangs, goesWell})
	w.openAs(b, isEarlier)
	w.release(a)
	a.keeper.AwaitShared(chat)
	w.step(b, well)
	w.step(a, well) // which does not know yet
	w.openAs(c, isKept)
	w.giveBack(a)
	w.openAs(a, isKept)
	if images := w.images(); len(images) != 1 {
		t.Errorf("the images are %v", images)
	}
}

// A node that ends in order leaves nothing unsaid.
func TestAShutdownSharesTheLastImage(t *testing.T) {
	w := newWorld(t, t.TempDir())
	a, b := w.nodes[0], w.nodes[1]
	w.open(a)
	w.step(a, fate{failsAtOnce, goesWell, goesWell})
	a.fake.set(func(f *fake) { f.snapshot = nil })
	w.giveBack(a)
	if err := a.keeper.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.start(a, true)
	w.openAs(b, isKept)
}

// What another node has erased is nowhere any more, and nothing brings it back.
func TestEraseErasesOnAllNodes(t *testing.T) {
	w := newWorld(t, t.TempDir())
	a, b := w.nodes[0], w.nodes[1]
	w.open(a)
	w.step(a, fate{goesWell, hangs, goesWell})
	w.giveBack(a)
	if err := b.keeper.Erase(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	w.release(a)
	a.keeper.AwaitShared(chat)
	w.now.Add(int64(time.Hour))
	a.keeper.Sweep(t.Context())
	if names := w.memory.names(); len(names) != 0 {
		t.Errorf("%v are left", names)
	}
	left, err := os.ReadDir(a.dir)
	if err != nil || len(left) != 0 || a.keeper.Live() != 0 {
		t.Errorf("%v are left, and %d live sessions (%v)", left, a.keeper.Live(), err)
	}
}

// Erasing does not wait for an upload.
func TestEraseEndsAnUpload(t *testing.T) {
	w := newWorld(t, t.TempDir())
	a := w.nodes[0]
	w.open(a)
	w.step(a, fate{goesWell, hangs, goesWell})
	w.giveBack(a)
	if err := a.keeper.Erase(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	if names := w.memory.names(); len(names) != 0 {
		t.Errorf("%v are left", names)
	}
}

// An upload that failed is made up for.
func TestASweepSharesWhatCouldNotBeShared(t *testing.T) {
	w := newWorld(t, t.TempDir())
	a, b := w.nodes[0], w.nodes[1]
	w.open(a)
	w.step(a, fate{goesWell, failsAtOnce, goesWell})
	w.giveBack(a)
	w.now.Add(int64(time.Hour))
	a.keeper.Sweep(t.Context())
	a.keeper.AwaitShared(chat)
	w.openAs(b, isKept)
}

// The limits are those of the shared store, too, whoever applies them.
func TestTheSharedStoreIsBounded(t *testing.T) {
	limits := keeper.DefaultLimits()
	for name, bound := range map[string]struct {
		later  time.Duration
		bytes  int64
		reason string
	}{
		"by age":  {limits.MaxAge, 0, "too long"},
		"by room": {time.Hour, 1, "no more room"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			a, b := w.nodes[0], w.nodes[1]
			w.open(a)
			w.step(a, well)
			w.giveBack(a)
			w.kill(a)
			w.start(a, true)
			w.now.Add(int64(bound.later))
			w.limits.SavedBytes = bound.bytes
			w.kill(w.nodes[2])
			w.start(w.nodes[2], true)
			w.nodes[2].keeper.Sweep(t.Context())
			if images := w.images(); len(images) != 0 {
				t.Fatalf("the images are %v", images)
			}
			s, origin, err := b.keeper.Open(t.Context(), chat, execution.Spec{})
			if err != nil || origin.State != isLost || !strings.Contains(origin.Reason, bound.reason) {
				t.Fatalf("the origin is %+v (%v)", origin, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			w.now.Add(int64(3 * limits.MaxAge))
			b.keeper.Sweep(t.Context())
			if names := w.memory.names(); len(names) != 0 {
				t.Errorf("%v are left", names)
			}
		})
	}
}

// Without the shared store nobody knows whether what a node has is the latest.
func TestNothingIsOpenedWithoutTheSharedStore(t *testing.T) {
	w := newWorld(t, t.TempDir())
	a := w.nodes[0]
	w.open(a)
	w.step(a, well)
	w.giveBack(a)
	a.reach.sever()
	if _, _, err := a.keeper.Open(t.Context(), chat, execution.Spec{}); codeOf(err) != execution.CodeUnavailable {
		t.Errorf("Open returned %v", err)
	}
}

// What was kept before there was a shared store is not lost when there is one.
func TestASharedStoreMayComeLater(t *testing.T) {
	b, f := faked(t)
	b.use(chat, isNew, "first", "")
	b.stop()
	m := &memory{clock: b.config.Clock, blobs: map[string]memoryBlob{}}
	b.config.Shared = &reach{memory: m}
	b.start()
	if err := b.open(chat, isKept).Close(); err != nil {
		t.Error(err)
	}
	b.stop()
	b.start()
	b.use(chat, isKept, "?", "first")
	b.stop()
	other := newBenchOver(t, f, func(c *keeper.Config) { *c = b.config; c.Dir = t.TempDir() })
	other.use(chat, isKept, "?", "first")
	b.start()
}

// A provider that keeps nothing says so on the other nodes, too.
func TestSessionsThatCannotBeKeptStayOnTheirNode(t *testing.T) {
	m := &memory{clock: clock.System{}, blobs: map[string]memoryBlob{}}
	forgets := func(c *keeper.Config) {
		c.Provider, c.Shared = forgetful{&fake{}}, &reach{memory: m}
	}
	a, b := newBenchOver(t, nil, forgets), newBenchOver(t, nil, forgets)
	a.use(chat, isNew, "first", "")
	a.use(chat, isKept, "?", "first")
	b.use(chat, isLost, "second", "")
	a.use(chat, isLost, "?", "")
}

// TestAnEndOfTheSessionIsSaid on another node, with its reason.
func TestAnEndOfTheSessionIsSaidOnAnotherNode(t *testing.T) {
	w := newWorld(t, t.TempDir())
	a, b := w.nodes[0], w.nodes[1]
	w.open(a)
	w.step(a, well)
	if _, err := a.held.Run(context.Background(), "die", execution.Host{}); codeOf(err) != execution.CodeDied {
		t.Fatal(err)
	}
	w.giveBack(a)
	s, origin, err := b.keeper.Open(t.Context(), chat, execution.Spec{})
	if err != nil || origin.State != isEarlier || !strings.Contains(origin.Reason, "that step") {
		t.Errorf("the origin is %+v (%v)", origin, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
