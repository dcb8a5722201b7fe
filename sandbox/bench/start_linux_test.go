package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/piped"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor"
)

// starts measures what precedes a first output, and what a session costs.
func (t *table) starts(b *testing.B) {
	ready, empty := provider(b, 2), provider(b, 0)
	// In turn: what else the machine does in these minutes falls on all alike.
	var cold, checkout, missed, ended spread
	lines := []struct {
		code           string
		warm           *warm
		warmed, pooled spread
	}{{code: leastOutput}, {code: firstOutput}}
	for i := range lines {
		lines[i].warm = startWarm(b, lines[i].code)
	}
	for range rounds {
		cold = append(cold, native(b))
		for range manyRounds / rounds {
			for i := range lines {
				line := &lines[i]
				awaitPool(b, ready)
				line.warmed = append(line.warmed, line.warm.say(b))
				begun := time.Now()
				s := open(b, ready)
				checkout = append(checkout, time.Since(begun))
				line.pooled = append(line.pooled, firstSays(b, s, line.code).Sub(begun))
				awaitPool(b, ready) // or the refill would be measured with the rest
				ended = append(ended, end(b, s))
			}
		}
		begun := time.Now()
		s := open(b, empty)
		missed = append(missed, firstSays(b, s, firstOutput).Sub(begun))
		ended = append(ended, end(b, s))
	}
	for _, line := range lines {
		if err := line.warm.end(); err != nil {
			b.Error(err)
		}
	}
	t.cold = cold.at(0.5)
	to := t.native(b)
	t.add(b, "native Python, cold, no isolation, to the first pandas output", cold, against{}, goal{})
	t.add(b, "ready session (pool), handed out", checkout, to, goal{})
	for i, what := range []string{"a sum", "a table described"} {
		t.add(b, "native Python that has done the same before, to the output: "+what, lines[i].warmed, to, goal{})
		t.add(b, "ready session (pool), to the first pandas output: "+what, lines[i].pooled, to, goal{p50: 3 * time.Millisecond, p95: 10 * time.Millisecond})
	}
	t.add(b, "no session ready, to the first pandas output", missed, to, goal{p50: 260 * time.Millisecond})
	t.atOnce(b, empty, to)
	t.add(b, "ending a session", ended, against{}, goal{p50: 50 * time.Millisecond})
	if err := ready.Close(); err != nil {
		b.Error(err)
	}
	t.memory(b, empty)
}

// firstSays runs code and returns when its output came.
func firstSays(b *testing.B, s execution.Session, code string) (at time.Time) {
	b.Helper()
	result, err := s.Run(b.Context(), code, execution.Listener(func(e execution.Event) {
		if e.Chunk != nil && at.IsZero() {
			at = time.Now()
		}
	}))
	if err != nil || result.Failure != nil || at.IsZero() {
		b.Fatalf("printed nothing: %v, %+v", err, result.Failure)
	}
	return at
}

// warm is a native process that has its libraries loaded, and runs a line whenever it
// is told to, without isolation.
type warm struct {
	in  io.Writer
	out *bufio.Reader
	end func() error
}

func startWarm(b *testing.B, code string) *warm {
	b.Helper()
	cmd := command(b, "-I", "-c", imports+"import sys\nfor _ in sys.stdin:\n    "+code+"\n    print('.', flush=True)")
	w := &warm{}
	w.in, w.out, w.end = piped.Start(b, cmd)
	w.say(b) // the first one is not measured: sessions of the pool have done it, too
	return w
}

// say is from asking for the line's output to all of it.
func (w *warm) say(b *testing.B) time.Duration {
	b.Helper()
	begun := time.Now()
	if _, err := io.WriteString(w.in, "\n"); err != nil {
		b.Fatal(err)
	}
	for {
		line, err := w.out.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		if line == ".\n" {
			return time.Since(begun)
		}
	}
}

// atOnce measures twenty people who come in the same moment, none of them
// expected.
func (t *table) atOnce(b *testing.B, p *gvisor.Provider, to against) {
	const people = 20
	took := make(spread, people)
	var all sync.WaitGroup
	begun := time.Now()
	for i := range people {
		all.Go(func() {
			s, err := p.Open(b.Context(), execution.Spec{Owner: strconv.Itoa(i)})
			if err != nil {
				b.Error(err)
				return
			}
			result, err := s.Run(b.Context(), firstOutput, execution.Host{})
			if err != nil || result.Failure != nil {
				b.Error(err, result.Failure)
			}
			took[i] = time.Since(begun)
			end(b, s)
		})
	}
	all.Wait()
	t.add(b, "20 sessions at once, none ready, to the first pandas output of each", took, to, goal{})
}

// memory tells what a session that has done its first step takes.
func (t *table) memory(b *testing.B, p *gvisor.Provider) {
	const sessions = 4
	var own int64
	before := resident(b)
	for range sessions {
		s := open(b, p)
		defer end(b, s)
		says(b, s, firstOutput)
		bytes, _ := s.(sandbox.Snapshotter).MemoryBytes()
		own += bytes
	}
	t.note("memory of a warm session: what counts toward its limit", fmt.Sprintf("%d MB", own/sessions/1e6), "")
	t.note("memory of a warm session: of the machine, all its processes (PSS)", fmt.Sprintf("%d MB", (resident(b)-before)/sessions/1e6), "")
}

// resident adds up the memory of this process's descendants, shared pages in
// equal parts, in bytes.
func resident(b *testing.B) int64 {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	parents := map[int]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	var total int64
	for pid := range parents {
		ancestor := parents[pid]
		for ancestor > 1 && ancestor != os.Getpid() {
			ancestor = parents[ancestor]
		}
		if ancestor != os.Getpid() {
			continue
		}
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(rollup)) {
			if value, ok := strings.CutPrefix(line, "Pss:"); ok {
				kib, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				total += kib << 10
			}
		}
	}
	return total
}
