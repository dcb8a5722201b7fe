package testpg

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"testing"
)

var postgres Shared

// childVariable makes this test binary start a server, say where it is, and
// wait to be ended: by a line on standard input or by a kill.
const childVariable = "MARK_TESTPG_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	postgres.Main(m)
}

func child() int {
	server, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(server.URL("postgres"))
	bufio.NewScanner(os.Stdin).Scan()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
