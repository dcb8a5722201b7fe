//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/sandbox/kernel"
)

const (
	checkpointPrefix = "checkpoint-"
	stampName        = "complete"
	verifiedName     = "verified"
	holdName         = "in-use.lock"
	imageName        = "image"
	kernelName       = "kernel"
	baseName         = "base"

	// warmTime bounds the making of a checkpoint, which takes some 5 s.
	warmTime = 3 * time.Minute
)

// checkpointKey names the checkpoint that fits: a restored process resumes in
// the middle of the files and on the processor that it was made with.
func (e *engine) checkpointKey() (string, error) {
	h := sha256.New()
	if err := sumTree(e.config.Tree.Root, h); err != nil {
		return "", err
	}
	if err := e.sumRest(h); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// sumRest sums up all that a session depends on beside the runtime tree.
func (e *engine) sumRest(h hash.Hash) error {
	fmt.Fprintf(h, "%s\n%s\n%d\n", e.config.Tree.Key, e.spec, runtime.NumCPU())
	launcher, err := os.Open(e.config.Launcher)
	if err != nil {
		return startError(err)
	}
	defer launcher.Close()
	if _, err := io.Copy(h, launcher); err != nil {
		return fmt.Errorf("reading %s: %w", e.config.Launcher, err)
	}
	err = fs.WalkDir(kernel.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(kernel.Files(), path)
		fmt.Fprintf(h, "%s %d\n%s\n", path, len(b), b)
		return err
	})
	if err != nil {
		return err
	}
	return hashProcessor(h)
}

// hashProcessor adds what the first processor is and can do.
func hashProcessor(h hash.Hash) error {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() && lines.Text() != "" {
		name, _, _ := strings.Cut(lines.Text(), ":")
		switch strings.TrimSpace(name) {
		case "vendor_id", "cpu family", "model", "flags", // amd64
			"CPU implementer", "CPU part", "CPU variant", "Features": // arm64
			fmt.Fprintln(h, lines.Text())
		}
	}
	return lines.Err()
}

// ensureCheckpoint sets e.checkpoint to the folder of one that fits, and makes
// it first if needed. Processes that do so at once wait for each other.
func (e *engine) ensureCheckpoint(ctx context.Context) error {
	key, err := e.checkpointKey()
	if err != nil {
		return err
	}
	e.checkpoint = filepath.Join(e.config.Dir, checkpointPrefix+key)
	if e.holdCheckpoint() {
		return nil
	}
	unlock, err := lockFile(ctx, filepath.Join(e.config.Dir, "checkpoint.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if e.holdCheckpoint() {
		return nil
	}
	if err := removeOldCheckpoints(e.config.Dir); err != nil {
		return err
	}
	e.phase("loading the Python libraries for the first time")
	tmp, err := os.MkdirTemp(e.config.Dir, "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	if err := e.makeCheckpoint(ctx, tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(e.checkpoint); err != nil {
		return err
	}
	if err := os.Rename(tmp, e.checkpoint); err != nil {
		return err
	}
	if !e.holdCheckpoint() {
		return errors.New("the new checkpoint has disappeared")
	}
	return nil
}

// holdCheckpoint reports whether the checkpoint is there and whole, and keeps
// others from removing it while this process lives. One that was cut short, by a
// full disk or a crash of the machine, would make every session fail, for ever.
func (e *engine) holdCheckpoint() bool {
	stamp, err := os.ReadFile(filepath.Join(e.checkpoint, stampName))
	if err != nil {
		return false
	}
	sum, err := sumImage(filepath.Join(e.checkpoint, imageName))
	base, errBase := os.ReadFile(filepath.Join(e.checkpoint, baseName))
	if err != nil || errBase != nil || string(stamp) != sum {
		e.config.Logger.Warn("the checkpoint that Python sessions start from is damaged; it is made again", "folder", e.checkpoint)
		return false
	}
	f, err := os.Open(filepath.Join(e.checkpoint, holdName))
	if err != nil {
		return false
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		_ = f.Close() // nothing was written
		return false
	}
	e.held = append(e.held, f)
	e.fits = string(base)
	return true
}

func (e *engine) makeCheckpoint(ctx context.Context, dir string) error {
	if err := copyKernel(filepath.Join(dir, kernelName)); err != nil {
		return err
	}
	image := filepath.Join(dir, imageName)
	if err := e.makeTheirs(image); err != nil {
		return err
	}
	p := e.plan(dir)
	for i := range p.Mounts {
		if p.Mounts[i].To == imageAt {
			p.Mounts[i].Writable = true
		}
	}
	p.Checkpoint, p.Once = imageAt, true
	proc, err := launch(e.config.Launcher, p)
	if err != nil {
		return err
	}
	defer proc.kill()
	stop := context.AfterFunc(ctx, proc.kill) // unblocks the reading below
	defer stop()
	if err := proc.await(ctx, kindStarted); err != nil {
		return err
	}
	if err := kernel.AwaitWarm(proc.stdout); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("Python did not load its libraries in %v: %w", warmTime, ctx.Err())
		}
		return fmt.Errorf("%w: %s", err, proc.stderr)
	}
	e.phase("writing the checkpoint that sessions start from")
	if err := proc.say(wordCheckpoint); err != nil {
		return fmt.Errorf("asking for the checkpoint: %w", err)
	}
	if err := proc.await(ctx, kindCheckpoint); err != nil {
		return &obstacle{what: "writing the checkpoint", err: err, todo: todoFor(err.Error())}
	}
	proc.kill()
	if err := sealImage(image); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	sum, err := sumImage(image)
	if err != nil {
		return err
	}
	base, err := e.sumBase()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, baseName), []byte(base), 0o644),
		os.WriteFile(filepath.Join(dir, holdName), nil, 0o644),
		os.WriteFile(filepath.Join(dir, stampName), []byte(sum), 0o644))
}

