//go:build !faults

package crashpoint_test

import (
	"testing"

	"github.com/mark-analyst/mark/internal/crashpoint"
)

// What people run cannot be talked into any of it.
func TestTheOrdinaryBinaryHasNoFaults(t *testing.T) {
	t.Setenv("MARK_CRASH_AT", crashpoint.RanNotStored)
	t.Setenv("MARK_WITHOUT", crashpoint.Fence)
	crashpoint.Here(crashpoint.RanNotStored)
	if crashpoint.Without(crashpoint.Fence) {
		t.Error("a defence was taken away")
	}
}
