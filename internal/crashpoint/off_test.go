//go:build !faults

package crashpoint_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mark-analyst/mark/internal/crashpoint"
)

// What people run cannot be talked into any of it.
func TestTheOrdinaryBinaryHasNoFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash")
	if err := os.WriteFile(path, []byte(crashpoint.RanNotStored), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MARK_CRASH_FILE", path)
	t.Setenv("MARK_WITHOUT", crashpoint.Fence)
	crashpoint.Here(crashpoint.RanNotStored)
	if _, err := os.Stat(path); err != nil {
		t.Error("the file was taken")
	}
	if crashpoint.Without(crashpoint.Fence) {
		t.Error("a defence was taken away")
	}
}
