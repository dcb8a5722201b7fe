//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// A checkpoint that was cut short or changed is made again: it would make every
// session fail, for ever.
func TestADamagedCheckpointIsMadeAgain(t *testing.T) {
	config := private(t, t.TempDir())
	config.Sessions = 1
	p := gvisortest.New(t, config)
	base := p.Base()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(f *os.File, size int64) error{
		"cut short": func(f *os.File, size int64) error { return f.Truncate(size / 2) },
		"changed":   func(f *os.File, size int64) error { _, err := f.WriteAt([]byte("damage"), size/2); return err },
	} {
		t.Run(name, func(t *testing.T) {
			images, err := filepath.Glob(filepath.Join(config.Dir, "checkpoint-*", "image", "*"))
			if err != nil || len(images) == 0 {
				t.Fatalf("there is no image (%v)", err)
			}
			for _, path := range images {
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				info, err := f.Stat()
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(damage(f, info.Size()), f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			p := gvisortest.New(t, config)
			defer p.Close()
			if got := prints(t, openOf(t, p, execution.Spec{}), "print('on')"); got != "on" || p.Base() != base {
				t.Errorf("printed %q on %s", got, p.Base())
			}
		})
	}
}

// A launcher that is gone ends no service: who opens a session is told, and once it
// is back all is well.
func TestTheLauncherGoesAndComesBack(t *testing.T) {
	config := gvisortest.Config(t)
	config.Launcher = copyOf(t, config.Launcher, filepath.Join(publicDir(t), "mark-sandbox"))
	p := gvisortest.New(t, config)
	defer p.Close()
	away := config.Launcher + ".away"
	if err := os.Rename(config.Launcher, away); err != nil {
		t.Fatal(err)
	}
	_, err := p.Open(t.Context(), execution.Spec{})
	if e := (*execution.Error)(nil); !errors.As(err, &e) || e.Code != execution.CodeUnavailable || !strings.Contains(e.Message, "make build") {
		t.Errorf("without a launcher: %v", err)
	}
	if left := ownSessionFiles(t, config); len(left) != 0 {
		t.Errorf("the files %v are left", left)
	}
	if err := os.Rename(away, config.Launcher); err != nil {
		t.Fatal(err)
	}
	prints(t, openOf(t, p, execution.Spec{}), "print('on')")
}

// Whatever befalls a sandbox's own processes in the middle of a step, the step ends
// with an error that says what became of it, and nothing is left.
func TestTheSandboxDiesInTheMiddle(t *testing.T) {
	config := gvisortest.Config(t)
	p := gvisortest.New(t, config)
	defer p.Close()
	for name, c := range map[string]struct {
		process string
		signal  syscall.Signal
		want    []execution.Code // "" for an end of the step itself
	}{
		"gVisor's kernel is killed":      {"runsc-sandbox", syscall.SIGKILL, []execution.Code{execution.CodeDied}},
		"gVisor's kernel is stopped":     {"runsc-sandbox", syscall.SIGSTOP, []execution.Code{execution.CodeTimeout}},
		"gVisor's file server is killed": {"runsc-gofer", syscall.SIGKILL, []execution.Code{execution.CodeDied, execution.CodeTimeout, ""}},
		"the launcher is killed":         {"mark-sandbox", syscall.SIGKILL, []execution.Code{execution.CodeDied}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openOf(t, p, execution.Spec{Limits: execution.Limits{StepTime: 5 * time.Second}})
			hit := 0
			result, err := s.Run(t.Context(), "print('on', flush=True)\nimport time\nfor n in range(600): time.sleep(0.1); open('/etc/passwd').close()",
				execution.Listener(func(execution.Event) {
					for pid := range descendants(t, os.Getpid()) {
						line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
						if err == nil && hit == 0 && strings.HasPrefix(string(line), c.process+"\x00") && syscall.Kill(pid, c.signal) == nil {
							hit++
						}
					}
				}))
			if hit == 0 {
				t.Fatalf("there is no process %s", c.process)
			}
			var e *execution.Error
			code := execution.Code("")
			if errors.As(err, &e) {
				code = e.Code
			}
			if !slices.Contains(c.want, code) || (e != nil && !strings.HasSuffix(e.Message, ".")) || (code == execution.CodeDied && !e.Fatal) {
				t.Errorf("the step ended with %v %+v, want one of %q", err, result.Failure, c.want)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left := descendants(t, os.Getpid()); len(left) != 0 {
				t.Errorf("the processes %v are left", left)
			}
			if left := ownSessionFiles(t, config); len(left) != 0 {
				t.Errorf("the files %v are left", left)
			}
		})
	}
}

// A full disk is said in words, leaves nothing half-made, and is no trouble any more
// once there is room.
func TestAFullDisk(t *testing.T) {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	t.Run("for the checkpoint", func(t *testing.T) {
		r, _ := job{Config: private(t, publicDir(t)), Room: 40 << 20}.run(t, testBinary(t), attr)
		if r.Isolation.Ready || r.Code != execution.CodeUnavailable || !strings.Contains(r.Isolation.Detail, "Make room") {
			t.Errorf("it came to %+v", r)
		}
		if r.Left != "" {
			t.Errorf("%s is left", r.Left)
		}
	})
	t.Run("for a session's files", func(t *testing.T) {
		r, _ := job{Config: private(t, publicDir(t)), Room: 1 << 30, Fill: true, Input: writeFile(t, publicDir(t), 0o600)}.run(t, testBinary(t), attr)
		if !r.Isolation.Ready || r.Code != execution.CodeUnavailable || !strings.Contains(r.Error, "no space left") {
			t.Errorf("it came to %+v", r)
		}
		if r.Left != "" {
			t.Errorf("%s is left", r.Left)
		}
		if r.Printed != "for your eyes only" {
			t.Errorf("with room again it printed %q", r.Printed)
		}
	})
}
