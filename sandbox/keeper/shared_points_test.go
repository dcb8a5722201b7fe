package keeper_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// goesBack goes back to a point, which has to be kept.
func (w *world) goesBack(n *node, point string) {
	if !w.goBack(n, point) {
		w.t.Fatalf("%s is not kept:\n%s", point, strings.Join(w.memory.names(), "\n"))
	}
}

// worldWithPoints is one whose first node has run some steps and given the chat back.
func worldWithPoints(t *testing.T, fates ...fate) *world {
	t.Helper()
	w := newWorld(t, t.TempDir())
	w.open(w.nodes[0])
	for _, of := range fates {
		w.now.Add(int64(time.Second))
		w.step(w.nodes[0], of)
	}
	w.giveBack(w.nodes[0])
	return w
}

// Any node goes back to a point, and all go on from there, also the one whose live
// session was further.
func TestAnyNodeGoesBack(t *testing.T) {
	w := worldWithPoints(t, well, well, well)
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	w.goesBack(b, "stp_2")
	w.openAs(a, isKept)
	w.step(a, well)
	w.giveBack(a)
	w.openAs(c, isKept)
	w.giveBack(c)
	w.goesBack(a, "stp_1")
	w.openAs(b, isKept)
	w.giveBack(b)
	w.goesBack(c, "")
	w.openAs(a, isNew)
	w.giveBack(a)
	w.goesBack(c, "stp_3")
	w.openAs(a, isKept)
}

// What is tidied away, and the loss of nodes, leave the points.
func TestPointsOutliveNodesAndTerms(t *testing.T) {
	w := worldWithPoints(t, well, well)
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	for range 3 {
		w.openAs(b, isKept)
		w.step(b, well)
		w.giveBack(b)
		w.openAs(c, isKept)
		w.step(c, well)
		w.giveBack(c)
	}
	w.now.Add(int64(time.Hour))
	c.keeper.Sweep(t.Context())
	for _, n := range w.nodes {
		w.kill(n)
		w.start(n, true)
	}
	for _, point := range []string{"stp_1", "stp_2", "stp_5"} {
		w.goesBack(a, point)
		w.openAs(b, isKept)
		w.giveBack(b)
	}
}

// An upload that comes after a node has gone back does not undo that, and is still
// a point.
func TestALateUploadDoesNotUndoGoingBack(t *testing.T) {
	w := worldWithPoints(t, well, well, fate{goesWell, hangs, goesWell})
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	w.goesBack(b, "stp_1")
	w.now.Add(int64(time.Hour))
	b.keeper.Sweep(t.Context())
	w.release(a)
	a.keeper.AwaitShared(chat)
	w.now.Add(int64(time.Hour))
	a.keeper.Sweep(t.Context())
	w.kill(a) // with what it has itself
	w.start(a, true)
	w.openAs(c, isKept)
	w.giveBack(c)
	w.goesBack(b, "stp_3")
	w.openAs(a, isKept)
}

// Points that wait for an upload are uploaded in their turn.
func TestPointsOfSlowUploads(t *testing.T) {
	w := worldWithPoints(t, fate{goesWell, hangs, goesWell}, well, well)
	a, b := w.nodes[0], w.nodes[1]
	w.release(a)
	a.keeper.AwaitShared(chat)
	w.kill(a)
	for _, point := range []string{"stp_1", "stp_2", "stp_3"} {
		w.goesBack(b, point)
	}
}

// A point that could not be shared is on its node.
func TestAPointThatIsNotSharedIsOnItsNode(t *testing.T) {
	w := worldWithPoints(t, fate{goesWell, failsAtOnce, goesWell}, well)
	a, b := w.nodes[0], w.nodes[1]
	if w.goBack(b, "stp_1") {
		t.Error("another node has it")
	}
	w.goesBack(a, "")
	w.openAs(a, isNew)
	w.giveBack(a)
	w.goesBack(a, "stp_1")
	w.openAs(b, isKept)
}

