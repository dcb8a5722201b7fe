//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

const (
	snapshotName = "snapshot" // in a session's folder
	snapshotAt   = "/snapshot"

	// snapshotTime bounds the writing of a snapshot, some 0.4 s for a session
	// of 150 MB on an idle machine: a slow disk must not end a large session,
	// one that does not answer at all has to end. usageTime bounds the answer
	// to a question.
	snapshotTime = 5 * time.Minute
	usageTime    = 2 * time.Second

	// restoreRate is what a restore reads a second at the least.
	restoreRate = 20 << 20
)

// Snapshot implements sandbox.Snapshotter.
func (s *session) Snapshot(ctx context.Context, folder string) error {
	if err := s.turns.pause(ctx); err != nil {
		return err
	}
	defer s.turns.paused()
	// What has begun is finished whatever becomes of ctx: half a snapshot's
	// answer would be taken for the next one's.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTime)
	defer cancel()
	written := filepath.Join(s.dir, snapshotName)
	err := s.writeSnapshot(ctx)
	if err == nil {
		err = moveFiles(written, folder)
	}
	if err == nil {
		err = writeNames(folder, s.inputs)
	}
	if err != nil {
		return errors.Join(err, emptyFolder(written))
	}
	return nil
}

func (s *session) writeSnapshot(ctx context.Context) error {
	if err := s.proc.say(wordCheckpoint); err != nil {
		return s.gone(fmt.Errorf("asking for a snapshot: %w", err))
	}
	select {
	case e := <-s.checkpoints:
		if e.Message != "" {
			return fmt.Errorf("writing a snapshot: %s", e.Message)
		}
		return nil
	case <-s.over:
		return s.gone(nil)
	case <-ctx.Done():
		s.conn.Fail(&execution.Error{
			Code: execution.CodeDied, Fatal: true, Err: ctx.Err(),
			Message: "Python could not be saved and was ended; what the last step computed is lost.",
		})
		s.end()
		return s.gone(ctx.Err())
	}
}

// gone is the error of a session that has ended.
func (s *session) gone(err error) *execution.Error {
	return &execution.Error{Code: execution.CodeDied, Message: "The Python session has ended.", Fatal: true, Err: err}
}

// MemoryBytes implements sandbox.Snapshotter.
func (s *session) MemoryBytes() (bytes int64, known bool) { return s.usage() }

// usage is what the session takes of the memory; false: its launcher has no time
// to answer.
func (s *session) usage() (bytes int64, known bool) {
	s.asking.Lock()
	defer s.asking.Unlock()
	select {
	case <-s.usages: // came too late for who asked
	default:
	}
	if s.proc.say(wordUsage) != nil {
		return 0, true
	}
	late := time.NewTimer(usageTime)
	defer late.Stop()
	select {
	case e := <-s.usages:
		return e.Bytes, true
	case <-s.over:
		return 0, true
	case <-late.C:
		return 0, false
	}
}

// resume opens a session from a snapshot.
func (e *engine) resume(ctx context.Context, spec execution.Spec, snapshot sandbox.Fetch) (execution.Session, error) {
	return e.openWith(ctx, spec, func(ctx context.Context) (*session, error) {
		free, err := e.starts.Acquire(ctx, spec.Owner)
		if err != nil {
			return nil, err
		}
		defer free()
		folder, err := snapshot(ctx)
		if err != nil {
			return nil, err
		}
		from, names, err := readSnapshot(folder)
		if err != nil {
			return nil, err
		}
		s, err := e.start(ctx, spec, from)
		if from.standIns = without(names, spec.Files); len(from.standIns) > 0 && errors.Is(err, sandbox.ErrSnapshot) {
			s, err = e.start(ctx, spec, from) // code may have left open what is not there any more
		}
		return s, err
	})
}

// origin is the snapshot that a session goes on from.
type origin struct {
	folder   string
	time     time.Duration // that the restore may take
	standIns []string      // names of inputs that are not the session's any more
}

// blame marks the failure of a start as the snapshot's own. What fails before gVisor
// reads it is the machine's, or the files', and may be over the next time.
func (o *origin) blame(err error) error {
	if o == nil || err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", sandbox.ErrSnapshot, err)
}

// readSnapshot makes sure that a snapshot's files are there and gVisor's to read,
// and tells the names of the inputs that the session had.
func readSnapshot(folder string) (*origin, []string, error) {
	bytes, err := checkSnapshot(folder)
	if err != nil {
		return nil, nil, err
	}
	names, err := readNames(folder)
	if err != nil {
		return nil, nil, err
	}
	return &origin{folder: folder, time: openTime + time.Duration(bytes/restoreRate)*time.Second}, names, nil
}

// checkSnapshot tells how large a snapshot is.
func checkSnapshot(folder string) (bytes int64, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) == 0 {
		return 0, fmt.Errorf("%w: it is not there (%w)", sandbox.ErrSnapshot, errors.Join(err, os.ErrNotExist))
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			return 0, fmt.Errorf("%w: %s is no file", sandbox.ErrSnapshot, entry.Name())
		}
		if err := os.Chmod(filepath.Join(folder, entry.Name()), 0o644); err != nil {
			return 0, err
		}
		info, err := entry.Info()
		if err != nil {
			return 0, err
		}
		bytes += info.Size()
	}
	return bytes, os.Chmod(folder, 0o755)
}

// moveFiles moves the files of one folder to another, which may be on another
// file system. They were written by the sandbox, which may be anything by now:
// nothing but regular files is taken, looked at only where it cannot exchange them
// any more, and they become the service's own.
func moveFiles(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return errors.New("gVisor wrote no snapshot")
	}
	for _, entry := range entries {
		source, target := filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())
		err := os.Rename(source, target)
		if errors.Is(err, unix.EXDEV) {
			err = copyFile(source, target)
		}
		if err != nil {
			return err
		}
		info, err := os.Lstat(target)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("the snapshot holds %s, which is no file", entry.Name())
		}
		if err := os.Lchown(target, os.Geteuid(), os.Getegid()); err != nil {
			return err
		}
	}
	return emptyFolder(from)
}

func copyFile(from, to string) error {
	in, err := os.OpenFile(from, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0) // a pipe has nobody who writes
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("the snapshot holds %s, which is no file", filepath.Base(from)))
	}
	return copyTo(0, in, to, 0o600)
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return err
}
