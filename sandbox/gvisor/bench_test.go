package gvisor_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/kernel"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// firstOutput is what a person waits for first: a small table described.
const firstOutput = "print(pd.DataFrame({'a': [1, 2, 3]}).describe())"

// BenchmarkOpen measures a session from Open until it is ready, until its first
// pandas output, and the end of it.
func BenchmarkOpen(b *testing.B) {
	p := gvisortest.Provider(b)
	var ready, output, ended []time.Duration
	for b.Loop() {
		begun := time.Now()
		s, err := p.Open(b.Context(), execution.Spec{})
		if err != nil {
			b.Fatal(err)
		}
		ready = append(ready, time.Since(begun))
		prints(b, s, firstOutput)
		output = append(output, time.Since(begun))
		begun = time.Now()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		ended = append(ended, time.Since(begun))
	}
	quantiles(b, "ready", ready)
	quantiles(b, "pandas", output)
	quantiles(b, "close", ended)
}

// BenchmarkNative measures the same interpreter without any isolation, started
// cold with the libraries that a session has at hand, until the same output.
// What BenchmarkOpen's "pandas" is to be compared with.
func BenchmarkNative(b *testing.B) {
	tree := gvisortest.Tree(b)
	program := filepath.Join(b.TempDir(), "first.py")
	code := `import numpy as np, pandas as pd, plotly.express, plotly.graph_objects, matplotlib.pyplot, pyarrow.parquet, duckdb, openpyxl
` + firstOutput + "\n"
	if err := os.WriteFile(program, []byte(code), 0o644); err != nil {
		b.Fatal(err)
	}
	var output []time.Duration
	for b.Loop() {
		begun := time.Now()
		cmd := exec.CommandContext(b.Context(), filepath.Join(tree.Root, pyruntime.Interpreter), "-I", program)
		cmd.Env = kernel.Env(b.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("mean")) {
			b.Fatalf("%v: %s", err, out)
		}
		output = append(output, time.Since(begun))
	}
	quantiles(b, "pandas", output)
}

// BenchmarkStart measures what a service's second start waits for.
func BenchmarkStart(b *testing.B) {
	config := gvisortest.Config(b)
	gvisortest.New(b, config).Close()
	for b.Loop() {
		tree, err := pyruntime.Ensure(b.Context(), config.Dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		config.Tree = tree
		if err := gvisortest.New(b, config).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func quantiles(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	for _, q := range []int{50, 95} {
		at := took[min(len(took)*q/100, len(took)-1)]
		b.ReportMetric(float64(at.Microseconds())/1000, fmt.Sprintf("ms-%s-p%d", name, q))
	}
}
