//go:build linux && (amd64 || arm64)

package gvisor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	sharePrefix = "mark-session-"

	// shareWeight is a session's share of the processors, where each thread of
	// the service has 1024: what nice 5 comes to.
	shareWeight = "335"
)

// shareFolder returns the cgroup in which each session can have one of its own, so
// that processors are shared by sessions and not by threads: "" where Linux groups
// them by itself (see grouped), and where the service may not make any: it is not
// root, or the system has only cgroups of version 2, which hold either processes or
// further groups.
func shareFolder(uid int) string {
	if uid == 0 || grouped() {
		return ""
	}
	controllers, path := cpuGroup()
	if controllers == "" {
		return ""
	}
	folder := filepath.Join("/sys/fs/cgroup", controllers, path)
	probe, err := os.MkdirTemp(folder, sharePrefix)
	if err != nil {
		return ""
	}
	if err := os.Remove(probe); err != nil {
		return ""
	}
	// What a service that crashed has left; those in use cannot be removed.
	old, _ := filepath.Glob(filepath.Join(folder, sharePrefix+"*")) // the pattern is right
	for _, group := range old {
		_ = os.Remove(group)
	}
	return folder
}

// grouped reports whether Linux shares the processors among sessions by itself:
// each begins a session of the system's (setsid), and those are groups to the
// scheduler unless the process is in a group of another kind.
func grouped() bool {
	on, err := os.ReadFile("/proc/sys/kernel/sched_autogroup_enabled")
	if err != nil || strings.TrimSpace(string(on)) != "1" {
		return false
	}
	controllers, path := cpuGroup()
	if controllers != "" {
		return path == "/"
	}
	_, err = os.Stat(filepath.Join("/sys/fs/cgroup", path, "cpu.weight"))
	return errors.Is(err, os.ErrNotExist)
}

// cpuGroup returns the cgroup that this process's share of the processors is that
// of: with the name of the hierarchy in version 1, without in version 2.
func cpuGroup() (controllers, path string) {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", "/"
	}
	unified := "/"
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		names, path, _ := strings.Cut(rest, ":")
		switch {
		case names == "":
			unified = path
		case slices.Contains(strings.Split(names, ","), "cpu"):
			return names, path
		}
	}
	return "", unified
}

// makeShare makes the group of one session.
func (e *engine) makeShare(number string) (string, error) {
	if e.shares == "" {
		return "", nil
	}
	group := filepath.Join(e.shares, sharePrefix+strconv.Itoa(os.Getpid())+"-"+number)
	return group, errors.Join(
		os.Mkdir(group, 0o755),
		os.WriteFile(filepath.Join(group, "cpu.shares"), []byte(shareWeight), 0o644))
}
