// Package piped starts, in tests and benchmarks, processes that are spoken with line
// by line.
package piped

import (
	"bufio"
	"errors"
	"io"
	"os/exec"
	"sync"
	"testing"
)

// Start starts a command. end ends it by the end of its input, waits for it and
// returns how it ended; calling it again does nothing. It is called with the test's
// end at the latest, where nobody asks how: that of the test's context may have ended
// the command.
func Start(t testing.TB, cmd *exec.Cmd) (in io.Writer, out *bufio.Reader, end func() error) {
	t.Helper()
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceValue(func() error { return errors.Join(input.Close(), cmd.Wait()) })
	t.Cleanup(func() { _ = end() })
	return input, bufio.NewReader(output), end
}