// Where the shared store stops answering on the way, the variables are what they were.
func TestGoingBackThatIsCutOffChangesNothing(t *testing.T) {
	for _, blob := range []string{".claim", ".image-", ".step-", ".from"} {
		t.Run(blob, func(t *testing.T) {
			w := worldWithPoints(t, well, well)
			a, b, point := w.nodes[0], w.nodes[1], "stp_1"
			if blob == ".from" {
				point = ""
			}
			cut := 0
			a.reach.onPut(func(_ context.Context, name string) error {
				if strings.Contains(name, blob) {
					cut++
					return errCut
				}
				return nil
			})
			if err := a.keeper.Rewind(t.Context(), chat, point); codeOf(err) != execution.CodeUnavailable {
				t.Errorf("Rewind returned %v", err)
			}
			if cut == 0 {
				t.Error("nothing was cut off")
			}
			a.reach.onPut(nil)
			w.openAs(b, isKept)
			w.giveBack(b)
			w.openAs(a, isKept)
		})
	}
}

// Who goes back while another node begins a session is told that it did not.
func TestGoingBackAtTheSameTime(t *testing.T) {
	w := worldWithPoints(t, well, well)
	a, b := w.nodes[0], w.nodes[1]
	a.reach.onPut(func(_ context.Context, name string) error {
		if isStep(name) { // the last of it
			w.openAs(b, isKept)
		}
		return nil
	})
	if err := a.keeper.Rewind(t.Context(), chat, "stp_1"); codeOf(err) != execution.CodeUnavailable {
		t.Errorf("Rewind returned %v", err)
	}
	w.step(b, well)
	w.giveBack(b)
	a.reach.onPut(nil)
	w.openAs(a, isKept)
}

