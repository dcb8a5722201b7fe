// Package bench measures runs: what their events cost to deliver, beside other
// servers that are given the same to do, in one run, because on a shared machine
// only ratios within a run say much. It holds benchmarks only: `make bench-runs`
// runs them and prints the table of docs/runs.md.
package bench
