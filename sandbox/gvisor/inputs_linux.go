//go:build linux && (amd64 || arm64)

package gvisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
)

// inputs returns the mounts by which a session reads its files, where possible
// the very files, without a copy and without a change to them:
//
//   - a file that everybody can read is mounted as it is, and where sessions share
//     the service's user id, so is one of the service's own;
//   - where they do not, a file of root's is mounted through an id-mapped mount
//     (Linux 5.12), which shows it as the session's own;
//   - where neither works (another owner; a file system that cannot be
//     id-mapped), it is copied into the session's folder.
//
// The caller closes the mounts with closeMounts once they are handed over.
func (e *engine) inputs(dir string, files []execution.File) (mounts []bind, err error) {
	defer func() {
		if err != nil {
			closeMounts(mounts)
		}
	}()
	seen := map[string]bool{}
	for i, f := range files {
		if !cleanName(f.Name) || seen[f.Name] {
			return mounts, fmt.Errorf("%q cannot be the name of a session's file", f.Name)
		}
		seen[f.Name] = true
		m := bind{From: f.Path, To: filepath.Join(inputsAt, f.Name)}
		var st unix.Stat_t
		if err := unix.Stat(f.Path, &st); err != nil {
			return mounts, fmt.Errorf("the file %s: %w", f.Name, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG || !filepath.IsAbs(f.Path) {
			return mounts, fmt.Errorf("%s is not a regular file with an absolute path", f.Name)
		}
		switch {
		case st.Mode&0o004 != 0:
		case e.uid == 0 && int(st.Uid) == os.Geteuid():
		case e.uid != 0 && st.Uid == 0 && e.remapped(f.Path, &m):
		default:
			m.From = filepath.Join(dir, "input-"+strconv.Itoa(i))
			if err := copyFor(e.uid, f.Path, m.From); err != nil {
				return mounts, fmt.Errorf("copying the file %s: %w", f.Name, err)
			}
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

func cleanName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 &&
		!strings.ContainsRune(name, '/') && strings.IndexFunc(name, unicode.IsControl) < 0
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
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) // shares the blocks where the file system can
	if uid != 0 {
		err = errors.Join(err, out.Chown(uid, uid))
	}
	return errors.Join(err, out.Close())
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