func TestAForkIsThereOnAllNodes(t *testing.T) {
	w := worldWithPoints(t, well, well)
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	for to, point := range map[string]string{"cht_2": "stp_1", "cht_3": ""} {
		if err := b.keeper.Fork(t.Context(), chat, point, to); err != nil {
			t.Fatal(err)
		}
		s, origin, err := c.keeper.Open(t.Context(), to, execution.Spec{})
		want := w.points["stp_1"]
		if point == "" {
			want = w.last
		}
		if err != nil || origin.State != isKept || c.fake.value() != want {
			t.Fatalf("%s has %q, %+v (%v); want %q", to, c.fake.value(), origin, err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := a.keeper.Fork(t.Context(), chat, point, to); err == nil || errors.Is(err, execution.ErrNoPoint) {
			t.Errorf("over what another node has: %v", err)
		}
	}
	if err := a.keeper.Erase(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	if w.memory.has(chat+"/") || !w.memory.has("cht_2/") {
		t.Errorf("left are %v", w.memory.names())
	}
	if err := a.keeper.Fork(t.Context(), chat, "stp_1", "cht_4"); !errors.Is(err, execution.ErrNoPoint) {
		t.Errorf("of what was erased: %v", err)
	}
}

// A fork's point is there on all nodes, whether the node that made it lives or not.
func TestAForksPointIsThereOnAllNodes(t *testing.T) {
	w := worldWithPoints(t, well, well)
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	if err := b.keeper.Fork(t.Context(), chat, "stp_1", "cht_2"); err != nil {
		t.Fatal(err)
	}
	w.kill(b)
	if err := a.keeper.Erase(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	w.now.Add(int64(time.Hour))
	a.keeper.Sweep(t.Context())
	if err := c.keeper.Fork(t.Context(), "cht_2", "stp_1", "cht_3"); err != nil {
		t.Fatal(err)
	}
	s, origin, err := a.keeper.Open(t.Context(), "cht_3", execution.Spec{})
	if err != nil || origin.State != isKept || a.fake.value() != w.points["stp_1"] {
		t.Fatalf("it has %q, %+v (%v); want %q", a.fake.value(), origin, err, w.points["stp_1"])
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// has reports whether there is a blob whose name begins so.
func (m *memory) has(prefix string) bool {
	return slices.ContainsFunc(m.names(), func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// A fork takes nothing from a node that uses the chat.
func TestAForkDoesNotDisturb(t *testing.T) {
	w := worldWithPoints(t, well)
	a, b := w.nodes[0], w.nodes[1]
	w.openAs(a, isKept)
	for to, point := range map[string]string{"cht_2": "stp_1", "cht_3": ""} {
		if err := b.keeper.Fork(t.Context(), chat, point, to); err != nil {
			t.Fatal(err)
		}
	}
	w.step(a, well)
	w.giveBack(a)
	w.openAs(b, isKept)
}

func TestErasedPointsAreLetGo(t *testing.T) {
	w := worldWithPoints(t, well, well)
	a, b := w.nodes[0], w.nodes[1]
	w.openAs(b, isKept)
	w.step(b, well)
	w.giveBack(b)
	w.now.Add(int64(time.Hour))
	a.keeper.Sweep(t.Context()) // of which the points stay
	if left, err := os.ReadDir(a.dir); err != nil || len(left) != 4 {
		t.Errorf("%v are left (%v)", left, err)
	}
	if err := b.keeper.Erase(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	w.now.Add(int64(time.Hour))
	a.keeper.Sweep(t.Context())
	if left, err := os.ReadDir(a.dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
	if names := w.memory.names(); len(names) != 0 {
		t.Errorf("%v are left", names)
	}
}

func TestSharedPointsAreBounded(t *testing.T) {
	for name, bound := range map[string]struct {
		limits func(*keeper.Limits, *world)
		later  time.Duration
		images int
	}{
		"by number": {func(l *keeper.Limits, _ *world) { l.Points = 2 }, time.Hour, 2},
		"by room":   {func(l *keeper.Limits, w *world) { l.SavedBytes = w.imageBytes() * 5 / 8 }, time.Hour, 2},
		"by age":    {func(*keeper.Limits, *world) {}, keeper.DefaultLimits().MaxAge - 2500*time.Millisecond, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldWithPoints(t, well, well, well, well)
			c := w.nodes[2]
			bound.limits(&w.limits, w)
			w.kill(c)
			w.start(c, true)
			w.now.Add(int64(bound.later - 20*time.Minute))
			c.keeper.Sweep(t.Context()) // or it does so itself, having been started
			w.now.Add(int64(20 * time.Minute))
			c.keeper.Sweep(t.Context())
			if images := w.images(); len(images) != bound.images {
				t.Fatalf("the images are %v", images)
			}
			w.kill(w.nodes[0])
			if w.goBack(c, "stp_1") {
				t.Error("stp_1 is kept")
			}
			w.openAs(c, isKept)
			w.giveBack(c)
			w.goesBack(c, "stp_4")
			w.openAs(w.nodes[1], isKept)
		})
	}
}

// What another node is about to remove does not count against the newest variables.
func TestASweepWithinAnother(t *testing.T) {
	w := worldWithPoints(t, well, well, well, well)
	for _, name := range w.memory.names() {
		if strings.Contains(name, ".point-") { // the images are still there
			if err := w.nodes[1].reach.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.limits.SavedBytes = w.imageBytes() / 2
	c := w.nodes[2]
	w.kill(c)
	w.start(c, true)
	for range 2 {
		w.now.Add(int64(20 * time.Minute))
		c.keeper.Sweep(t.Context())
	}
	w.openAs(c, isKept)
}

// imageBytes is what the images in the shared store take.
func (w *world) imageBytes() (bytes int64) {
	w.memory.mu.Lock()
	defer w.memory.mu.Unlock()
	for name, b := range w.memory.blobs {
		if isImage(name) {
			bytes += int64(len(b.content))
		}
	}
	return bytes
}
