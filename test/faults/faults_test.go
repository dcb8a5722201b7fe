package main

import (
	"slices"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// testSilence is more than mostSilence, since the tests of other packages run beside
// this one. A run that nobody takes over is silent until the round's end.
const testSilence = 30 * time.Second

// TestFaults is a short form of the program: two nodes, runs without Python, and
// the faults that say the most for their time.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	launcher, sandbox := gvisortest.Launcher(t), gvisortest.Dir(t)
	gvisortest.Tree(t)
	binary, err := build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, err := newArena(t.Context(), settings{
		binary: binary, launcher: launcher, sandbox: sandbox, nodes: 2, people: 2, seed: 1,
		course: course{tools: []string{toolList, toolList}, words: 20, pace: 50 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	wanted := []string{"kill -9, started again", "PostgreSQL restarts, immediate"}
	for _, f := range faults() {
		if !slices.Contains(wanted, f.name) {
			continue
		}
		began := time.Now()
		found, err := a.round(t.Context(), f)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		if !found.harmless(testSilence) || found.runs != 4 {
			t.Errorf("%s: %+v", f.name, found)
		}
		t.Logf("%s: the longest silence was %s; %s", f.name, found.silence.Round(time.Millisecond), time.Since(began).Round(time.Second))
	}
}
