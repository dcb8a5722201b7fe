package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fakellm"
)

// manyRuns is how many wait at once.
const manyRuns = 50

// memory is what the process holds, bytes.
type memory struct{ heap, resident int64 }

// BenchmarkAgentMemory is what a run takes while it waits in the middle of the
// model's reply, beside a plain HTTP request that does.
func BenchmarkAgentMemory(b *testing.B) {
	reply := frames(b, fakellm.Text("The first words, and the last."))
	var hold chan struct{}
	arrived := make(chan struct{}, 2*manyRuns)
	e := newEndpoint(b, func() scripted { arrived <- struct{}{}; return scripted{reply, hold} })
	s := start(b, "", func(c *Config, p *Parts) {
		e.use(c)
		p.Sandbox = absent{}
		c.Limits.ConcurrentRuns, c.Limits.RunsPerUser = manyRuns, manyRuns
	})
	ada := s.signUp("ada@example.org")
	// wave has n runs wait, looks at the memory, and lets them end.
	wave := func(n int) memory {
		hold = make(chan struct{})
		var runs []string
		for range n {
			_, run := ada.ask("", "hello")
			runs = append(runs, run)
			<-arrived
			time.Sleep(pace)
		}
		held := memoryNow(b)
		close(hold)
		for _, run := range runs {
			ada.follow(run, 0)
			time.Sleep(pace)
		}
		e.taken()
		return held
	}
	plain := func(n int) memory {
		hold = make(chan struct{})
		var waiting sync.WaitGroup
		client := &http.Client{Transport: &http.Transport{}}
		for range n {
			waiting.Go(func() { e.send(b, client, []byte(`{"messages":[]}`)) })
			<-arrived
		}
		held := memoryNow(b)
		close(hold)
		waiting.Wait()
		client.CloseIdleConnections()
		e.taken()
		return held
	}
	wave(manyRuns) // what is made once is made
	none := wave(0)
	one := wave(1)
	many := wave(manyRuns)
	after := wave(0)
	requests := plain(manyRuns)
	each := func(m, base memory, n int64) string {
		return fmt.Sprintf("heap %8.1f KiB  resident %8.1f KiB", float64(m.heap-base.heap)/float64(n)/1024, float64(m.resident-base.resident)/float64(n)/1024)
	}
	fmt.Printf("%-58s %s\n", "memory of the service without a run, clients included", each(none, memory{}, 1))
	fmt.Printf("%-58s %s\n", fmt.Sprintf("  a plain request that waits, of %d", manyRuns), each(requests, after, manyRuns))
	fmt.Printf("%-58s %s\n", "  a run that waits for the model, alone", each(one, none, 1))
	fmt.Printf("%-58s %s\n", fmt.Sprintf("  a run that waits for the model, of %d", manyRuns), each(many, none, manyRuns))
	b.ReportMetric(float64(many.heap-none.heap)/manyRuns, "heap-bytes/run")
}

// memoryNow is what is held when garbage is given back.
func memoryNow(b *testing.B) memory {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var size, resident int64
	if _, err := fmt.Fscan(strings.NewReader(string(raw)), &size, &resident); err != nil {
		b.Fatal(err)
	}
	return memory{int64(m.HeapAlloc + m.StackInuse), resident * int64(os.Getpagesize())}
}
