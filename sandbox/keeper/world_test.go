package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// node is one node of a service, with what it does with a chat.
type node struct {
	keeper *keeper.Keeper
	fake   *fake
	reach  *reach
	dir    string

	held    execution.Session // nil: it does not use the chat
	value   string            // of held
	current bool              // it has the chat; otherwise another has taken it over
	dead    bool              // held has ended
	late    chan struct{}     // close it, and an upload that hangs goes on; nil: none hangs
}

// world is several nodes with one chat and one shared store, and what is true of the
// chat's variables.
type world struct {
	t      tester
	folder string
	memory *memory
	now    atomic.Int64
	nodes  []*node
	limits keeper.Limits

	steps    int
	points   map[string]string // what the variables were after a step that was saved
	noPoints bool              // steps have no names
	last     string            // what the variables are, as the person knows it
	history  []string          // what they were
	shared   bool              // last is in the shared store
}

const chat = "cht_1"

// tester is a test, of rapid's or another.
type tester interface {
	Fatal(...any)
	Fatalf(string, ...any)
	Cleanup(func())
}

// fate is what becomes of a step's snapshot, of the upload of its image and of the
// note that it was begun.
type fate struct{ snapshot, upload, mark string }

const goesWell, failsAtOnce, hangs = "goes well", "fails", "hangs"

func newWorld(t tester, folder string) *world {
	w := &world{t: t, folder: folder, points: map[string]string{}}
	w.memory = &memory{clock: w.clock(), blobs: map[string]memoryBlob{}}
	for range 3 {
		n := &node{}
		w.start(n, true)
		w.nodes = append(w.nodes, n)
	}
	t.Cleanup(func() {
		for _, n := range w.nodes {
			w.kill(n)
		}
	})
	return w
}

func (w *world) clock() clock.Clock {
	return clock.Func(func() time.Time { return time.Unix(1_800_000_000, w.now.Load()) })
}

// start starts a node; with fresh, on a machine that knows nothing.
func (w *world) start(n *node, fresh bool) {
	*n = node{dir: n.dir, fake: &fake{}, reach: &reach{memory: w.memory}}
	var err error
	if fresh {
		if n.dir, err = os.MkdirTemp(w.folder, "node-"); err != nil {
			w.t.Fatal(err)
		}
	}
	n.keeper, err = keeper.New(keeper.Config{
		Provider: n.fake, Dir: n.dir, KeyFile: filepath.Join(w.folder, "key"), Shared: n.reach,
		Limits: w.limits, Clock: w.clock(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// kill ends a node as kill -9 does: nothing of it reaches anything any more.
func (w *world) kill(n *node) {
	n.reach.sever()
	n.fake.end()
	w.release(n)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.keeper.Close(ctx); !errors.Is(err, context.Canceled) {
		w.t.Fatalf("Close returned %v", err)
	}
	n.keeper.AwaitShared(chat)
}

// release lets an upload that hangs go on.
func (w *world) release(n *node) {
	if n.late != nil {
		close(n.late)
		n.late = nil
	}
}

// openAs opens the chat on a node; its variables have to come from where they do.
func (w *world) openAs(n *node, want execution.OriginState) {
	if got := w.open(n); got != want {
		w.t.Fatalf("the origin is %d, want %d", got, want)
	}
}

func (w *world) open(n *node) execution.OriginState {
	s, origin, err := n.keeper.Open(context.Background(), chat, execution.Spec{})
	if err != nil {
		w.t.Fatalf("Open: %v", err)
	}
	got := n.fake.value()
	switch {
	case origin.State == isKept && got == w.last && w.last != "":
	case origin.State == isEarlier && slices.Contains(w.history, got) && !w.shared:
	case origin.State == isLost && got == "" && !w.shared:
	case origin.State == isNew && got == "" && w.last == "":
	default:
		w.t.Fatalf("the variables are %q, and %+v; they were %q, shared %t, before %q\n%s",
			got, origin, w.last, w.shared, w.history, strings.Join(w.memory.names(), "\n"))
	}
	for _, other := range w.nodes {
		other.current = false
	}
	n.held, n.value, n.current, n.dead = s, got, true, false
	if got != w.last { // the person was told
		w.last, w.shared = got, false
	}
	return origin.State
}

// images are those in the shared store.
func (w *world) images() []string {
	return slices.DeleteFunc(w.memory.names(), func(name string) bool { return !isImage(name) })
}

// step runs one on a node; what a node does that has not got the chat any more is
// told to nobody.
func (w *world) step(n *node, of fate) {
	n.fake.set(func(f *fake) {
		f.snapshot = nil
		if of.snapshot == failsAtOnce {
			f.snapshot = fails(errors.New("no space left on device"))
		}
	})
	var late chan struct{}
	if of.upload == hangs && n.late == nil {
		late = make(chan struct{})
		n.late = late
	}
	n.reach.onPut(func(ctx context.Context, name string) error {
		switch {
		case isStep(name) && of.mark == failsAtOnce, isImage(name) && of.upload == failsAtOnce:
			return errCut
		case isImage(name) && late != nil:
			select {
			case <-late:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	w.steps++
	value := fmt.Sprint(n.value, ",", w.steps)
	point := fmt.Sprint("stp_", w.steps)
	if w.noPoints {
		point = ""
	}
	_, err := n.held.Run(context.Background(), value, execution.Host{Point: point})
	if (err != nil) != (n.dead || of.mark == failsAtOnce) {
		w.t.Fatalf("Run: %v", err)
	}
	if err != nil {
		n.dead = true
		n.reach.onPut(nil)
		return
	}
	n.value = value
	saved := n.keeper.AwaitSaved(context.Background(), chat)
	if saved != (of.snapshot == goesWell) {
		w.t.Fatalf("saved %t, though the snapshot %s", saved, of.snapshot)
	}
	if n.late == nil {
		n.keeper.AwaitShared(chat)
		n.reach.onPut(nil)
	}
	if saved && !w.noPoints {
		w.points[point] = value
	}
	if n.current {
		w.last, w.history = value, append(w.history, value)
		w.shared = saved && of.upload == goesWell && n.late == nil
	}
}

func (w *world) giveBack(n *node) {
	if err := n.held.Close(); err != nil {
		w.t.Fatal(err)
	}
	n.held = nil
}

// goBack goes back to a point on a node, and reports whether it is kept. No other node
// has the chat after that.
func (w *world) goBack(n *node, point string) bool {
	n.reach.onPut(nil)
	err := n.keeper.Rewind(context.Background(), chat, point)
	if errors.Is(err, execution.ErrNoPoint) {
		return false
	}
	if err != nil {
		w.t.Fatalf("Rewind: %v", err)
	}
	for _, other := range w.nodes {
		other.current = false
	}
	w.last, w.shared = w.points[point], true
	w.history = []string{w.last} // nothing after it is to be seen
	if w.last == "" && point != "" {
		w.t.Fatalf("went back to %s, which was never saved", point)
	}
	return true
}
