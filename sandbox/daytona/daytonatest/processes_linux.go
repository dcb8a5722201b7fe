package daytonatest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processAttributes has a process end with this one.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// endProcesses kills what runs in a sandbox, which is known by its working folder,
// and returns when nothing does.
func endProcesses(root string) {
	for until := time.Now().Add(killTime); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		running := Processes(root)
		if len(running) == 0 {
			return
		}
		for _, pid := range running {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
		}
	}
}

// Processes returns those whose working folder is in the given one, or whose
// command line names it.
func Processes(root string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		cwd, err := os.Readlink(filepath.Join("/proc", e.Name(), "cwd"))
		if err != nil {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		cwd = strings.TrimSuffix(cwd, " (deleted)")
		if cwd == root || strings.HasPrefix(cwd, root+"/") || strings.Contains(string(line), root+"/") {
			found = append(found, pid)
		}
	}
	return found
}
