// Command mark is the whole service: `mark serve` answers questions about data
// over GraphQL, `mark sandbox` prepares and checks where Python runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set when Mark is built.
var version = "dev"

// cli is the command line.
type cli struct {
	Config

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve the API and the playground."`
	Sandbox sandboxCmd `cmd:"" name:"sandbox" help:"Prepare and check where Python runs."`
	Backup  backupCmd  `cmd:"" help:"Copy database, files and keys into an archive, also while Mark runs."`
	Restore restoreCmd `cmd:"" help:"Make a data folder of an archive."`
	Version versionCmd `cmd:"" help:"Tell the version."`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "mark:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings as arguments.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("mark"),
		kong.Description("Mark, a conversational data analyst. Every flag can also be set by the environment variable beside it."),
		kong.Writers(stdout, stderr),
		kong.UsageOnError(),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return command.Run(&environment{ctx: ctx, stop: stop, config: c.Config, stdin: stdin, stdout: stdout, stderr: stderr})
}

// environment is what commands run in.
type environment struct {
	ctx            context.Context //nolint:containedctx // of the whole program
	stop           func()
	config         Config
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (e *environment) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: e.config.level()}
	if e.config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(e.stderr, options))
	}
	return slog.New(slog.NewTextHandler(e.stderr, options))
}

// progress writes a line about something that takes long.
func (e *environment) progress(line string) { fmt.Fprintln(e.stderr, "  "+line) }

type serveCmd struct{}

// Run serves until the program is told to end; told twice, it ends at once.
func (serveCmd) Run(e *environment) error {
	logger := e.logger()
	// First of all: on a first start minutes pass before the rest is ready, and
	// an address that is taken should be told at once.
	listener, err := (&net.ListenConfig{}).Listen(e.ctx, "tcp", e.config.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (MARK_ADDR sets another address)", e.config.Addr, err)
	}
	defer listener.Close()
	app, err := NewApp(e.ctx, e.config, logger, e.progress, Parts{})
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- app.Serve(listener) }()
	e.greet(listener.Addr().String(), app)
	select {
	case err = <-served:
	case <-e.ctx.Done():
		e.stop() // from here on a second signal ends the program
		logger.Info("ending: runs that do not come to their end are taken up by another node, or the next start")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), e.config.ShutdownGrace)
	defer cancel()
	return errors.Join(err, app.Close(ctx))
}

// greet tells where to go.
func (e *environment) greet(addr string, app *App) {
	fmt.Fprintf(e.stdout, "\nMark %s is ready.\n\n  Playground  http://%s/graphiql  (opens on a tour)\n  API         http://%s/graphql\n  Answers by  %s\n  Python in   %s\n\n",
		version, addr, addr, app.parts.Models[0].Name, app.parts.Sandbox.Isolation().Detail)
}

type versionCmd struct{}

// Run tells the version.
func (versionCmd) Run(e *environment) error {
	_, err := fmt.Fprintln(e.stdout, version)
	return err
}
