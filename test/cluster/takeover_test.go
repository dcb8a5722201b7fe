package cluster_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mark-analyst/mark/test/cluster"
)

// takeovers is how often a node is killed.
const takeovers = 9

// BenchmarkTakeover is from the death of a node (kill -9) to the first event that
// another one writes to the run that went on there. The lease is six seconds.
func BenchmarkTakeover(b *testing.B) {
	c, _ := begin(b, 2)
	ada := signUp(b, c.Balancer.URL())
	dataset := ada.sample()
	var took []time.Duration
	for i := range takeovers {
		dies, lives := c.Nodes[i%2], c.Nodes[1-i%2]
		there, here := *ada, *ada
		there.url, here.url = dies.URL(), lives.URL()
		run := there.runs(dataset, counting)
		took = append(took, takeover(b, dies, here, run))
		here.do(`mutation($id: ID!) { stopRun(input: {runId: $id}) { run { id } } }`, vars{"id": run}, "stopRun")
		here.becomes("Run", run, "CANCELLED", "SUCCEEDED", "FAILED")
		if err := dies.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	fmt.Printf("a node's death to the next event of its run       p50 %8.1f s   most %8.1f s\n", took[takeovers/2].Seconds(), took[takeovers-1].Seconds())
	b.ReportMetric(took[takeovers/2].Seconds(), "p50-s")
}

func takeover(b *testing.B, dies *cluster.Node, here client, run string) time.Duration {
	b.Helper()
	if err := dies.Kill(); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	here.reaches(run, here.reaches(run, 0)+1) // the dead write nothing
	return time.Since(began)
}
