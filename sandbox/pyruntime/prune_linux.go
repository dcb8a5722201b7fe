//go:build linux && (amd64 || arm64)

package pyruntime

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Parts of CPython that a session without a screen, a compiler or a network has
// no use for. Patterns below /usr.
var unneeded = []string{
	"bin/idle*", "bin/pip*", "bin/pydoc*", "bin/*-config",
	"include", "share",
	"lib/itcl*", "lib/thread*", "lib/tcl*", "lib/tk*", "lib/libtcl*", "lib/libtk*",
	"lib/libpython*", // the interpreter is linked statically
	"lib/pkgconfig",
	"lib/python*/config-*", "lib/python*/ensurepip", "lib/python*/idlelib", "lib/python*/test",
	"lib/python*/tkinter", "lib/python*/turtle.py", "lib/python*/turtledemo", "lib/python*/venv",
	"lib/python*/lib-dynload/_tkinter.*", "lib/python*/lib-dynload/*test*",
	"lib/python*/site-packages/pip*", "lib/python*/site-packages/bin",
	"lib/python*/site-packages/share", "lib/python*/site-packages/include",
	"lib/python*/site-packages/pyarrow/include", "lib/python*/site-packages/pyarrow/src",
}

// Files that serve only those who compile against a library.
var unneededSuffixes = []string{".pyi", ".h", ".hpp", ".pxd", ".pxi", ".pyx", ".a", ".o", ".c", ".f90"}

// prune removes what is only weight: a third of the tree.
func (b *builder) prune() error {
	usr := filepath.Join(b.root, "usr")
	for _, pattern := range unneeded {
		matches, err := fs.Glob(os.DirFS(usr), pattern)
		if err != nil {
			return err
		}
		for _, m := range matches {
			if err := os.RemoveAll(filepath.Join(usr, m)); err != nil {
				return err
			}
		}
	}
	return filepath.WalkDir(b.sitePackages(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "tests" {
				if err := os.RemoveAll(path); err != nil {
					return err
				}
				return fs.SkipDir
			}
			return nil
		}
		for _, s := range unneededSuffixes {
			if strings.HasSuffix(d.Name(), s) {
				return os.Remove(path)
			}
		}
		return nil
	})
}

// seal makes the tree readable to everybody, whatever this process's umask and
// pip's ideas are: a session may run as another user.
func (b *builder) seal() error {
	return filepath.WalkDir(b.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o644)
		if d.IsDir() || info.Mode()&0o111 != 0 {
			want = 0o755
		}
		if info.Mode().Perm() == want {
			return nil
		}
		return os.Chmod(path, want)
	})
}
