//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// plan and its binds are what the launcher is told; it holds the same structure
// in launcher/plan.go, where each field is explained.
type plan struct {
	Over        string          `json:"over"`
	Mounts      []bind          `json:"mounts"`
	Spec        json.RawMessage `json:"spec"`
	UID         int             `json:"uid"`
	GID         int             `json:"gid"`
	Restore     string          `json:"restore"`
	Checkpoint  string          `json:"checkpoint"`
	Once        bool            `json:"once"`
	MemoryBytes int64           `json:"memoryBytes"`
	Share       string          `json:"share"`
	DebugLog    string          `json:"debugLog"`
}

type bind struct {
	From     string `json:"from"`
	FD       int    `json:"fd"`
	To       string `json:"to"`
	Writable bool   `json:"writable"`

	mount *os.File // a detached mount; launch numbers it and hands it over
}

// event is what the launcher reports; see launcher/control.go.
type event struct {
	Kind        string `json:"kind"`
	Message     string `json:"message"`
	Bytes       int64  `json:"bytes"`
	Nanoseconds int64  `json:"nanoseconds"`
	Status      int    `json:"status"`
}

const (
	kindStarted    = "started"
	kindError      = "error"
	kindMemory     = "memory"
	kindExited     = "exited"
	kindCheckpoint = "checkpoint"
	kindUsage      = "usage"
	kindCPU        = "cpu"
	wordCheckpoint = 'c'
	wordUsage      = 'u'
	wordCPU        = 'p'
)

// maxPlanBytes is the kernel's bound on one argument of a command (MAX_ARG_STRLEN).
const maxPlanBytes = 128<<10 - 1

// process is a running launcher. It is the first process of a PID namespace:
// when it has ended, nothing of the session is left running.
type process struct {
	cmd     *exec.Cmd
	control *net.UnixConn
	stdin   *os.File // of the Python kernel
	stdout  *os.File
	stderr  *tail

	events chan event // closed when the launcher's end of the socket is
	done   chan struct{}

	killOnce sync.Once
}

// launch starts the launcher. The caller has to call kill in the end.
func launch(launcher string, p plan) (_ *process, err error) {
	var files []*os.File // that are the child's alone
	defer func() {
		for _, f := range files {
			_ = f.Close() // copies of them are in use
		}
	}()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making the control socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	files = append(files, ours, theirs) // ours: net.FileConn makes a copy
	control, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	proc := &process{
		control: control.(*net.UnixConn), stderr: &tail{},
		events: make(chan event, 8), done: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			proc.closePipes()
		}
	}()
	inner, outer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files, proc.stdin = append(files, inner), outer
	outer, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files, proc.stdout = append(files, childOut), outer

	extra := []*os.File{theirs}
	for i := range p.Mounts {
		if m := p.Mounts[i].mount; m != nil {
			extra = append(extra, m)
			p.Mounts[i].FD = 2 + len(extra)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	if len(text) > maxPlanBytes {
		return nil, errors.New("a session cannot be given that many files")
	}
	proc.cmd = exec.Command(launcher, "stage", string(text)) //nolint:noctx // lives as long as its session, not as one call
	proc.cmd.Env = []string{"PATH=/usr/bin:/bin"}            // nothing of the service's own
	proc.cmd.Dir = "/"
	proc.cmd.Stdin, proc.cmd.Stdout, proc.cmd.Stderr = inner, childOut, proc.stderr
	proc.cmd.ExtraFiles = extra
	proc.cmd.SysProcAttr = namespaces(p.UID)
	if err := proc.cmd.Start(); err != nil {
		return nil, startError(err)
	}
	go proc.readEvents()
	go func() {
		_ = proc.cmd.Wait() // its status says less than its events
		close(proc.done)
	}()
	return proc, nil
}

// namespaces puts the launcher into namespaces of its own: of mounts and of
// processes, and where it will not become another user, also of users, which gives
// it the right to mount.
func namespaces(uid int) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Setsid:     true, // the terminal's signals are not for sessions
	}
	if uid == 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		attr.Credential = &syscall.Credential{NoSetGroups: true}
	}
	return attr
}

func startError(err error) error {
	o := &obstacle{what: "the sandbox launcher cannot be started", err: err}
	switch {
	case errors.Is(err, os.ErrNotExist):
		o.todo = "Build it with `make build`."
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		o.todo = "The system's limit on user namespaces is reached or 0: raise it with `sysctl user.max_user_namespaces=15000`."
	case errors.Is(err, os.ErrPermission):
		o.todo = "Python sessions need user namespaces: allow them with `sysctl kernel.unprivileged_userns_clone=1` (Debian) or `sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu); in a container, run it with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`."
	}
	return o
}

func (p *process) readEvents() {
	defer close(p.events)
	lines := bufio.NewScanner(p.control)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			return
		}
		select {
		case p.events <- e:
		case <-p.done:
			return
		}
	}
}

// say gives the launcher a word.
func (p *process) say(word byte) error {
	_, err := p.control.Write([]byte{word})
	return err
}

// errRestore says that gVisor could not make a process of an image.
var errRestore = errors.New("the image cannot be restored")

// startFailed is what the launcher says where gVisor refuses the image; what it
// says of all before that has other words. See launcher/session.go.
const startFailed = "starting the sandbox: "

// awaitStart waits until Python runs. errRestore is in the error where the image
// did not become one.
func (p *process) awaitStart(ctx context.Context, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := p.await(ctx, kindStarted)
	if err != nil && strings.Contains(err.Error(), startFailed) {
		return fmt.Errorf("%w: %w", errRestore, err)
	}
	return err
}

// await waits for an event of the given kind; any other end is an error.
func (p *process) await(ctx context.Context, kind string) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case e, ok := <-p.events:
		switch {
		case ok && e.Kind == kind && e.Message == "":
			return nil
		case ok && e.Kind == kind:
			return errors.New(e.Message)
		case ok && e.Kind == kindError:
			return &obstacle{what: "the sandbox did not start", err: errors.New(e.Message), todo: todoFor(e.Message)}
		case ok:
			return fmt.Errorf("%w: the sandbox ended at its start: %s %d %s", errRestore, e.Kind, e.Status, p.stderr)
		default:
			return fmt.Errorf("the sandbox launcher ended: %s", p.stderr)
		}
	}
}

// kill ends every process of the session and returns when none is left.
func (p *process) kill() {
	p.killOnce.Do(func() {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		p.closePipes()
	})
	<-p.done
}

func (p *process) closePipes() {
	for _, c := range []io.Closer{p.control, p.stdin, p.stdout} {
		if f, ok := c.(*os.File); ok && f == nil {
			continue
		}
		_ = c.Close() // it may be broken already
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex // protects buf
	buf []byte
}

const tailBytes = 4 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if len(t.buf) > tailBytes {
		t.buf = append([]byte(nil), t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(b), nil
}

// String returns the end.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
