// Command faults breaks a cluster of Mark in every way that it is meant to survive,
// while people ask questions and follow their runs, and looks for what was lost,
// doubled, repeated or late. It ends by itself, prints a table, and fails where
// there is anything to find.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// slowCourse makes runs of about a quarter of a minute.
func slowCourse() course {
	return course{tools: []string{toolList, toolPython, toolPython}, words: 25, pace: 120 * time.Millisecond}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := settings{nodes: 3, people: 4, course: slowCourse()}
	var only, output string
	var teeth bool
	flag.StringVar(&s.binary, "mark", "", "the program mark, built with the tag faults; empty: it is built")
	flag.StringVar(&s.launcher, "launcher", "bin/mark-sandbox", "the program mark-sandbox")
	flag.StringVar(&s.sandbox, "sandbox", "data/sandbox", "folder of the Python runtime and the checkpoint")
	flag.StringVar(&only, "only", "", "only the faults whose names match")
	flag.StringVar(&output, "output", "", "a file for what the nodes print")
	flag.BoolVar(&teeth, "teeth", false, "take each defence away: the fault that it is against must be found to do harm")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().Unix()), "of what happens at random")
	flag.Parse()
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mark-faults-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if s.binary == "" {
		if s.binary, err = build(ctx, folder); err != nil {
			return err
		}
	}
	if output != "" {
		file, err := os.Create(output)
		if err != nil {
			return err
		}
		defer file.Close()
		s.output = file
	}
	fmt.Printf("seed %d\n", s.seed)
	if teeth {
		return showTeeth(ctx, s, pattern)
	}
	a, err := newArena(ctx, s)
	if err != nil {
		return err
	}
	failed := 0
	t := newTable(os.Stdout)
	for _, f := range faults() {
		if !pattern.MatchString(f.name) || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		found, err := a.round(ctx, f)
		if !t.row(f.name, found, err, time.Since(began)) {
			failed++
		}
	}
	if err := a.close(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d faults did harm", failed)
	}
	return ctx.Err()
}

// build makes a mark that can be made to fail.
func build(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "mark")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "faults", "-buildvcs=false", "-o", path, "github.com/mark-analyst/mark/cmd/mark")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build mark: %w\n%s", err, out)
	}
	return path, nil
}
