package gvisor_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// What a step has taken and freed again counts neither toward the session's limit
// nor for its snapshot, though the C library keeps it while the step goes on.
func TestWhatAStepHasFreedIsGivenBack(t *testing.T) {
	t.Parallel()
	session := open(t, execution.Spec{})
	const resident = "print(int(open('/proc/self/statm').read().split()[1]) * 4096 >> 20)"
	megabytes := func(code string) int {
		n, err := strconv.Atoi(strings.TrimSpace(prints(t, session, code)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := megabytes(resident)
	within := megabytes("x = [b'x' * (20 << 20) for _ in range(12)]\ndel x\n" + resident)
	if within < before+200 {
		t.Errorf("freed memory is not kept within a step: %d MB, before %d", within, before)
	}
	if after := megabytes(resident); after > before+64 {
		t.Errorf("%d MB after the step, before it %d", after, before)
	}
}
