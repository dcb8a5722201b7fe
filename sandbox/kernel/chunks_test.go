package kernel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// A program that writes frames itself makes each letter a frame of its own, and
// changes the stream with each. It must not make as many events.
func TestAFloodOfSmallFramesIsGathered(t *testing.T) {
	const letters = 20_000
	c, p := connect(t, Options{})
	began := time.Now()
	events, _, err := run(t, c, p, func(s sentinel) {
		var b []byte
		for range letters / 2 {
			b = appendFrame(b, frame{frameStdout, s, []byte("a")})
			b = appendFrame(b, frame{frameStderr, s, []byte("b")})
		}
		_, _ = p.out.Write(b) // a Conn that has given up does not read on
		p.send(doneFrame(s))
	})
	if err != nil {
		t.Fatal(err)
	}
	text := map[execution.Stream]string{}
	for _, e := range events {
		text[e.Chunk.Stream] += e.Chunk.Text
	}
	if text[execution.Stdout] != strings.Repeat("a", letters/2) || text[execution.Stderr] != strings.Repeat("b", letters/2) {
		t.Errorf("%d and %d letters came", len(text[execution.Stdout]), len(text[execution.Stderr]))
	}
	// Two streams each time that it is time, or that enough is there; and at the end.
	if most := 2 * (int(time.Since(began)/gatherTime) + letters/gatherBytes + 2); len(events) > most {
		t.Errorf("%d events, want %d at most", len(events), most)
	}
}

// What waits is handed on without more to come, and before what comes after it.
func TestWhatIsGatheredDoesNotWaitForMore(t *testing.T) {
	c, p := connect(t, Options{})
	came := make(chan string, 10)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		s := p.read(frameExecute).sentinel
		p.send(factsFrame(s), frame{frameStdout, s, []byte("a")}, frame{frameStdout, s, []byte("b")})
		for got := ""; got != "ab"; {
			got += <-came // the step ends only after
		}
		p.send(frame{frameStderr, s, []byte("c")}, frame{frameOutput, s, []byte(`{"mimeType":"text/plain","text":"d"}`)}, doneFrame(s))
	}()
	_, err := c.Run(t.Context(), "1", execution.Listener(func(e execution.Event) {
		if e.Chunk != nil {
			came <- e.Chunk.Text
		} else {
			came <- e.Output.Text
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-answered
	if c, d := <-came, <-came; c+d != "cd" {
		t.Errorf("then came %q, %q", c, d)
	}
}

func TestProgressIsToldAtABoundedRate(t *testing.T) {
	c, p := connect(t, Options{})
	began := time.Now()
	events, _, err := run(t, c, p, func(s sentinel) {
		for n := range 5_000 {
			p.send(frame{frameProgress, s, fmt.Appendf(nil, `{"done":%d,"total":%d}`, n, n)})
		}
		p.send(doneFrame(s))
	})
	if err != nil {
		t.Fatal(err)
	}
	if most := int(time.Since(began)/progressEvery) + 2; len(events) > most {
		t.Errorf("told %d times, want %d at most", len(events), most)
	}
	if last := events[len(events)-1].Progress; last.Done != 4_999 {
		t.Errorf("the last word is %+v", last)
	}
}

// A flood must not keep the time limit, or whoever stops the step, from being
// heard.
func TestAFloodIsInterruptedInTime(t *testing.T) {
	c, p := connect(t, Options{Limits: execution.Limits{StepTime: 50 * time.Millisecond, OutputBytes: 1 << 30}, Grace: time.Minute})
	interrupted := make(chan sentinel, 1)
	_, _, err := run(t, c, p, func(s sentinel) {
		go func() { interrupted <- p.read(frameInterrupt).sentinel }()
		chunk := frame{frameStdout, s, []byte(strings.Repeat("x", 1000))}
		for {
			select {
			case got := <-interrupted:
				if got != s {
					t.Error("another step was interrupted")
				}
				p.send(frame{frameDone, s, []byte(`{"truncated":false,"stopped":"interrupt"}`)})
				return
			default:
				p.send(chunk)
			}
		}
	})
	if err == nil || err.Code != execution.CodeTimeout || err.Fatal {
		t.Fatalf("the step ended with %v", err)
	}
}
