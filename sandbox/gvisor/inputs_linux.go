//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
)

// input is a file that a session has, as it was when the session got it.
type input struct {
	path   string
	size   int64
	time   unix.Timespec // of its last change
	inode  uint64
	copied bool // into the session's folder
}

// inspect makes sure that a file can be a session's.
func inspect(f execution.File) (input, unix.Stat_t, error) {
	var st unix.Stat_t
	if !execution.CleanName(f.Name) {
		return input{}, st, fmt.Errorf("%q cannot be the name of a session's file", f.Name)
	}
	if err := unix.Stat(f.Path, &st); err != nil {
		return input{}, st, fmt.Errorf("the file %s: %w", f.Name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || !filepath.IsAbs(f.Path) {
		return input{}, st, fmt.Errorf("%s is not a regular file with an absolute path", f.Name)
	}
	return input{path: f.Path, size: st.Size, time: st.Mtim, inode: st.Ino}, st, nil
}

// mountInputs returns the mounts by which a session reads its files, where
// possible the very files, without a copy and without a change to them:
//
//   - a file that everybody can read is mounted as it is, and where sessions share
//     the service's user id, so is one of the service's own;
//   - where they do not, a file of root's is mounted through an id-mapped mount
//     (Linux 5.12), which shows it as the session's own;
//   - where neither works (another owner; a file system that cannot be
//     id-mapped), it is copied into the session's folder.
//
// folder is the session's folder of inputs, which is mounted itself: what is
// copied into it later appears, too. The caller closes the mounts with
// closeMounts once they are handed over.
func (e *engine) mountInputs(folder string, files []execution.File) (mounts []bind, held map[string]input, err error) {
	mounts = []bind{{From: folder, To: inputsAt}}
	held = map[string]input{}
	defer func() {
		if err != nil {
			closeMounts(mounts)
		}
	}()
	for _, f := range files {
		in, st, err := inspect(f)
		if err != nil {
			return mounts, nil, err
		}
		if _, twice := held[f.Name]; twice {
			return mounts, nil, fmt.Errorf("%q cannot be the name of two files of a session", f.Name)
		}
		m := bind{From: f.Path, To: filepath.Join(inputsAt, f.Name)}
		switch {
		case st.Mode&0o004 != 0:
		case e.uid == 0 && int(st.Uid) == os.Geteuid():
		case e.uid != 0 && st.Uid == 0 && e.remapped(f.Path, &m):
		default:
			in.copied = true
		}
		inside := filepath.Join(folder, f.Name)
		if in.copied {
			err = copyFor(e.uid, f.Path, inside)
		} else {
			mounts = append(mounts, m)
			err = os.WriteFile(inside, nil, 0o444) // to be mounted over
		}
		if err != nil {
			return mounts, nil, fmt.Errorf("giving the session the file %s: %w", f.Name, err)
		}
		held[f.Name] = in
	}
	return mounts, held, nil
}

// mostCopied is how many bytes of files a running session is given by copying
// them, some 20 ms; with more, a new process that mounts them is quicker.
const mostCopied = 32 << 20

// Enter implements sandbox.Snapshotter.
func (s *session) Enter(ctx context.Context, files []execution.File) (bool, error) {
	if err := s.turns.pause(ctx); err != nil {
		return false, &execution.Error{Code: execution.CodeCancelled, Message: "The step was stopped before it began.", Err: err}
	}
	defer s.turns.paused()
	fits, err := s.enter(ctx, files)
	if known := (*execution.Error)(nil); err != nil && !errors.As(err, &known) {
		err = &execution.Error{Code: execution.CodeUnavailable, Message: "The Python session could not be given the files of this chat. Try again.", Err: err}
	}
	return fits, err
}

func (s *session) enter(ctx context.Context, files []execution.File) (bool, error) {
	wanted, names := map[string]input{}, make([]string, len(files))
	var fresh int64
	for i, f := range files {
		in, _, err := inspect(f)
		if err != nil {
			return false, err
		}
		if _, twice := wanted[f.Name]; twice {
			return false, fmt.Errorf("%q cannot be the name of two files of a session", f.Name)
		}
		held, there := s.inputs[f.Name]
		in.copied = held.copied
		names[i], wanted[f.Name] = f.Name, in
		switch {
		case there && held != in:
			return false, nil // the name is another file's now
		case !there:
			fresh += in.size
		}
	}
	for name, held := range s.inputs {
		if _, stays := wanted[name]; !stays && held != (input{}) {
			return false, nil
		}
	}
	if fresh > mostCopied {
		return false, nil
	}
	if err := s.add(wanted); err != nil {
		return false, err
	}
	// What has begun is finished whatever becomes of ctx, whose end the session
	// would not survive.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTime)
	defer cancel()
	if err := s.conn.Enter(ctx, names); err != nil {
		s.end()
		return false, err
	}
	return true, nil
}

// add makes the session's folder hold the wanted files, by name. Nothing is ever
// taken away from a running session: code may have left it open, and a session
// with an open file that is not there any more cannot be saved.
func (s *session) add(wanted map[string]input) error {
	folder := filepath.Join(s.dir, inputName)
	for name, in := range wanted {
		if _, there := s.inputs[name]; there {
			continue
		}
		in.copied = true
		if err := copyFor(s.engine.uid, in.path, filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("copying the file %s: %w", name, err)
		}
		s.inputs[name] = in
	}
	return nil
}

func closeMounts(mounts []bind) {
	for _, m := range mounts {
		if m.mount != nil {
			_ = m.mount.Close() // nothing is written to it
		}
	}
}

// copyFor copies a file for the sessions' user alone; uid is 0 where that is the
// service's own.
func copyFor(uid int, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return copyTo(uid, in, to, 0o400)
}

func copyTo(uid int, in io.Reader, to string, mode os.FileMode) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) // shares the blocks where the file system can
	if uid != 0 {
		err = errors.Join(err, out.Chown(uid, uid))
	}
	if err = errors.Join(err, out.Close()); err != nil {
		err = errors.Join(err, os.Remove(to)) // half a file would be in the way of the next try
	}
	return err
}

// remapped gives m a detached, id-mapped mount of the file at path, and reports
// whether that worked.
func (e *engine) remapped(path string, m *bind) bool {
	users, err := e.remap.users(e.config.Launcher, e.uid)
	if err != nil {
		return false
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return false
	}
	err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{
		Attr_set: unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_RDONLY |
			unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
		Userns_fd: uint64(users.Fd()),
	})
	if err != nil {
		_ = unix.Close(fd) // nothing is written to it
		return false
	}
	m.mount = os.NewFile(uintptr(fd), path)
	return true
}

// remapper holds the user namespace that id-mapped mounts are made with: it maps
// root, as the owner of a file, to the sessions' user.
type remapper struct {
	once sync.Once
	file *os.File
	err  error
}

func (r *remapper) users(launcher string, uid int) (*os.File, error) {
	r.once.Do(func() { r.file, r.err = makeUsers(launcher, uid) })
	return r.file, r.err
}

func (r *remapper) close() error {
	r.once.Do(func() {}) // none will be made any more
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// makeUsers makes a user namespace, which needs a process to be made for.
func makeUsers(launcher string, uid int) (*os.File, error) {
	cmd := exec.Command(launcher, "hold") //nolint:noctx // ends with its standard input, at once
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
	return file, errors.Join(err, stdin.Close(), cmd.Wait())
}
