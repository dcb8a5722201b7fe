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
	once       bool
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
	f.StringVar(&s.checkpoint, "checkpoint", "", "folder to write checkpoints to when the service asks")
	f.BoolVar(&s.once, "once", false, "end with the first checkpoint")
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
	words := make(chan byte, 8)
	go control.listen(func(word byte) { words <- word })
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
	w, err := watch(c.SandboxPid(), s.memory)
	if err != nil {
		return 0, fmt.Errorf("watching the sandbox's memory: %w", err)
	}
	if s.memory > 0 {
		go w.run(func(bytes int64) { control.send(event{Kind: kindMemory, Bytes: bytes}) })
	}
	control.send(event{Kind: kindStarted})
	go s.obey(words, conf, c, w, control)
	ws, err := c.Wait()
	if err != nil {
		return 0, fmt.Errorf("waiting for the sandbox: %w", err)
	}
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// obey does what the service's words ask for, one after the other.
func (s *session) obey(words <-chan byte, conf *config.Config, c *container.Container, w *watcher, control *control) {
	for word := range words {
		switch word {
		case wordUsage:
			bytes, err := w.usage()
			if err != nil {
				bytes = 0 // it is ending
			}
			control.send(event{Kind: kindUsage, Bytes: bytes})
		case wordCPU:
			control.send(cpuTime(c))
		case wordCheckpoint:
			opts := sandbox.CheckpointOpts{Compression: statefile.CompressionLevelNone, Resume: !s.once}
			done := event{Kind: kindCheckpoint}
			if err := c.Checkpoint(conf, s.checkpoint, opts); err != nil {
				done.Message = err.Error()
			}
			control.send(done)
			if s.once {
				os.Exit(0)
			}
		}
	}
}

// cpuTime tells how much CPU time the session's processes have taken, those
// that have ended included, as the sandbox's own kernel counts it.
func cpuTime(c *container.Container) event {
	out := event{Kind: kindCPU}
	stats, err := c.Event()
	if err != nil {
		out.Message = err.Error()
		return out
	}
	for _, nanoseconds := range stats.ContainerUsage { // there is one container
		out.Nanoseconds += int64(nanoseconds)
	}
	return out
}
