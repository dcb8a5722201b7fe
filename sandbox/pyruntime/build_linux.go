//go:build linux && (amd64 || arm64)

package pyruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// builder makes one tree.
type builder struct {
	root    string // the tree to fill
	scratch string // beside it: what is needed only while building
	libs    []hostLibrary
	report  func(Progress)
	begun   time.Time

	steps int // how many there are
	at    int // the running one, from 1
	name  string

	reported time.Time
}

func (b *builder) build(ctx context.Context) error {
	var module string // the folder of the unpacked CPython module
	steps := []struct {
		name string
		do   func() error
	}{
		{"fetching CPython", func() (err error) { module, err = b.fetchCPython(ctx); return err }},
		{"unpacking CPython", func() error { return b.unpackCPython(module) }},
		{"installing the libraries", func() error { return b.installLibraries(ctx) }},
		{"removing what no session needs", b.prune},
		{"adding the C libraries", b.installHostLibraries},
		{"compiling the libraries", func() error { return b.compile(ctx) }},
		{"making it readable to sessions", b.seal},
	}
	b.steps = len(steps)
	for i, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.at, b.name = i+1, s.name
		b.progress(0, 0)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// reportEvery spaces the reports within a step.
const reportEvery = 200 * time.Millisecond

func (b *builder) progress(done, total int) {
	now := time.Now()
	if b.report == nil || (done > 0 && now.Sub(b.reported) < reportEvery) {
		return
	}
	b.reported = now
	b.report(Progress{
		Step: b.name, Index: b.at, Steps: b.steps,
		Done: done, Total: total, Elapsed: now.Sub(b.begun),
	})
}

// python is the interpreter under construction, run on the host.
func (b *builder) python() string { return filepath.Join(b.root, Interpreter) }

func (b *builder) sitePackages() string {
	return filepath.Join(b.root, "usr/lib", pythonDir, "site-packages")
}

// installLibraries has pip install exactly the lock. pip takes its index, proxy
// and certificates from the person's own configuration.
func (b *builder) installLibraries(ctx context.Context) error {
	lock := filepath.Join(b.scratch, "requirements.lock")
	if err := os.WriteFile(lock, requirementsLock, 0o644); err != nil {
		return err
	}
	total := bytes.Count(requirementsLock, []byte("=="))
	done := 0
	out, err := b.run(ctx, func(line string) {
		if strings.HasPrefix(line, "Collecting ") && done < total {
			done++
			b.progress(done, total)
		}
	}, b.python(), "-I", "-B", filepath.Join(b.scratch, "pip", "pip"), "install",
		"--no-input", "--no-compile", "--disable-pip-version-check", "--progress-bar", "off",
		"--root-user-action", "ignore", "--no-warn-script-location",
		"--target", b.sitePackages(), "--require-hashes", "--only-binary", ":all:", "-r", lock)
	if err != nil {
		return fmt.Errorf("pip could not install the libraries; it needs to reach a Python package index (pip's own settings apply: PIP_INDEX_URL, pip.conf): %w\n%s", err, out)
	}
	return nil
}

// compile writes the byte code of everything, so that no session does: its root
// is read-only. Unchecked, because nothing in the tree ever changes.
func (b *builder) compile(ctx context.Context) error {
	lib := filepath.Join(b.root, "usr/lib", pythonDir)
	total := 0
	err := filepath.WalkDir(lib, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".py") {
			total++
		}
		return err
	})
	if err != nil {
		return err
	}
	done := 0
	out, err := b.run(ctx, func(line string) {
		if strings.HasPrefix(line, "Compiling ") {
			done++
			b.progress(min(done, total), total)
		}
	}, b.python(), "-I", "-m", "compileall", "-j", fmt.Sprint(min(runtime.NumCPU(), 4)),
		"--invalidation-mode", "unchecked-hash", "-s", b.root, "-p", "/", lib)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// tailBytes is how much of a failed command's output an error carries.
const tailBytes = 2000

// run runs a command of the build and gives line every line it prints. It
// returns the end of what was printed and kills the command's whole group when
// ctx ends.
func (b *builder) run(ctx context.Context, line func(string), name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.scratch
	cmd.Env = append(os.Environ(), "PIP_REQUIRE_VIRTUALENV=0", "PIP_USER=0", "LC_ALL=C.UTF-8")
	killGroup(cmd)
	out := &lineWriter{line: line}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return out.tail(), err
}

// lineWriter cuts what is written into lines and keeps the last of it.
type lineWriter struct {
	line func(string)
	part []byte // of the line that has not ended yet
	last []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.last = append(w.last, p...)
	if len(w.last) > 2*tailBytes {
		w.last = append([]byte(nil), w.last[len(w.last)-tailBytes:]...)
	}
	w.part = append(w.part, p...)
	for {
		line, rest, found := bytes.Cut(w.part, []byte("\n"))
		if !found {
			return len(p), nil
		}
		if w.line != nil {
			w.line(string(line))
		}
		w.part = rest
	}
}

func (w *lineWriter) tail() string {
	s := w.last
	if len(s) > tailBytes {
		s = s[len(s)-tailBytes:]
	}
	return strings.TrimSpace(string(s))
}

func lookGo() (string, error) {
	path, err := exec.LookPath("go")
	if errors.Is(err, exec.ErrNotFound) {
		return "", &MissingError{
			What: "the go command",
			How:  "CPython comes through Go's module proxy: install Go 1.26 or newer from https://go.dev/dl and put it on PATH.",
		}
	}
	return path, err
}
