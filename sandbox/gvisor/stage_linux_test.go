package gvisor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// Some tests need a process that is somebody else, or that dies. The test binary
// starts itself again for these; what it is to do comes in this variable.
const jobVariable = "MARK_GVISOR_TEST_JOB"

// job is one run of the binary as a provider of its own.
type job struct {
	Config gvisor.Config `json:"-"`
	Parts  parts         // of Config that travel
	Input  string        // a file that the session has to read
	// Tree, if set, is where to mount the runtime's folder first, so that
	// another user reaches it, who is to be User from then on.
	Tree string
	User int
	// NoUserNamespaces makes the system refuse them.
	NoUserNamespaces bool
	// Die ends the process without any cleaning up, once a session runs.
	Die bool
	// Room is the size of a file system that is mounted at the folder first, so
	// that it can be full. With Fill it is, for a session's files, until one was
	// refused.
	Room int64
	Fill bool
}

type parts struct {
	Dir, Launcher string
	Tree          pyruntime.Tree
}

// report is what a job prints.
type report struct {
	Isolation execution.Isolation
	Printed   string // by Python: the input's content
	Error     string // of Open
	Code      execution.Code
	UID       int
	Left      string // of what could not be made, where there was no Room
}

// stage does a job if this process was started for one.
func stage() bool {
	text := os.Getenv(jobVariable)
	if text == "" {
		return false
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		panic(err)
	}
	syscall.Umask(0o077) // as careful people have it
	if j.User != 0 {
		j.becomeUser()
	}
	j.Config = gvisor.Config{Dir: j.Parts.Dir, Launcher: j.Parts.Launcher, Tree: j.Parts.Tree}
	if j.NoUserNamespaces {
		// Counts for this process's own user namespace alone.
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			panic(err)
		}
	}
	if j.Room > 0 {
		j.mountRoom()
	}
	r := j.do()
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
	return true
}

// becomeUser mounts what the user has to reach and starts this binary again as
// that user.
func (j job) becomeUser() {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount(filepath.Dir(j.Parts.Tree.Root), j.Tree, "", unix.MS_BIND, ""))
	j.Parts.Tree.Root = filepath.Join(j.Tree, filepath.Base(j.Parts.Tree.Root))
	user := j.User
	j.User = 0
	must(syscall.Setgroups(nil))
	must(syscall.Setgid(user))
	must(syscall.Setuid(user))
	text, err := json.Marshal(j)
	must(err)
	must(syscall.Exec(os.Args[0], os.Args, []string{jobVariable + "=" + string(text)}))
}

// mountRoom mounts a file system at the folder, for this process alone.
func (j job) mountRoom() {
	err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		os.MkdirAll(j.Parts.Dir, 0o755),
		unix.Mount("room", j.Parts.Dir, "tmpfs", 0, fmt.Sprintf("mode=0755,size=%d", j.Room)))
	if err != nil {
		panic(err)
	}
}

// fill leaves no room in the folder, and tries to open a session then. What it
// comes to is in the report, and when it returns there is room again.
func (j job) fill(p *gvisor.Provider, spec execution.Spec, r *report) {
	path := filepath.Join(j.Parts.Dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	block := make([]byte, 1<<20)
	for len(block) > 0 {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	if s, err := p.Open(context.Background(), spec); err == nil {
		// Nothing had to be copied: what the code leaves must be.
		_, err = s.Run(context.Background(), "open('left', 'wb').write(b'x' * (1 << 20));", execution.Host{})
		r.refuse(errors.Join(err, s.Close()))
	} else {
		r.refuse(err)
	}
	r.Left = remains(filepath.Join(j.Parts.Dir, "sessions", "*", "[0-9]*"))
	if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
		panic(err)
	}
}

// refuse notes why something was not done.
func (r *report) refuse(err error) {
	var e *execution.Error
	if errors.As(err, &e) {
		r.Code, r.Error = e.Code, e.Error()
	}
}

func remains(pattern string) string {
	found, err := filepath.Glob(pattern)
	if err != nil {
		panic(err)
	}
	return strings.Join(found, " ")
}

func (j job) do() report {
	p, err := gvisor.New(context.Background(), j.Config)
	if err != nil {
		return report{Error: err.Error()}
	}
	defer p.Close()
	r := report{Isolation: p.Isolation(), UID: os.Getuid()}
	var spec execution.Spec
	if j.Input != "" {
		spec.Files = []execution.File{{Name: "input", Path: j.Input}}
	}
	if j.Fill && r.Isolation.Ready {
		j.fill(p, spec, &r)
	}
	s, err := p.Open(context.Background(), spec)
	if err != nil {
		r.refuse(err)
		if j.Room > 0 {
			r.Left = remains(filepath.Join(j.Parts.Dir, "making-*")) + remains(filepath.Join(j.Parts.Dir, "checkpoint-*"))
		}
		return r
	}
	defer s.Close()
	result, err := s.Run(context.Background(), "print(open('/mnt/input/input').read(), end='')", execution.Listener(func(e execution.Event) {
		if e.Chunk != nil {
			r.Printed += e.Chunk.Text
		}
	}))
	if err != nil || result.Failure != nil {
		r.Error = fmt.Sprint(err, result.Failure)
	}
	if j.Die {
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			panic(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return r
}

// run runs the binary at a path for a job and returns what came of it. attr may be
// nil.
func (j job) run(t *testing.T, binary string, attr *syscall.SysProcAttr) (report, *exec.Cmd) {
	t.Helper()
	j.Parts = parts{Dir: j.Config.Dir, Launcher: j.Config.Launcher, Tree: j.Config.Tree}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = "/"
	cmd.Env = []string{jobVariable + "=" + string(text)}
	cmd.SysProcAttr = attr
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	var r report
	if jsonErr := json.Unmarshal(out.Bytes(), &r); jsonErr != nil {
		t.Fatalf("the other process printed %q and ended with %v: %s", out.String(), err, errOut.String())
	}
	return r, cmd
}

// copyOf copies an executable to where everybody who gets there can run it.
func copyOf(t *testing.T, path, to string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

// publicDir is a temporary folder that other users reach, too.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "mark-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func testBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// private returns the shared configuration with a folder of its own, so that the
// checkpoint has to be made.
func private(t *testing.T, dir string) gvisor.Config {
	t.Helper()
	config := gvisortest.Config(t)
	config.Dir = filepath.Join(dir, "sandbox")
	return config
}
