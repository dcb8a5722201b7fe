package gvisor_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// However a session ends, no process, file or mount of it is left.
func TestNothingIsLeft(t *testing.T) {
	config := private(t, t.TempDir())
	p := gvisortest.New(t, config)
	defer p.Close()
	for name, end := range map[string]func(s execution.Session){
		"closed":      func(s execution.Session) {},
		"exited":      func(s execution.Session) { run(t, s, "import os; os._exit(0)") },
		"over memory": func(s execution.Session) { run(t, s, "import os\nwhile True: os.fork()") },
		"with children": func(s execution.Session) {
			prints(t, s, "import subprocess, sys\nc = subprocess.Popen([sys.executable, '-c', 'while True: pass'], start_new_session=True)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openOf(t, p, execution.Spec{Files: []execution.File{{Name: "f", Path: writeFile(t, t.TempDir(), 0o600)}}})
			prints(t, s, "open('/mnt/data/left', 'w').write('x');")
			before := descendants(t, os.Getpid())
			if len(before) < 3 {
				t.Fatalf("a session has only the processes %v", before)
			}
			end(s)
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if after := descendants(t, os.Getpid()); len(after) != 0 {
				t.Errorf("the processes %v are left", after)
			}
			for pid := range before {
				if alive(pid, before[pid]) {
					t.Errorf("process %d is left", pid)
				}
			}
			if files := sessionFiles(t, config); len(files) != 0 {
				t.Errorf("the files %v are left", files)
			}
			if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || strings.Contains(string(mounts), config.Dir) {
				t.Errorf("mounts are left (%v)", err)
			}
		})
	}
}

// A service that is killed takes its sessions with it, and the next one removes
// their files. One that lives keeps its own.
func TestCrashedService(t *testing.T) {
	config := private(t, t.TempDir())
	living := gvisortest.New(t, config)
	defer living.Close()
	s := openOf(t, living, execution.Spec{})
	kept := sessionFiles(t, config)

	j := job{Config: config, Input: writeFile(t, t.TempDir(), 0o600), Die: true}
	r, cmd := j.run(t, testBinary(t), nil)
	checkWorks(t, r)
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
		t.Fatalf("the service ended with %v", cmd.ProcessState)
	}
	deadline := time.Now().Add(patience)
	for len(orphans(t, config.Dir)) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the session outlives its service")
		}
		pause(t)
	}
	if got := sessionFiles(t, config); len(got) <= len(kept) {
		t.Fatal("the killed service left no files: nothing to test")
	}
	next := gvisortest.New(t, config)
	defer next.Close()
	if got := sessionFiles(t, config); strings.Join(got, " ") != strings.Join(kept, " ") {
		t.Errorf("the files of sessions are %v, want %v", got, kept)
	}
	if got := prints(t, s, "print('on')"); got != "on" {
		t.Errorf("the living service's session printed %q", got)
	}
}

// pause waits a little between two looks at the machine, for what ends without a
// signal that could be waited for.
func pause(t *testing.T) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(10 * time.Millisecond):
	}
}

// sessionFiles lists the sessions' folders.
func sessionFiles(t *testing.T, config gvisor.Config) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(config.Dir, "sessions", "*", "[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// descendants maps the processes that the given one started, themselves or by
// others, to the times at which they began.
func descendants(t *testing.T, of int) map[int]string {
	t.Helper()
	parents, begun := map[int]int{}, map[int]string{}
	each(t, func(pid int, fields []string) {
		parents[pid], _ = strconv.Atoi(fields[1])
		begun[pid] = fields[19]
	})
	found := map[int]string{}
	for pid := range parents {
		for up := parents[pid]; up > 1; up = parents[up] {
			if up == of {
				found[pid] = begun[pid]
				break
			}
		}
	}
	return found
}

// orphans lists the launchers that work in dir and were started by a service that
// is gone. A launcher is the first process of its session's PID namespace: while
// any process of the session is there, it is.
func orphans(t *testing.T, dir string) []int {
	t.Helper()
	ours := descendants(t, os.Getpid())
	var found []int
	each(t, func(pid int, fields []string) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if _, own := ours[pid]; err == nil && !own && strings.Contains(string(line), dir) {
			found = append(found, pid)
		}
	})
	return found
}

// each calls f for every process, with the fields of its stat from the third.
func each(t *testing.T, f func(pid int, fields []string)) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		_, rest, _ := strings.Cut(string(b), ") ")
		f(pid, strings.Fields(rest))
	}
}

func alive(pid int, begun string) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)[19] == begun
}
