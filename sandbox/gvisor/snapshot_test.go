package gvisor_test

import (
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
)

// snapshot writes one of s to a new folder.
func snapshot(t *testing.T, s execution.Session) string {
	t.Helper()
	dir := t.TempDir()
	if err := s.(sandbox.Snapshotter).Snapshot(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// in is a snapshot that lies in a folder.
func in(dir string) sandbox.Fetch {
	return func(context.Context) (string, error) { return dir, nil }
}

// resume opens a session from a snapshot, and closes it with the test.
func resume(t *testing.T, spec execution.Spec, dir string) execution.Session {
	t.Helper()
	s, err := gvisortest.Provider(t).Resume(t.Context(), spec, in(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// file makes an input of a session.
func file(t *testing.T, name, content string) execution.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return execution.File{Name: name, Path: path}
}

func TestVariablesOutliveTheProcess(t *testing.T) {
	spec := execution.Spec{Files: []execution.File{file(t, "a.csv", "x\n1\n2\n")}}
	s := open(t, spec)
	prints(t, s, `df = pd.read_csv("a.csv"); big = pd.DataFrame({"n": range(1_000_000)})
import random, threading
random.seed(7); first = random.random()
def double(n): return 2 * n
open("/mnt/data/left.txt", "w").write("behind")`)
	dir := snapshot(t, s)
	if got := prints(t, s, "print(df.x.sum(), double(4))"); got != "3 8" {
		t.Errorf("the session that goes on printed %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a snapshot is not used up
		back := resume(t, spec, dir)
		got := prints(t, back, `print(df.x.sum(), double(4), len(big), open("/mnt/data/left.txt").read(), open("a.csv").read()[:1], random.random())`)
		if want := "3 8 1000000 behind x 0.15084917392450192"; got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
}

// A snapshot of a session that was resumed is as good, and files may come and go.
func TestASnapshotOfASnapshot(t *testing.T) {
	a, b := file(t, "a.csv", "x\n1\n"), file(t, "b.csv", "y\n5\n")
	s := open(t, execution.Spec{Files: []execution.File{a}})
	prints(t, s, "total = int(pd.read_csv('a.csv').x.sum())")
	s = resume(t, execution.Spec{Files: []execution.File{b}}, snapshot(t, s))
	prints(t, s, "total += int(pd.read_csv('b.csv').y.sum())")
	s = resume(t, execution.Spec{}, snapshot(t, s))
	if got := prints(t, s, "import os; print(total, sorted(os.listdir('/mnt/input')), sorted(os.listdir('.')))"); got != "6 [] []" {
		t.Errorf("printed %q", got)
	}
}

func TestFilesChangeBetweenSteps(t *testing.T) {
	a, b := file(t, "a.csv", "1"), file(t, "b.csv", "2")
	s := open(t, execution.Spec{Files: []execution.File{a}})
	if got := prints(t, s, "print(open('a.csv').read())"); got != "1" {
		t.Fatalf("printed %q", got)
	}
	enters(t, s, true, a, b)
	if got := prints(t, s, "print(open('a.csv').read(), open('b.csv').read(), open('/mnt/input/b.csv').read())"); got != "1 2 2" {
		t.Errorf("printed %q", got)
	}
	// What was given to a running session is not exchanged or taken away there.
	enters(t, s, false, a)
	enters(t, s, false, a, file(t, "b.csv", "3"))
	enters(t, s, false, file(t, "a.csv", "other"))
	enters(t, s, false)
	if o := run(t, s, "open('/mnt/input/c', 'w')"); o.result.Failure == nil {
		t.Error("the folder of inputs can be written to")
	}
}

func TestSnapshotsThatAreWorthless(t *testing.T) {
	s := open(t, execution.Spec{})
	good := snapshot(t, s)
	cut := t.TempDir()
	if err := os.CopyFS(cut, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(cut)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.Truncate(filepath.Join(cut, entry.Name()), 100); err != nil {
			t.Fatal(err)
		}
	}
	link := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(link, "checkpoint.img")); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"cut short": cut, "empty": t.TempDir(), "missing": filepath.Join(t.TempDir(), "no"), "a link": link} {
		if s, err := gvisortest.Provider(t).Resume(t.Context(), execution.Spec{}, in(dir)); !errors.Is(err, sandbox.ErrSnapshot) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	// The one that they were made of is not harmed.
	if got := prints(t, s, "print('on')"); got != "on" {
		t.Errorf("printed %q", got)
	}
}

func TestASnapshotWaitsForTheStep(t *testing.T) {
	s := open(t, execution.Spec{})
	dir := t.TempDir()
	done := make(chan error, 1)
	_, err := s.Run(t.Context(), "print('on')\nimport time; time.sleep(0.5); x = 1", execution.Listener(func(execution.Event) {
		go func() { done <- s.(sandbox.Snapshotter).Snapshot(t.Context(), dir) }()
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := prints(t, resume(t, execution.Spec{}, dir), "print(x)"); got != "1" {
		t.Errorf("printed %q", got)
	}
}

func TestMemoryIsTold(t *testing.T) {
	s := open(t, execution.Spec{}).(sandbox.Snapshotter)
	before, _ := s.MemoryBytes()
	prints(t, s, "block = bytearray(200 << 20)")
	if after, known := s.MemoryBytes(); !known || before < 50<<20 || after-before < 190<<20 || after-before > 300<<20 {
		t.Errorf("%d MiB before, %d MiB after", before>>20, after>>20)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, _ := s.MemoryBytes(); n != 0 {
		t.Errorf("%d bytes after the end", n)
	}
	if err := s.Snapshot(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("a snapshot of an ended session: %v", err)
	}
}

// A session outlives a question that is taken back while it is given its files, and
// files that are not there any more.
func TestASessionOutlivesWhatItCannotBeGiven(t *testing.T) {
	s := open(t, execution.Spec{}).(sandbox.Snapshotter)
	prints(t, s, "x = 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	given := []execution.File{file(t, "a.csv", "1")}
	for range 10 { // the kernel's answer may have been as quick
		if fits, err := s.Enter(ctx, given); err != nil || !fits {
			t.Fatalf("Enter returned %v, %v", fits, err)
		}
	}
	missing := []execution.File{{Name: "b.csv", Path: filepath.Join(t.TempDir(), "no")}}
	_, err := s.Enter(t.Context(), missing)
	if failure := (*execution.Error)(nil); !errors.As(err, &failure) || failure.Fatal || failure.Message == "" {
		t.Errorf("Enter returned %v", err)
	}
	if got := prints(t, s, "print(x, open('a.csv').read())"); got != "1 1" {
		t.Errorf("printed %q", got)
	}
	if _, err := gvisortest.Provider(t).Resume(t.Context(), execution.Spec{Files: missing}, in(snapshot(t, s))); err == nil || errors.Is(err, sandbox.ErrSnapshot) {
		t.Errorf("the snapshot is blamed for a file: %v", err)
	}
}

// Code may leave its inputs open, and the new process reads copies.
func TestOpenInputsOutliveTheProcess(t *testing.T) {
	spec := execution.Spec{Files: []execution.File{file(t, "a.csv", "x\n1\n2\n")}}
	s := open(t, spec)
	prints(t, s, "import mmap; f = open('a.csv'); f.readline(); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)")
	dir := snapshot(t, s)
	if got := prints(t, resume(t, spec, dir), "print(f.read(), m[0:1])"); got != "1\n2\n b'x'" {
		t.Errorf("printed %q", got)
	}
}

// A snapshot is asked for when the session has its place, and not before.
func TestASnapshotIsFetchedAfterTheWait(t *testing.T) {
	config := gvisortest.Config(t)
	config.Sessions = 1
	p := gvisortest.New(t, config)
	defer p.Close() // nothing is left
	s := openOf(t, p, execution.Spec{})
	prints(t, s, "x = 1")
	dir, fetched := snapshot(t, s), false
	fetch := func(context.Context) (string, error) {
		fetched = true
		return dir, nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Resume(ctx, execution.Spec{}, fetch)
	if failure := (*execution.Error)(nil); !errors.As(err, &failure) || failure.Code != execution.CodeCancelled || fetched {
		t.Errorf("without a place: %v, fetched %t", err, fetched)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	back, err := p.Resume(t.Context(), execution.Spec{}, fetch)
	if err != nil || !fetched {
		t.Fatalf("with a place: %v, fetched %t", err, fetched)
	}
	if got := prints(t, back, "print(x)"); got != "1" {
		t.Errorf("printed %q", got)
	}
	errUnreadable := errors.New("unreadable")
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Resume(t.Context(), execution.Spec{}, func(context.Context) (string, error) { return "", errUnreadable }); !errors.Is(err, errUnreadable) {
		t.Errorf("a snapshot that cannot be fetched: %v", err)
	}
}
