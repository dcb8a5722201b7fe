// Command mark-sandbox runs one Python session inside gVisor. The service starts
// it once a session, as the first process of a PID namespace of its own, so that
// killing it kills everything the session ever started.
//
// It works in two stages. The first (stage.go) builds a root file system that
// holds only what the session needs, enters it and gives up its privileges. The
// second (session.go) is gVisor's own command line with one command more: it
// starts the session from its spec or restores it from a checkpoint, watches its
// memory and reports to the service over the control socket (control.go).
//
// It is a module and a binary of its own: in one binary with the service, a
// restore would be slower, a session larger and everybody's build much longer.
package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/runsc/cli"
	"gvisor.dev/gvisor/runsc/cmd"
	"gvisor.dev/gvisor/runsc/cmd/sentry/sentrycmd"
	"gvisor.dev/gvisor/runsc/cmd/util"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "hold" {
		// The service needs a user namespace, and that needs a process.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == "stage" {
		unix.CloseOnExec(controlFD)
		control := openControl()
		if err := stage(os.Args[2], control); err != nil {
			control.send(event{Kind: kindError, Message: err.Error()})
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	cli.Run(nil, map[util.SubCommand]string{
		new(session): "",
		// What gVisor starts itself with, for the processes of a sandbox.
		new(sentrycmd.Boot):   "internal use only",
		new(cmd.Gofer):        "internal use only",
		new(sentrycmd.Umount): "internal use only",
	}, nil)
}