// sumImage sums up the files of an image, in some 30 ms: against accidents, for
// whoever can change them with intent can change the stamp as well.
func sumImage(image string) (string, error) {
	entries, err := os.ReadDir(image)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, entry := range entries {
		f, err := os.Open(filepath.Join(image, entry.Name()))
		if err != nil {
			return "", err
		}
		sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
		n, err := io.Copy(sum, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "%s %d %08x\n", entry.Name(), n, sum.Sum32())
	}
	return all.String(), nil
}

// sumTree sums up what is in the runtime tree: not the content of its files but
// their sizes and the times of their last change, in some 50 ms. A session that is
// restored reads modules from the tree that its memory was not made with: where
// those have changed, old and new would mix without a word.
func sumTree(root string, h hash.Hash) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %v %d %d\n", strings.TrimPrefix(path, root), info.Mode(), info.Size(), info.ModTime().UnixNano())
		return nil
	})
}

// copyKernel writes the kernel's sources, readable to whoever sessions run as.
func copyKernel(dir string) error {
	if err := os.CopyFS(dir, kernel.Files()); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o755)
		default:
			return os.Chmod(path, 0o644)
		}
	})
}

// makeTheirs makes a folder that the sessions' user may write to.
func (e *engine) makeTheirs(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil || e.uid == 0 {
		return err
	}
	return os.Chown(dir, e.uid, e.uid)
}

// sealImage makes the image the service's own, readable to all, and lasting.
func sealImage(image string) error {
	entries, err := os.ReadDir(image)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return errors.New("gVisor wrote no checkpoint")
	}
	for _, entry := range entries {
		f, err := os.OpenFile(filepath.Join(image, entry.Name()), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			return err
		}
		err = errors.Join(f.Chown(os.Geteuid(), os.Getegid()), f.Chmod(0o644), f.Sync(), f.Close())
		if err != nil {
			return err
		}
	}
	return errors.Join(os.Chown(image, os.Geteuid(), os.Getegid()), os.Chmod(image, 0o755))
}

// removeOldCheckpoints removes those that no process uses and the remains of
// unfinished ones. The caller holds the lock under which they are made.
func removeOldCheckpoints(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		old := strings.HasPrefix(entry.Name(), checkpointPrefix) && unused(filepath.Join(path, holdName))
		if !old && !strings.HasPrefix(entry.Name(), "making-") {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing an old checkpoint: %w", err)
		}
	}
	return nil
}

// unused reports whether nobody has a lock on the file.
func unused(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// lockFile takes an exclusive lock and gives up when ctx ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // nothing was written
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
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

func fill[T int | int64 | time.Duration](value *T, fallback T) {
	if *value <= 0 {
		*value = fallback
	}
}
