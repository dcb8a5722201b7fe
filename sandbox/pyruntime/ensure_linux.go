//go:build linux && (amd64 || arm64)

package pyruntime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	treePrefix = "python-" // of the folders that hold a tree each
	stampName  = "complete"
	holdName   = "in-use.lock"
)

// Ensure returns the runtime tree below dir and builds it if it is not there or
// no longer what this binary and this machine would build. The check alone takes
// milliseconds. Processes that call it at once wait for each other: one builds.
// A build needs the go command, access to a Go module proxy and a Python package
// index, 1.2 GB of room and about a minute; it is cancelled with ctx and leaves
// nothing half-built. Trees that no running service holds any more are removed.
func Ensure(ctx context.Context, dir string, progress func(Progress)) (Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Tree{}, err
	}
	libc, err := findHostLibraries()
	if err != nil {
		return Tree{}, err
	}
	key, err := treeKey(libc)
	if err != nil {
		return Tree{}, err
	}
	home := filepath.Join(dir, treePrefix+key)
	tree := Tree{Root: filepath.Join(home, "root"), Key: key}
	if complete(home) {
		return tree, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Tree{}, fmt.Errorf("making the sandbox folder: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, "build.lock"))
	if err != nil {
		return Tree{}, err
	}
	defer unlock()
	if complete(home) { // another process built it meanwhile
		return tree, nil
	}
	if err := removeLeftovers(dir, key); err != nil {
		return Tree{}, err
	}
	tmp, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return Tree{}, err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // a session's own user walks through it
		return Tree{}, err
	}
	b := &builder{
		root: filepath.Join(tmp, "tree", "root"), scratch: filepath.Join(tmp, "scratch"),
		libs: libc, report: progress, begun: time.Now(),
	}
	if err := b.build(ctx); err != nil {
		if ctx.Err() != nil {
			return Tree{}, fmt.Errorf("building the Python runtime was stopped: %w", ctx.Err())
		}
		return Tree{}, err
	}
	built := filepath.Join(tmp, "tree")
	for _, name := range []string{holdName, stampName} {
		if err := os.WriteFile(filepath.Join(built, name), nil, 0o644); err != nil {
			return Tree{}, err
		}
	}
	if err := os.RemoveAll(home); err != nil {
		return Tree{}, fmt.Errorf("removing an unfinished tree: %w", err)
	}
	if err := os.Rename(built, home); err != nil {
		return Tree{}, err
	}
	return tree, nil
}

// Hold keeps the tree from being removed by another process's Ensure until the
// closer is closed or this process ends.
func (t Tree) Hold() (io.Closer, error) {
	f, err := os.Open(filepath.Join(filepath.Dir(t.Root), holdName)) // a reader may lock, too
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("the Python runtime is being removed: %w", err)
	}
	return f, nil
}

func complete(home string) bool {
	_, err := os.Stat(filepath.Join(home, stampName))
	return err == nil
}

// lockFile takes an exclusive lock and gives up when ctx ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // nothing was written
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close() // nothing was written
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close() // nothing was written
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// removeLeftovers clears builds that were cut short and trees of other keys
// that nobody holds. The caller has the build lock.
func removeLeftovers(dir, key string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "build-"):
		case strings.HasPrefix(e.Name(), treePrefix) && e.Name() != treePrefix+key && !held(path):
		default:
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing an old Python runtime: %w", err)
		}
	}
	return nil
}

func held(home string) bool {
	f, err := os.Open(filepath.Join(home, holdName))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		return true // not ours to judge
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}
