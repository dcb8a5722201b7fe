package bench_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/kernel"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

const (
	// rounds is how often a thing that takes long is measured, manyRounds one
	// that does not.
	rounds     = 12
	manyRounds = 24

	patience = time.Minute

	// imports are the libraries that a session has at hand.
	imports = "import numpy as np, pandas as pd, plotly.express, plotly.graph_objects, matplotlib.pyplot, pyarrow.parquet, duckdb, openpyxl\n"
	// firstOutput is what a person waits for first: a small table described.
	firstOutput = "print(pd.DataFrame({'a': [1, 2, 3]}).describe())"
	// leastOutput is a line of pandas that takes next to no time itself.
	leastOutput = "print(pd.Series([1, 2, 3]).sum())"
	// bigFrame makes variables that are worth keeping.
	bigFrame = `rng = np.random.default_rng(1)
big = pd.DataFrame({"k": rng.integers(0, 100, 1_000_000), "v": rng.normal(size=1_000_000), "w": rng.normal(size=1_000_000)})
print(len(big))`
)

// BenchmarkSandbox prints the one table. A part of it alone: -bench Sandbox/work.
func BenchmarkSandbox(b *testing.B) {
	// Set in some shells; it makes a cold start of the other side twice as slow.
	os.Unsetenv("PYTHONDONTWRITEBYTECODE")
	home = b.TempDir()
	native(b) // fills the caches of home, and the machine's of files
	t := &table{}
	for _, part := range []struct {
		name string
		add  func(*testing.B)
	}{{"starts", t.starts}, {"keeping", t.keeping}, {"work", t.work}, {"others", t.others}, {"attacks", t.attacks}} {
		b.Run(part.name, part.add)
	}
	t.print()
}

// niceness is that of sessions. What they are compared with has the same: what is
// to be seen is the isolation, not that sessions give way to the service.
const niceness = "5"

// home is the folder for temporary files of all that is not in a sandbox. One for
// all: matplotlib's list of fonts, which takes seconds to make, is kept there.
var home string

// command is a native process of the interpreter that sessions run.
func command(b *testing.B, args ...string) *exec.Cmd {
	b.Helper()
	python := filepath.Join(gvisortest.Tree(b).Root, pyruntime.Interpreter)
	cmd := exec.CommandContext(b.Context(), "nice", append([]string{"-n", niceness, python}, args...)...)
	cmd.Env = append(slices.DeleteFunc(kernel.Env(home), func(variable string) bool {
		return strings.HasPrefix(variable, "MALLOC_") // Python as everybody has it
	}), "PATH=/usr/bin:/bin")
	// As sessions are: the kernel may share processors out by terminal session.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// native is from nothing to the first pandas output, without isolation.
func native(b *testing.B) time.Duration {
	b.Helper()
	cmd := command(b, "-I", "-c", imports+firstOutput)
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("mean")) {
		b.Fatalf("%v: %s", err, out)
	}
	return time.Since(begun)
}

// provider returns one with a pool of the given size.
func provider(b *testing.B, pool int) *gvisor.Provider {
	b.Helper()
	config := gvisortest.Config(b)
	config.Sessions, config.Pool = 24, gvisor.Pool{Size: pool}
	p := gvisortest.New(b, config)
	b.Cleanup(func() {
		if err := p.Close(); err != nil { // a second Close is harmless
			b.Error(err)
		}
	})
	return p
}

func awaitPool(b *testing.B, p *gvisor.Provider) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	if err := p.AwaitPool(ctx); err != nil {
		b.Fatalf("waiting for ready sessions: %v", err)
	}
}

func open(b *testing.B, p *gvisor.Provider) execution.Session {
	b.Helper()
	s, err := p.Open(b.Context(), execution.Spec{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func end(b *testing.B, s execution.Session) time.Duration {
	b.Helper()
	begun := time.Now()
	if err := s.Close(); err != nil {
		b.Error(err)
	}
	return time.Since(begun)
}

// says runs code, which must print something, and returns what it printed.
func says(b *testing.B, s execution.Session, code string) string {
	b.Helper()
	var out strings.Builder
	result, err := s.Run(b.Context(), code, execution.Listener(func(e execution.Event) {
		if e.Chunk != nil {
			out.WriteString(e.Chunk.Text)
		}
	}))
	if err != nil {
		b.Fatal(err)
	}
	if result.Failure != nil || out.Len() == 0 {
		b.Fatalf("printed %q, failed with %+v", out.String(), result.Failure)
	}
	return out.String()
}

// testdata returns the absolute path of a file there.
func testdata(b *testing.B, name string) string {
	b.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		b.Fatal(err)
	}
	return path
}
