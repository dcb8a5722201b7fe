package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

type sandboxShellCmd struct {
	Interactive bool     `short:"i" help:"Take the input for typed, though it is no terminal: block by block, with prompts."`
	Files       []string `arg:"" optional:"" type:"existingfile" help:"Files that the session may read."`
}

// Run gives a session what is typed, block by block, or what is piped, as one
// program.
func (c sandboxShellCmd) Run(e *environment) error {
	// An interrupt from here on ends a step, not the program.
	e.stop()
	ctx, cancel := context.WithCancel(context.WithoutCancel(e.ctx))
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	return e.withSandbox(ctx, func(provider sandbox.Provider) (err error) {
		var spec execution.Spec
		for _, path := range c.Files {
			spec.Files = append(spec.Files, execution.File{Name: filepath.Base(path), Path: path})
		}
		session, err := provider.Open(ctx, spec)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, session.Close()) }()
		sh := &shell{environment: e, session: session, signals: signals}
		if c.Interactive || isTerminal(e.stdin) {
			return sh.converse(ctx)
		}
		program, err := io.ReadAll(e.stdin)
		if err != nil {
			return err
		}
		failure, err := sh.step(ctx, string(program))
		if err == nil && failure != nil {
			err = errors.New("the program failed")
		}
		return err
	})
}

// isTerminal reports whether somebody types.
func isTerminal(in any) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != "null"
}

// shell is a session that somebody types into.
type shell struct {
	*environment
	session execution.Session
	signals <-chan os.Signal
}

// errEnded ends a conversation.
var errEnded = errors.New("ended")

// converse reads block after block until the input ends.
func (sh *shell) converse(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan string)
	go func() { // ends with the input, or with the program
		defer close(lines)
		for in := bufio.NewScanner(sh.stdin); in.Scan(); {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	fmt.Fprintln(sh.stdout, "Python in a session of its own; an empty line ends a block, Ctrl-D the session.")
	for {
		block, err := sh.read(ctx, lines)
		if errors.Is(err, errEnded) {
			fmt.Fprintln(sh.stdout)
			return nil
		}
		if err == nil && strings.TrimSpace(block) != "" {
			_, err = sh.step(ctx, block)
		}
		if err != nil {
			return err
		}
	}
}

// read returns the next block that is complete.
func (sh *shell) read(ctx context.Context, lines <-chan string) (string, error) {
	block := ""
	for prompt := ">>> "; ; prompt = "... " {
		fmt.Fprint(sh.stdout, prompt)
		select {
		case line, more := <-lines:
			if !more && block == "" {
				return "", errEnded
			}
			block += line + "\n"
			if !more {
				return block, nil
			}
		case s := <-sh.signals:
			if s != os.Interrupt {
				return "", errEnded
			}
			fmt.Fprintln(sh.stdout)
			return "", nil // what was typed is dropped, as Python does
		}
		if goesOn, err := sh.goesOn(ctx, block); err != nil || !goesOn {
			return block, err
		}
	}
}

// goesOn asks Python whether a block lacks something yet. What is wrong in it is
// told when it is run.
func (sh *shell) goesOn(ctx context.Context, block string) (bool, error) {
	code := fmt.Sprintf("print(__import__('codeop').compile_command(%s) is None)", strconv.QuoteToASCII(strings.TrimSuffix(block, "\n")))
	said := ""
	_, err := sh.session.Run(ctx, code, execution.Listener(func(ev execution.Event) {
		if ev.Chunk != nil && ev.Chunk.Stream == execution.Stdout {
			said += ev.Chunk.Text
		}
	}))
	return strings.TrimSpace(said) == "True", err
}

// step runs code and shows what comes out. Its error is the end of the session.
func (sh *shell) step(ctx context.Context, code string) (*execution.Failure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-sh.signals:
			cancel()
		case <-done:
		}
	}()
	result, err := sh.session.Run(ctx, code, execution.Listener(sh.show))
	if known := (*execution.Error)(nil); errors.As(err, &known) {
		if known.Fatal {
			return nil, fmt.Errorf("%s: %s", known.Code, known.Message)
		}
		fmt.Fprintf(sh.stderr, "%s: %s\n", known.Code, known.Message)
	} else if err != nil {
		return nil, err
	}
	if result.Failure != nil {
		fmt.Fprintln(sh.stderr, strings.TrimRight(result.Failure.Traceback, "\n"))
	}
	if result.Truncated {
		fmt.Fprintln(sh.stderr, "Some output was beyond the limits and was dropped.")
	}
	return result.Failure, nil
}

// show writes what came out of a step.
func (sh *shell) show(ev execution.Event) {
	switch {
	case ev.Chunk != nil && ev.Chunk.Stream == execution.Stderr:
		fmt.Fprint(sh.stderr, ev.Chunk.Text)
	case ev.Chunk != nil:
		fmt.Fprint(sh.stdout, ev.Chunk.Text)
	case ev.Progress != nil:
		fmt.Fprintf(sh.stderr, "%g of %g\n", ev.Progress.Done, ev.Progress.Total)
	case ev.Output != nil:
		fmt.Fprintln(sh.stdout, outputText(ev.Output))
	}
}

// outputText tells a rich output in text.
func outputText(o *execution.Output) string {
	switch {
	case o.Table != nil:
		return tableText(o.Table)
	case o.Artifact != nil:
		return fmt.Sprintf("[%s, %s, %d bytes]", o.Artifact.Name, o.Artifact.MIMEType, o.Artifact.SizeBytes)
	case o.MIME == execution.MIMEPlotly:
		return fmt.Sprintf("[chart %q, %d bytes of JSON]", o.Title, len(o.JSON))
	case o.MIME == execution.MIMEJSON:
		return string(o.JSON)
	}
	return o.Text
}
