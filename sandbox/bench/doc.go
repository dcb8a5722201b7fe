// Package bench measures the sandbox: what a person waits for, beside the same
// Python without isolation and beside other ways to run a model's code, all in
// one run, because only ratios within a run say much on a shared machine. It
// holds benchmarks only: `make bench-sandbox` runs them and prints the table of
// docs/sandbox.md.
package bench
