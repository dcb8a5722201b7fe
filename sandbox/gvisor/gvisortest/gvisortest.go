// Package gvisortest gives tests a real local sandbox: the Python runtime, the
// launcher and the checkpoint are made if they are not there yet and shared by
// all tests of the machine. They stand where MARK_SANDBOX_DIR says, else in
// data/sandbox of the repository.
//
// A test is skipped only where there can be no local sandbox at all (no Linux);
// on Linux, whatever is missing fails it.
package gvisortest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// prepareTime bounds what the first test on a machine waits for: downloads, the
// build of gVisor, the checkpoint.
const prepareTime = 15 * time.Minute

// shared is the provider of a test binary's tests, for as long as one uses it.
var shared struct {
	mu       sync.Mutex // protects the rest
	users    int
	provider *gvisor.Provider
}

// Provider returns a provider that tests of one binary share. It is closed when
// the last test that asked for it has ended.
func Provider(t testing.TB) *gvisor.Provider {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.users == 0 {
		shared.provider = New(t, Config(t))
	}
	shared.users++
	t.Cleanup(func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.users--; shared.users > 0 {
			return
		}
		if err := shared.provider.Close(); err != nil {
			t.Errorf("closing the sandbox: %v", err)
		}
	})
	return shared.provider
}

// New returns a provider for config that works, or fails the test. The caller
// closes it.
func New(t testing.TB, config gvisor.Config) *gvisor.Provider {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), prepareTime)
	defer cancel()
	p, err := gvisor.New(ctx, config)
	if err != nil {
		t.Fatalf("the sandbox: %v", err)
	}
	if isolation := p.Isolation(); !isolation.Ready {
		_ = p.Close() // nothing runs in it
		t.Fatalf("the sandbox is not ready: %s", isolation.Detail)
	}
	return p
}

// Config returns a configuration whose runtime and launcher have been made.
func Config(t testing.TB) gvisor.Config {
	t.Helper()
	dir := Dir(t)
	return gvisor.Config{
		Dir: dir, Tree: Tree(t), Launcher: Launcher(t),
		Progress: func(phase string) { fmt.Fprintln(os.Stderr, "sandbox:", phase) },
	}
}

// Tree returns the Python runtime and builds it if needed.
func Tree(t testing.TB) pyruntime.Tree {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), prepareTime)
	defer cancel()
	tree, err := pyruntime.Ensure(ctx, Dir(t), func(p pyruntime.Progress) {
		fmt.Fprintln(os.Stderr, "Python runtime:", p)
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// Dir returns the folder that tests share, and skips the test where there is no
// local sandbox.
func Dir(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("there is no local sandbox on %s: %v", runtime.GOOS, pyruntime.ErrUnsupported)
	}
	if dir := os.Getenv("MARK_SANDBOX_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(repository(t), "data", "sandbox")
}

// Launcher returns the path of bin/mark-sandbox, which is built first if it is
// not there or older than its sources. MARK_TEST_LAUNCHER names another one, for
// tests that change it.
func Launcher(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("MARK_TEST_LAUNCHER"); path != "" {
		return path
	}
	root := repository(t)
	source := filepath.Join(root, "sandbox", "gvisor", "launcher")
	binary := filepath.Join(root, "bin", "mark-sandbox")
	if current(t, binary, source) {
		return binary
	}
	unlock := lock(t, filepath.Join(root, "bin"))
	defer unlock()
	if current(t, binary, source) {
		return binary
	}
	fmt.Fprintln(os.Stderr, "sandbox: building bin/mark-sandbox")
	ctx, cancel := context.WithTimeout(context.Background(), prepareTime)
	defer cancel()
	// As `make build` does it; renamed, because the old one may be running.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary+".new", ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building mark-sandbox: %v\n%s", err, out)
	}
	if err := os.Rename(binary+".new", binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

// current reports whether no source is newer than the binary.
func current(t testing.TB, binary, source string) bool {
	t.Helper()
	built, err := os.Stat(binary)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().After(built.ModTime()) {
			return false
		}
	}
	return true
}

// repository walks up from the test's folder.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "sandbox", "gvisor", "launcher", "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run inside the repository")
		}
		dir = filepath.Dir(dir)
	}
}
