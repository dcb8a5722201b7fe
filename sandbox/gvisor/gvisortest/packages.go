package gvisortest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// Packages installs what a requirements file pins beside the runtime, for what
// benchmarks compare with, and returns the folder. It is kept below MARK_BENCH_DIR,
// else data/bench of the repository. Put it behind the runtime's own packages on
// the path, so that all have the same libraries of an analysis.
func Packages(t testing.TB, requirements string) string {
	t.Helper()
	pins, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	tree := Tree(t)
	dir := os.Getenv("MARK_BENCH_DIR")
	if dir == "" {
		dir = filepath.Join(repository(t), "data", "bench")
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, fmt.Sprintf("peers-%.16x", sha256.Sum256(append(pins, tree.Key...))))
	if _, err := os.Stat(at); err == nil {
		return at
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp(dir, "making-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	fmt.Println("  installing the others from the Python package index")
	pip, err := pyruntime.Pip(t.Context(), temp)
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(temp, "installed")
	cmd := exec.CommandContext(t.Context(), filepath.Join(tree.Root, pyruntime.Interpreter), "-I", pip, "install", "--quiet",
		"--no-input", "--root-user-action", "ignore", "--only-binary", ":all:", "--target", target, "-r", requirements)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(target, at); err != nil {
		t.Fatal(err)
	}
	return at
}
