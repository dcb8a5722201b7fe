package gvisor_test

import (
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// Code may leave its inputs open over their removal from the chat: whether they
// were mounted at the start or copied in later, the session can be saved and goes
// on.
func TestOpenInputsMayBeTakenAway(t *testing.T) {
	a, b, c := file(t, "a.csv", "x\n1\n"), file(t, "b.csv", "y\n5\n"), file(t, "c.csv", "z\n7\n")
	s := open(t, execution.Spec{Files: []execution.File{a, b}})
	enters(t, s, true, a, b, c)
	prints(t, s, `import mmap, os
total = sum(int(pd.read_csv(name).iloc[0, 0]) for name in ("a.csv", "b.csv", "c.csv"))
mounted, copied = open("a.csv"), open("c.csv")
mapped = mmap.mmap(copied.fileno(), 0, prot=mmap.PROT_READ)`)
	enters(t, s, false, b)
	for range 3 { // and each image of it is as good
		s = resume(t, execution.Spec{Files: []execution.File{b}}, snapshot(t, s))
		if got := prints(t, s, "print(total, repr(mounted.read()), sorted(os.listdir('.')), open('b.csv').read())"); got != "13 '' ['b.csv'] y\n5" {
			t.Errorf("printed %q", got)
		}
		enters(t, s, true, b)
	}
	prints(t, s, "mounted.close(); mapped.close(); copied.close()")
	s = resume(t, execution.Spec{Files: []execution.File{b}}, snapshot(t, s))
	if got := prints(t, s, "print(total, os.listdir('/mnt/input'))"); got != "13 ['b.csv']" {
		t.Errorf("printed %q", got)
	}
}

// The name of an input that was taken away may be that of another.
func TestANameMayComeBack(t *testing.T) {
	one, two := file(t, "a.csv", "one"), file(t, "a.csv", "two")
	s := open(t, execution.Spec{Files: []execution.File{one}})
	prints(t, s, "held = open('a.csv')")
	s = resume(t, execution.Spec{}, snapshot(t, s))
	enters(t, s, false, two)
	s = resume(t, execution.Spec{Files: []execution.File{two}}, snapshot(t, s))
	if got := prints(t, s, "print(open('a.csv').read())"); got != "two" {
		t.Errorf("printed %q", got)
	}
}

// enters gives a session files, and tells whether they have to fit.
func enters(t *testing.T, s execution.Session, fits bool, files ...execution.File) {
	t.Helper()
	got, err := s.(sandbox.Snapshotter).Enter(t.Context(), files)
	if err != nil || got != fits {
		t.Fatalf("Enter returned %v, %v; want %v", got, err, fits)
	}
}
