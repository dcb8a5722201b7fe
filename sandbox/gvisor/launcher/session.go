package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/google/subcommands"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/state/statefile"
	"gvisor.dev/gvisor/runsc/cmd/util"
	"gvisor.dev/gvisor/runsc/config"
	"gvisor.dev/gvisor/runsc/container"
	"gvisor.dev/gvisor/runsc/flag"
	"gvisor.dev/gvisor/runsc/sandbox"
	"gvisor.dev/gvisor/runsc/specutils"
)

const sessionCommand = "session"

// session is the command of the second stage. Stock `runsc restore` refuses to
// work without root; and one process that starts, watches and checkpoints a
// session saves starting others.
type session struct {
	memory     int64
	restore    string
	checkpoint string
	spec       *specs.Spec
}

// Name implements subcommands.Command.
func (*session) Name() string { return sessionCommand }

// Synopsis implements subcommands.Command.
func (*session) Synopsis() string { return "run one Python session" }

// Usage implements subcommands.Command.
func (*session) Usage() string { return "session [flags] <id>\n" }

// SetFlags implements subcommands.Command.
func (s *session) SetFlags(f *flag.FlagSet) {
	f.Int64Var(&s.memory, "memory", 0, "bytes of memory at which the session is stopped; 0 for no limit")
	f.StringVar(&s.restore, "restore", "", "folder of the checkpoint to restore; empty: start afresh")
	f.StringVar(&s.checkpoint, "checkpoint", "", "folder to write a checkpoint to when the service asks")
}

// FetchSpec implements util.SubCommand.
func (s *session) FetchSpec(conf *config.Config, f *flag.FlagSet) (string, *specs.Spec, error) {
	if f.NArg() != 1 {
		return "", nil, fmt.Errorf("a session id is required")
	}
	if s.spec == nil {
		spec, err := specutils.ReadSpec(bundlePath, conf)
		if err != nil {
			return "", nil, err
		}
		s.spec = spec
	}
	return f.Arg(0), s.spec, nil
}

// Execute implements subcommands.Command.
func (s *session) Execute(_ context.Context, f *flag.FlagSet, args ...any) subcommands.ExitStatus {
	unix.CloseOnExec(controlFD)
	control := openControl()
	conf := args[0].(*config.Config)
	status, err := s.run(conf, f.Arg(0), control)
	if err != nil {
		control.send(event{Kind: kindError, Message: err.Error()})
		return util.Errorf("%v", err)
	}
	control.send(event{Kind: kindExited, Status: status})
	return subcommands.ExitSuccess
}

func (s *session) run(conf *config.Config, id string, control *control) (int, error) {
	// The terminal's signals are for the service, which ends its sessions.
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	asked := make(chan struct{}, 1)
	go control.listen(func(word byte) {
		if word == wordCheckpoint {
			asked <- struct{}{}
		}
	})
	c, err := container.New(conf, container.Args{ID: id, Spec: s.spec, BundleDir: bundlePath, Attached: true})
	if err != nil {
		return 0, fmt.Errorf("creating the sandbox: %w", err)
	}
	if s.restore != "" {
		err = c.Restore(conf, s.restore, false /* direct */, false /* background */, nil)
	} else {
		err = c.Start(conf)
	}
	if err != nil {
		return 0, fmt.Errorf("starting the sandbox: %w", err)
	}
	if s.memory > 0 {
		w, err := watch(c.SandboxPid(), s.memory)
		if err != nil {
			return 0, fmt.Errorf("watching the sandbox's memory: %w", err)
		}
		go w.run(func(bytes int64) { control.send(event{Kind: kindMemory, Bytes: bytes}) })
	}
	control.send(event{Kind: kindStarted})
	if s.checkpoint != "" {
		<-asked
		opts := sandbox.CheckpointOpts{Compression: statefile.CompressionLevelNone}
		if err := c.Checkpoint(conf, s.checkpoint, opts); err != nil {
			return 0, fmt.Errorf("writing the checkpoint: %w", err)
		}
		control.send(event{Kind: kindCheckpoint})
		os.Exit(0)
	}
	ws, err := c.Wait()
	if err != nil {
		return 0, fmt.Errorf("waiting for the sandbox: %w", err)
	}
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}
