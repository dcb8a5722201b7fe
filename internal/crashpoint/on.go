//go:build faults

package crashpoint

import (
	"os"
	"slices"
	"strings"
)

// Here ends the process as kill -9 does, where the file that MARK_CRASH_FILE names
// holds the name of the place. The file goes with it: of all nodes that share it
// one ends, once.
func Here(place string) {
	path := os.Getenv("MARK_CRASH_FILE")
	wanted, err := os.ReadFile(path)
	if err != nil || string(wanted) != place || os.Remove(path) != nil {
		return // it is for another place, or another was here first
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill() // what it says nobody hears
	}
	select {} // nothing happens between the signal and its effect
}

// Without tells whether MARK_WITHOUT, a list with commas, names a defence.
func Without(defence string) bool {
	return slices.Contains(strings.Split(os.Getenv("MARK_WITHOUT"), ","), defence)
}
