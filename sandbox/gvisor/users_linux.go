//go:build linux && (amd64 || arm64)

package gvisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sessionsUser returns the user that sessions run as on the host: want, where
// this process may become that user, and 0, for the service's own user in a user
// namespace of its own, where it may not. Being root is not enough: the root of a
// container may lack the right to mount, or the user may not exist there.
func sessionsUser(want int) (int, error) {
	if os.Geteuid() != 0 {
		return 0, nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0, err
	}
	groups, err := os.ReadFile("/proc/self/gid_map")
	if err != nil {
		return 0, err
	}
	if !mayMount(string(status)) || !mapped(string(users), want) || !mapped(string(groups), want) {
		return 0, nil
	}
	return want, nil
}

// mayMount reports whether a /proc/<pid>/status shows CAP_SYS_ADMIN.
func mayMount(status string) bool {
	_, rest, _ := strings.Cut(status, "CapEff:")
	set, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
	return err == nil && bits&(1<<unix.CAP_SYS_ADMIN) != 0
}

// mapped reports whether a /proc/<pid>/uid_map covers the id: user_namespaces(7).
func mapped(table string, id int) bool {
	for line := range strings.Lines(table) {
		var inside, outside, length int
		if n, err := fmt.Sscan(line, &inside, &outside, &length); n != 3 || err != nil {
			continue
		}
		if id >= inside && id-inside < length {
			return true
		}
	}
	return false
}
