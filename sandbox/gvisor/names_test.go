package gvisor_test

import (
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// What a name stands for is the input, whatever code has left under it before.
func TestANewInputTakesItsName(t *testing.T) {
	s := open(t, execution.Spec{}).(sandbox.Snapshotter)
	prints(t, s, "open('a.csv', 'w').write('code')")
	if fits, err := s.Enter(t.Context(), []execution.File{file(t, "a.csv", "input")}); err != nil || !fits {
		t.Fatalf("Enter returned %v, %v", fits, err)
	}
	if got := prints(t, s, "print(open('a.csv').read())"); got != "input" {
		t.Errorf("printed %q", got)
	}
}
