//go:build faults

package clock

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// now is the machine's time, wrong by what is written in the file "clock" of the
// node's data folder, like "-5m": a clock that jumps when the file changes.
func now() time.Time {
	text, err := os.ReadFile(filepath.Join(os.Getenv("MARK_DATA_DIR"), "clock"))
	if err != nil {
		return time.Now() // there is none
	}
	wrong, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return time.Now() // it is being written
	}
	return time.Now().Add(wrong)
}
