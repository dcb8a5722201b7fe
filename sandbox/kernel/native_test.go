//go:build linux

package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/kernel"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
	"github.com/mark-analyst/mark/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	// Whatever started the tests may have left descriptors open to all that is
	// started; a session must not find them and take them for the kernel's.
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		for _, entry := range open {
			if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
				syscall.CloseOnExec(fd)
			}
		}
	}
	goleak.VerifyTestMain(m)
}

// TestSuite runs the suite of sessions against a kernel that is a plain process
// of this machine: the kernel alone, without any isolation.
func TestSuite(t *testing.T) {
	sandboxtest.Run(t, openNative)
}

// native is a session in a process without isolation: for tests of the kernel
// only, whose code is written here.
type native struct {
	*kernel.Conn
	process *exec.Cmd
	ended   chan struct{}
}

func openNative(t *testing.T, spec execution.Spec) execution.Session {
	t.Helper()
	tree := gvisortest.Tree(t)
	dir := t.TempDir()
	program, input, work, temp := filepath.Join(dir, "kernel"), filepath.Join(dir, "input"), filepath.Join(dir, "data"), filepath.Join(dir, "tmp")
	artifacts := filepath.Join(dir, "artifacts")
	for _, d := range []string{input, temp, artifacts} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(program, kernel.Files()); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range spec.Files {
		names = append(names, f.Name)
		if err := os.Symlink(f.Path, filepath.Join(input, f.Name)); err != nil {
			t.Fatal(err)
		}
	}
	argv := kernel.Argv(tree.Root+pyruntime.Interpreter, program, false)
	s := &native{process: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	var stderr bytes.Buffer
	s.process.Stderr = &stderr
	s.process.Env = kernel.Env(temp)
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// Pipes of our own: those of exec are closed by Wait, under a reader.
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.process.Stdin, s.process.Stdout = theirIn, theirOut
	err = s.process.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.process.Wait()
		close(s.ended)
	}()
	s.Conn = kernel.New(out, in, kernel.Options{
		Limits: spec.Limits, ArtifactDir: artifacts, Files: names, WorkDir: work, InputDir: input,
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		left, err := os.ReadDir(artifacts)
		if err != nil || len(left) != 0 {
			t.Errorf("the closed session left %v on the host (%v)", left, err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Close()
		t.Fatalf("the kernel did not start: %v\n%s", err, stderr.String())
	}
	return s
}

// Run kills the process of a session that is lost.
func (s *native) Run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	result, err := s.Conn.Run(ctx, code, host)
	var e *execution.Error
	if errors.As(err, &e) && e.Fatal {
		s.kill()
	}
	return result, err
}

func (s *native) Close() error {
	s.kill()
	return s.Conn.Close()
}

func (s *native) kill() {
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL) // the group is gone when it is gone
	<-s.ended
}
