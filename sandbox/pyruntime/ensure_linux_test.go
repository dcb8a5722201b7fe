//go:build linux && (amd64 || arm64)

package pyruntime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func currentKey(t *testing.T) string {
	t.Helper()
	libs, err := findHostLibraries()
	if err != nil {
		t.Fatal(err)
	}
	key, err := treeKey(libs)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// finished makes a folder look like a finished tree of the given key.
func finished(t *testing.T, dir, key string) string {
	t.Helper()
	home := filepath.Join(dir, treePrefix+key)
	if err := os.MkdirAll(filepath.Join(home, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{holdName, stampName} {
		if err := os.WriteFile(filepath.Join(home, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestEnsureSkipsWhatIsThere(t *testing.T) {
	t.Setenv("PATH", "") // nothing can be built
	dir := t.TempDir()
	home := finished(t, dir, currentKey(t))
	tree, err := Ensure(t.Context(), dir, func(p Progress) { t.Errorf("it reports %v", p) })
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(home, "root"); tree.Root != want || tree.Key != currentKey(t) {
		t.Errorf("the tree is %+v, want %s", tree, want)
	}
}

func TestEnsureSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	_, err := Ensure(t.Context(), dir, nil)
	var missing *MissingError
	if !errors.As(err, &missing) || missing.What != "the go command" || !strings.Contains(err.Error(), "https://go.dev/dl") {
		t.Fatalf("Ensure returned %v", err)
	}
	if left := names(t, dir); len(left) != 1 || left[0] != "build.lock" {
		t.Errorf("it left %v", left)
	}
}

// A build that is cancelled in its midst stops at once and leaves nothing.
func TestEnsureIsCancelled(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var cancelled time.Time
	_, err := Ensure(ctx, dir, func(p Progress) {
		if p.Index == 3 && p.Total > 0 && cancelled.IsZero() { // pip is at work
			cancelled = time.Now()
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Ensure returned %v", err)
	}
	if took := time.Since(cancelled); took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if left := names(t, dir); len(left) != 1 || left[0] != "build.lock" {
		t.Errorf("it left %v", left)
	}
}

// Whoever comes second waits, and takes what the first has built.
func TestEnsureWaitsForAnother(t *testing.T) {
	t.Setenv("PATH", "")
	dir := t.TempDir()
	unlock, err := lockFile(t.Context(), filepath.Join(dir, "build.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Ensure(ctx, dir, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("while another builds, Ensure returned %v", err)
	}
	got := make(chan error, 1)
	go func() {
		_, err := Ensure(t.Context(), dir, nil)
		got <- err
	}()
	finished(t, dir, currentKey(t))
	unlock()
	if err := <-got; err != nil {
		t.Errorf("after another has built, Ensure returned %v", err)
	}
}

func TestOldTreesGoUnlessHeld(t *testing.T) {
	dir := t.TempDir()
	finished(t, dir, "unused")
	inUse := Tree{Root: filepath.Join(finished(t, dir, "held"), "root")}
	hold, err := inUse.Hold()
	if err != nil {
		t.Fatal(err)
	}
	finished(t, dir, "current")
	for _, name := range []string{"build-123", "checkpoint-1", "other"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeLeftovers(dir, "current"); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(names(t, dir), " "), "checkpoint-1 other python-current python-held"; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
	if err := hold.Close(); err != nil {
		t.Fatal(err)
	}
	if err := removeLeftovers(dir, "current"); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(names(t, dir), " "), "checkpoint-1 other python-current"; got != want {
		t.Errorf("after its release, left are %s, want %s", got, want)
	}
}

func TestUnpack(t *testing.T) {
	for name, c := range map[string]struct {
		list string
		want string // in the error; "" for none
	}{
		"file, folder, link": {list: `{"name":"d","perm":2147484141},{"name":"d/f","perm":493},{"name":"l","perm":134217728,"symlink":"d/f"}`},
		"out by name":        {list: `{"name":"../f","perm":420}`, want: "leads outside"},
		"absolute":           {list: `{"name":"/f","perm":420}`, want: "leads outside"},
		"out by link":        {list: `{"name":"d/l","perm":134217728,"symlink":"../../f"}`, want: "leads outside"},
		"not there":          {list: `{"name":"g","perm":420}`, want: "unpacking g"},
		"not compressed":     {list: `{"name":"d/f","perm":420,"compressed":true}`, want: "unpacking d/f"},
		"not a list":         {list: `{`, want: "list of files"},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
			if err := os.Mkdir(filepath.Join(from, "d"), 0o755); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"files.json": `{"files":[` + c.list + `]}`, "d/f": "content"} {
				if err := os.WriteFile(filepath.Join(from, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := unpack(from, to)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("unpack returned %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(filepath.Join(to, "l")); err != nil || string(b) != "content" {
				t.Errorf("the link leads to %q (%v)", b, err)
			}
			if info, err := os.Stat(filepath.Join(to, "d/f")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the program's mode is %v (%v)", info.Mode(), err)
			}
		})
	}
}

func TestSealedForEverybody(t *testing.T) {
	b := &builder{root: t.TempDir()}
	for name, mode := range map[string]os.FileMode{"d/program": 0o700, "d/module.py": 0o600, "d/open": 0o666} {
		path := filepath.Join(b.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(b.root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := b.seal(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"d": 0o755, "d/program": 0o755, "d/module.py": 0o644, "d/open": 0o644} {
		info, err := os.Stat(filepath.Join(b.root, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v (%v), want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestKeyNamesEverything(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	key := func(paths ...string) string {
		var libs []hostLibrary
		for _, p := range paths {
			libs = append(libs, hostLibrary{path: p})
		}
		k, err := treeKey(libs)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	write(a, "1")
	write(b, "1")
	first := key(a)
	if first != key(a) {
		t.Error("the same libraries have two keys")
	}
	if first == key(b) || first == key(a, b) {
		t.Error("other libraries have the same key")
	}
	write(a, "2")
	if first == key(a) {
		t.Error("a changed library has the same key")
	}
}

func TestGlibcIsChecked(t *testing.T) {
	for text, ok := range map[string]bool{
		"\x7fELF...GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n": true,
		"GNU C Library (GNU libc) stable release version 2.28.\n":                      true,
		"GNU C Library (GNU libc) stable release version 2.17.\n":                      false,
		"musl libc (x86_64)": false,
	} {
		path := filepath.Join(t.TempDir(), "libc.so.6")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := checkGlibc(path); (err == nil) != ok || (err != nil && !errors.Is(err, ErrUnsupported)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLinesAndTail(t *testing.T) {
	var lines []string
	w := &lineWriter{line: func(l string) { lines = append(lines, l) }}
	for _, part := range []string{"a", "b\nc\n", "", "d", strings.Repeat("x", 3*tailBytes), "\nend"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write returned %d, %v", n, err)
		}
	}
	if len(lines) != 3 || lines[0] != "ab" || lines[1] != "c" || !strings.HasPrefix(lines[2], "dx") {
		t.Errorf("the lines are %.20q", lines)
	}
	if got := w.tail(); len(got) > tailBytes || !strings.HasSuffix(got, "\nend") {
		t.Errorf("the tail has %d bytes", len(got))
	}
}
