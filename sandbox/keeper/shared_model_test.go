package keeper_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawn(t *rapid.T) fate {
	return fate{
		snapshot: rapid.SampledFrom([]string{goesWell, goesWell, failsAtOnce}).Draw(t, "snapshot"),
		upload:   rapid.SampledFrom([]string{goesWell, goesWell, failsAtOnce, hangs}).Draw(t, "upload"),
		mark:     rapid.SampledFrom([]string{goesWell, goesWell, goesWell, goesWell, failsAtOnce}).Draw(t, "mark"),
	}
}

// Whatever becomes of nodes and uploads, nobody is given variables that are not the
// latest without being told so.
func TestNoNodeGivesStaleVariables(t *testing.T) {
	folder := t.TempDir()
	model := func(t *rapid.T) {
		w := newWorld(t, folder)
		pick := func(t *rapid.T, may func(*node) bool) *node {
			i := rapid.IntRange(0, len(w.nodes)-1).Draw(t, "node")
			if !may(w.nodes[i]) {
				t.Skip("the node " + strconv.Itoa(i) + " cannot")
			}
			return w.nodes[i]
		}
		all := func(*node) bool { return true }
		using := func(n *node) bool { return n.held != nil }
		unused := func(n *node) bool { return n.held == nil }
		t.Repeat(map[string]func(*rapid.T){
			"open":      func(t *rapid.T) { _ = w.open(pick(t, unused)) },
			"step":      func(t *rapid.T) { w.step(pick(t, using), drawn(t)) },
			"step more": func(t *rapid.T) { w.step(pick(t, using), drawn(t)) },
			"give back": func(t *rapid.T) { w.giveBack(pick(t, using)) },
			"release":   func(t *rapid.T) { w.release(pick(t, func(n *node) bool { return n.late != nil })) },
			"sweep": func(t *rapid.T) {
				w.now.Add(int64(15 * time.Minute))
				pick(t, all).keeper.Sweep(context.Background())
			},
			"crash": func(t *rapid.T) {
				n := pick(t, all)
				w.kill(n)
				fresh := rapid.Bool().Draw(t, "the disk, too")
				w.start(n, fresh)
			},
			"restart": func(t *rapid.T) {
				n := pick(t, all)
				if n.held != nil {
					w.giveBack(n)
				}
				w.release(n)
				n.reach.onPut(nil)
				if err := n.keeper.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				w.start(n, false)
			},
			"go back": func(t *rapid.T) {
				n, points := pick(t, unused), []string{""}
				for point := range w.points {
					points = append(points, point)
				}
				slices.Sort(points)
				_ = w.goBack(n, rapid.SampledFrom(points).Draw(t, "point"))
			},
			"erase": func(t *rapid.T) {
				n := pick(t, unused)
				if n.late != nil {
					t.Skip("it would wait")
				}
				if err := n.keeper.Erase(context.Background(), chat); err != nil {
					t.Fatal(err)
				}
				w.last, w.history, w.shared = "", nil, false
				w.points = map[string]string{}
				for _, other := range w.nodes {
					other.current = false
				}
			},
		})
	}
	for range 10 { // of rapid's hundred
		rapid.Check(t, model)
	}
}
