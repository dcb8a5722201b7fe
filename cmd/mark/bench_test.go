package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/datasets/samples"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/piped"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// rounds is how often each thing is measured: enough for a 95th percentile on a
// machine that others use too.
const rounds = 20

// spread is a series of measurements.
type spread []time.Duration

func (s spread) at(p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[int(math.Ceil(p*float64(len(sorted))))-1]
}

// report writes a line of the table.
func (s spread) report(b *testing.B, what string, against time.Duration) {
	b.Helper()
	s.line(b, what, 95, against)
}

// reportTail is report for enough measurements that their 99th percentile means
// something.
func (s spread) reportTail(b *testing.B, what string, against time.Duration) {
	b.Helper()
	s.line(b, what, 99, against)
}

func (s spread) line(b *testing.B, what string, tail int, against time.Duration) {
	b.Helper()
	ratio := ""
	if against > 0 {
		ratio = fmt.Sprintf("  %.2f x", float64(s.at(0.5))/float64(against))
	}
	middle, end := milliseconds(s.at(0.5)), milliseconds(s.at(float64(tail)/100))
	fmt.Printf("%-58s p50 %8.1f ms  p%d %8.1f ms%s\n", what, middle, tail, end, ratio)
	b.ReportMetric(middle, "p50-ms")
	b.ReportMetric(end, fmt.Sprintf("p%d-ms", tail))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func measure(n int, once func() time.Duration) spread {
	var s spread
	for range n {
		s = append(s, once())
	}
	return s
}

// BenchmarkSession is what a session costs, beside a native Python that starts
// cold with the same imports.
func BenchmarkSession(b *testing.B) {
	provider := gvisortest.Provider(b)
	line := `print(pd.DataFrame({"a": [1, 2]}).a.sum())`
	var opened, first spread
	for range rounds {
		began := time.Now()
		session, err := provider.Open(b.Context(), execution.Spec{})
		if err != nil {
			b.Fatal(err)
		}
		opened = append(opened, time.Since(began))
		result, err := session.Run(b.Context(), line, execution.Host{})
		if err != nil || result.Failure != nil {
			b.Fatal(err, result.Failure)
		}
		first = append(first, time.Since(began))
		if err := session.Close(); err != nil {
			b.Fatal(err)
		}
	}
	tree := gvisortest.Tree(b)
	cold := measure(rounds, func() time.Duration {
		began := time.Now()
		cmd := exec.CommandContext(b.Context(), tree.Root+pyruntime.Interpreter, "-I", "-c",
			"import numpy, pandas as pd, plotly.express, matplotlib.pyplot, pyarrow.parquet, duckdb, openpyxl\n"+line)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		return time.Since(began)
	})
	cold.report(b, "native Python, cold, to the first line of pandas", 0)
	opened.report(b, "session restored and ready", cold.at(0.5))
	first.report(b, "session restored, to the first line of pandas", cold.at(0.5))
}

// BenchmarkQuestion is a whole question, from sendMessage to the stored answer,
// beside its Python alone in a native process that is warm already.
func BenchmarkQuestion(b *testing.B) {
	s := start(b, "", nil)
	ada := s.signUp("ada@example.org")
	data := ada.sample("penguins")
	run := ""
	whole := measure(rounds, func() time.Duration {
		began := time.Now()
		_, run = ada.ask("", "What is the mean body mass by species?", data)
		ada.follow(run, 0)
		return time.Since(began)
	})
	native := warmNative(b, programOf(ada, run))
	native.report(b, "its Python in a warm native process", 0)
	whole.report(b, "question to answer, offline analyst, new session each", native.at(0.5))
}

// programOf is the Python of a run.
func programOf(p *person, run string) string {
	steps, _ := p.run(run).at("node", "steps").([]any)
	for _, step := range steps {
		if code, ok := dig(p.t, step, "code").(string); ok && code != "" {
			return code
		}
	}
	p.t.Fatal("the run has no Python")
	return ""
}

func warmNative(b *testing.B, program string) spread {
	b.Helper()
	dir := b.TempDir()
	for _, sample := range samples.All() {
		content, err := sample.Open()
		if err != nil {
			b.Fatal(err)
		}
		file, err := os.Create(filepath.Join(dir, sample.File))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(file, content); err != nil {
			b.Fatal(err)
		}
		content.Close()
		file.Close()
	}
	source := filepath.Join(dir, "program.py")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		b.Fatal(err)
	}
	script, err := filepath.Abs("testdata/warm.py")
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), gvisortest.Tree(b).Root+pyruntime.Interpreter, "-I", script)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, out, end := piped.Start(b, cmd)
	lines := bufio.NewScanner(out)
	lines.Scan()
	took := measure(rounds, func() time.Duration {
		fmt.Fprintln(in, source)
		if !lines.Scan() {
			b.Fatal("the native process ended")
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(lines.Text()), 64)
		if err != nil {
			b.Fatal(err)
		}
		return time.Duration(seconds * float64(time.Second))
	})
	if err := end(); err != nil {
		b.Fatal(err)
	}
	return took
}
