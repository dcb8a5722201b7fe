//go:build linux && (amd64 || arm64)

package pyruntime

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
)

// hostLibrary is a C library that the tree takes from the host. It stands in the
// tree where it stands on the host, so that the loader's own search finds it.
type hostLibrary struct {
	path string // absolute, on the host and in the tree; may be a link on the host
}

// The wheels of requirements.lock are built against manylinux_2_28, whose
// definition (PEP 600) names the libraries that a host has to bring.
const minGlibcMinor = 28

// The libraries: glibc's, then the ones that manylinux lets a wheel expect.
// Each names the Debian package that brings it.
var hostLibraryNames = []struct{ name, pkg string }{
	{"libc.so.6", "libc6"},
	{"libm.so.6", "libc6"},
	{"libdl.so.2", "libc6"},
	{"libpthread.so.0", "libc6"},
	{"librt.so.1", "libc6"},
	{"libutil.so.1", "libc6"},
	{"libresolv.so.2", "libc6"},
	{"libgcc_s.so.1", "libgcc-s1"},
	{"libstdc++.so.6", "libstdc++6"},
	{"libz.so.1", "zlib1g"},
}

func findHostLibraries() ([]hostLibrary, error) {
	loader, dirs := "/lib64/ld-linux-x86-64.so.2", []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}
	if runtime.GOARCH == "arm64" {
		loader, dirs = "/lib/ld-linux-aarch64.so.1", []string{"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}
	}
	dirs = append(dirs, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	if _, err := os.Stat(loader); err != nil {
		return nil, fmt.Errorf("%w: no glibc loader at %s", ErrUnsupported, loader)
	}
	libs := []hostLibrary{{path: loader}}
	for _, want := range hostLibraryNames {
		path := ""
		for _, dir := range dirs {
			candidate := filepath.Join(dir, want.name)
			if _, err := os.Stat(candidate); err == nil {
				path = candidate
				break
			}
		}
		if path == "" {
			return nil, &MissingError{
				What: "the library " + want.name,
				How:  "Install it with the system's package manager (Debian and Ubuntu: apt-get install " + want.pkg + ").",
			}
		}
		if want.name == "libc.so.6" {
			if err := checkGlibc(path); err != nil {
				return nil, err
			}
		}
		libs = append(libs, hostLibrary{path: path})
	}
	return libs, nil
}

// glibc carries its banner as text: "GNU C Library (...) stable release version 2.36."
var glibcBanner = regexp.MustCompile(`GNU C Library [^\n]* release version 2\.(\d+)`)

func checkGlibc(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m := glibcBanner.FindSubmatch(b)
	if m == nil {
		return fmt.Errorf("%w: %s is not glibc", ErrUnsupported, path)
	}
	if minor, _ := strconv.Atoi(string(m[1])); minor < minGlibcMinor {
		return fmt.Errorf("%w: glibc 2.%d is too old, 2.%d or newer is needed", ErrUnsupported, minor, minGlibcMinor)
	}
	return nil
}

// recipe changes whenever the way of building changes in a manner that the
// other parts of the key do not show.
const recipe = "1"

// treeKey names the tree that this binary would build on this machine.
func treeKey(libs []hostLibrary) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "recipe %s\n%s\n", recipe, runtime.GOARCH)
	for _, part := range [][]byte{cpythonMod, cpythonSum, requirementsLock} {
		fmt.Fprintf(h, "%d\n", len(part))
		h.Write(part)
	}
	for _, lib := range libs {
		fmt.Fprintf(h, "%s\n", lib.path)
		f, err := os.Open(lib.path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("reading %s: %w", lib.path, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// installHostLibraries copies the libraries and writes the handful of files in
// /etc that Python looks at.
func (b *builder) installHostLibraries() error {
	for _, lib := range b.libs {
		if err := copyFile(lib.path, filepath.Join(b.root, lib.path), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"etc/passwd":        "root:x:0:0:root:/:/bin/false\nanalyst:x:1000:1000:analyst:/mnt/data:/bin/false\n",
		"etc/group":         "root:x:0:\nanalyst:x:1000:\n",
		"etc/hosts":         "127.0.0.1 localhost\n",
		"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
	} {
		path := filepath.Join(b.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	// Where the sandbox mounts things: the root itself is read-only.
	for _, dir := range []string{"dev", "proc", "sys", "tmp", "mnt/data", "mnt/input", "opt/mark"} {
		if err := os.MkdirAll(filepath.Join(b.root, dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return nil
}
