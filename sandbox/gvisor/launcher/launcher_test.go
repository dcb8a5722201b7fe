package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childVariable makes the test binary play a sandbox's sentry instead.
const childVariable = "MARK_LAUNCHER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		playSentry()
		return
	}
	os.Exit(m.Run())
}

// playSentry holds a memory file and fills it by 16 MiB for every line it reads.
func playSentry() {
	fd, err := unix.MemfdCreate("runsc-memory", unix.MFD_CLOEXEC)
	if err != nil {
		panic(err)
	}
	memory := os.NewFile(uintptr(fd), "memory")
	fmt.Println("ready")
	block := make([]byte, 16<<20)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if _, err := memory.Write(block); err != nil {
			panic(err)
		}
		fmt.Println("filled")
	}
}

// sentry starts a child that plays one, and returns what makes it take 16 MiB.
func sentry(t *testing.T) (pid int, fill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatal("the child did not start")
	}
	return cmd.Process.Pid, func() {
		if _, err := stdin.Write([]byte("\n")); err != nil {
			t.Error(err)
		}
		lines.Scan() // nothing comes once the child is stopped
	}
}

func TestWatcherStopsAtTheLimit(t *testing.T) {
	pid, fill := sentry(t)
	probe, err := watch(pid, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	before, err := probe.usage()
	if err != nil {
		t.Fatal(err)
	}
	w, err := watch(pid, before+40<<20)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan int64, 1)
	go w.run(func(bytes int64) { over <- bytes })
	fill()
	fill()
	select {
	case bytes := <-over:
		t.Fatalf("stopped at %d bytes, which is within the limit", bytes)
	case <-time.After(10 * watchEvery):
	}
	go fill()
	select {
	case bytes := <-over:
		if bytes <= before+40<<20 {
			t.Errorf("stopped at %d bytes, which is within the limit", bytes)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("not stopped")
	}
	// The signal takes effect when the system call that is going on has ended.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(status), "State:\tT") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the process is not stopped: %.200s", status)
		}
	}
}

func TestWatcherNeedsASandbox(t *testing.T) {
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = stdin.Close(), cmd.Wait() }()
	if _, err := watch(cmd.Process.Pid, 1); err == nil {
		t.Error("a process without a memory file can be watched")
	}
}

func TestParsePlan(t *testing.T) {
	p, err := parsePlan(`{"over":"/d","mounts":[{"from":"/f","fd":4,"to":"/input/f"}],"spec":{},"uid":7,"memoryBytes":5}`)
	if err != nil || p.Over != "/d" || p.UID != 7 || p.MemoryBytes != 5 || len(p.Mounts) != 1 || p.Mounts[0].FD != 4 {
		t.Errorf("the plan is %+v (%v)", p, err)
	}
	for _, text := range []string{"", "{", `{"unknown":1}`, `{"uid":"7"}`} {
		if _, err := parsePlan(text); err == nil || !strings.Contains(err.Error(), "of one build") {
			t.Errorf("parsePlan(%q) returned %v", text, err)
		}
	}
}

// What keeps a session in is in force whatever the plan says.
func TestSessionArgs(t *testing.T) {
	for _, p := range []plan{{}, {Restore: "/image", MemoryBytes: 1}, {Checkpoint: "/image", DebugLog: "/log"}} {
		args := sessionArgs(p)
		for _, want := range []string{"--network=none", "--overlay2=none", "--host-uds=none", "--host-fifo=none", "--platform=systrap"} {
			if !slices.Contains(args, want) {
				t.Errorf("%v lacks %s", args, want)
			}
		}
		if args[len(args)-1] != sessionID || !slices.Contains(args, sessionCommand) {
			t.Errorf("%v is not a session's command line", args)
		}
	}
}
