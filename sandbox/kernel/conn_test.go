package kernel

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// peer plays a kernel, honest or not.
type peer struct {
	t   *testing.T
	in  io.Reader
	out io.WriteCloser
}

// connect returns a Conn that is ready, and its peer.
func connect(t *testing.T, o Options) (*Conn, *peer) {
	t.Helper()
	fromKernel, out := io.Pipe()
	in, toKernel := io.Pipe()
	if o.ArtifactDir == "" {
		o.ArtifactDir = t.TempDir()
	}
	c := New(fromKernel, toKernel, o)
	p := &peer{t, in, out}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	ready := make(chan error, 1)
	go func() { ready <- c.Ready(t.Context()) }()
	s := p.read(frameStart)
	p.send(frame{frameReady, s.sentinel, []byte(`{"protocol":2,"python":"3"}`)})
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	return c, p
}

// read reads a frame of the host's.
func (p *peer) read(kind frameType) frame {
	p.t.Helper()
	var header [headerSize]byte
	if _, err := io.ReadFull(p.in, header[:]); err != nil {
		p.t.Errorf("reading %q: %v", byte(kind), err)
		return frame{}
	}
	f := frame{kind: frameType(header[4]), payload: make([]byte, binary.BigEndian.Uint32(header[:4]))}
	copy(f.sentinel[:], header[5:])
	if _, err := io.ReadFull(p.in, f.payload); err != nil || f.kind != kind {
		p.t.Errorf("read %q (%v), want %q", byte(f.kind), err, byte(kind))
	}
	return f
}

func (p *peer) send(frames ...frame) {
	for _, f := range frames {
		// A Conn that has given up does not read on.
		_, _ = p.out.Write(appendFrame(nil, f))
	}
}

// run runs one step against what answer sends with the step's sentinel, after
// the facts with which every step begins.
func run(t *testing.T, c *Conn, p *peer, answer func(s sentinel)) (events []execution.Event, result execution.Result, err *execution.Error) {
	t.Helper()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		s := p.read(frameExecute).sentinel
		p.send(factsFrame(s))
		answer(s)
	}()
	result, e := c.Run(t.Context(), "code", execution.Listener(func(e execution.Event) { events = append(events, e) }))
	if e != nil && !errors.As(e, &err) {
		t.Fatalf("Run's error is a %T", e)
	}
	if err != nil && err.Fatal {
		c.Close()
		p.out.Close()
	}
	<-answered
	return events, result, err
}

func factsFrame(s sentinel) frame { return frame{frameFacts, s, []byte(`{"parsed":true}`)} }

func doneFrame(s sentinel) frame {
	return frame{frameDone, s, []byte(`{"truncated":false,"stopped":""}`)}
}

func TestAStep(t *testing.T) {
	c, p := connect(t, Options{})
	events, result, err := run(t, c, p, func(s sentinel) {
		p.send(
			frame{frameStdout, s, []byte("a\x00")},
			frame{frameOutput, s, []byte(`{"mimeType":"text/plain","text":"2"}`)},
			frame{frameArtifact, s, []byte(`{"name":"../../x.csv","kind":"file"}`)},
			frame{frameBytes, s, []byte("a,b\n")},
			frame{frameStderr, s, []byte("w")},
			frame{frameBytes, s, []byte("1,2\n")},
			frame{frameFileEnd, s, nil},
			frame{frameDone, s, []byte(`{"failure":{"name":"E","message":"m\u001b","traceback":"t"},"truncated":true,"stopped":""}`)},
		)
	})
	if err != nil || len(events) != 4 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if events[0].Chunk.Text != "a\uFFFD" || events[1].Output.Text != "2" || events[2].Chunk.Stream != execution.Stderr {
		t.Errorf("events %+v", events)
	}
	a := events[3].Output.Artifact
	if a.Name != "x.csv" || a.MIMEType != "text/csv" || a.SizeBytes != 8 {
		t.Errorf("artifact %+v", a)
	}
	if result.Failure.Message != "m" || !result.Truncated {
		t.Errorf("result %+v, %+v", result, result.Failure)
	}
}

// TestFramesThatEndTheSession sends what no kernel would. Each must end the
// session with CodeProtocol, at once and for good.
func TestFramesThatEndTheSession(t *testing.T) {
	text := func(kind frameType, payload string) func(sentinel) []frame {
		return func(s sentinel) []frame { return []frame{{kind, s, []byte(payload)}} }
	}
	table := func(s string) func(sentinel) []frame {
		return text(frameOutput, `{"mimeType":"application/vnd.mark.table+json","table":`+s+`}`)
	}
	for name, frames := range map[string]func(s sentinel) []frame{
		"another sentinel":         func(s sentinel) []frame { s[0]++; return []frame{doneFrame(s)} },
		"no sentinel":              func(sentinel) []frame { return []frame{doneFrame(sentinel{})} },
		"ready again":              text(frameReady, `{"protocol":2,"python":"3"}`),
		"warm in a step":           text(frameWarm, `{"protocol":2,"python":"3"}`),
		"a chunk of no UTF-8":      text(frameStdout, "\xff"),
		"output that is no JSON":   text(frameOutput, "{]"),
		"two JSON values":          text(frameOutput, `{"mimeType":"text/plain","text":"a"} {}`),
		"an unknown field":         text(frameOutput, `{"mimeType":"text/plain","text":"a","html":"<b>"}`),
		"an unknown type":          text(frameOutput, `{"mimeType":"text/html","text":"a"}`),
		"a file as an output":      text(frameOutput, `{"mimeType":"image/png"}`),
		"a figure that is a list":  text(frameOutput, `{"mimeType":"application/vnd.plotly.v1+json","json":[]}`),
		"a text with JSON":         text(frameOutput, `{"mimeType":"text/plain","text":"a","json":{}}`),
		"a table of no table":      text(frameOutput, `{"mimeType":"application/vnd.mark.table+json"}`),
		"a ragged table":           table(`{"columns":["a","b"],"rows":[[1]],"rowCount":1,"truncated":false}`),
		"a cell that is a list":    table(`{"columns":["a"],"rows":[[[1]]],"rowCount":1,"truncated":false}`),
		"more rows than there are": table(`{"columns":["a"],"rows":[[1],[2]],"rowCount":1,"truncated":false}`),
		"a table of many rows":     table(`{"columns":[],"rows":[` + strings.Repeat("[],", 50) + `[]],"rowCount":60,"truncated":false}`),
		"an endless cell":          table(`{"columns":["a"],"rows":[["` + strings.Repeat("x", maxCell+1) + `"]],"rowCount":1,"truncated":false}`),
		"an artifact's bytes":      text(frameBytes, "x"),
		"an artifact's end":        text(frameFileEnd, ""),
		"an artifact of no kind":   text(frameArtifact, `{"name":"a","kind":"link"}`),
		"an artifact in another": func(s sentinel) []frame {
			a := frame{frameArtifact, s, []byte(`{"name":"a","kind":"file"}`)}
			return []frame{a, a}
		},
		"an end in an artifact": func(s sentinel) []frame {
			return []frame{{frameArtifact, s, []byte(`{"name":"a","kind":"file"}`)}, doneFrame(s)}
		},
		"an image that is none": func(s sentinel) []frame {
			return []frame{
				{frameArtifact, s, []byte(`{"name":"a.png","kind":"image"}`)},
				{frameBytes, s, []byte("<svg onload=alert(1)>")}, {frameFileEnd, s, nil},
			}
		},
		"an artifact beyond its limit": func(s sentinel) []frame {
			return []frame{{frameArtifact, s, []byte(`{"name":"a","kind":"file"}`)}, {frameBytes, s, make([]byte, 101)}}
		},
		"stopped by nobody":           text(frameDone, `{"truncated":false,"stopped":"interrupt"}`),
		"stopped by somebody unknown": text(frameDone, `{"truncated":false,"stopped":"moon"}`),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, p := connect(t, Options{ArtifactDir: dir, Limits: execution.Limits{ArtifactBytes: 100}})
			_, _, err := run(t, c, p, func(s sentinel) { p.send(frames(s)...) })
			if err == nil || err.Code != execution.CodeProtocol || !err.Fatal {
				t.Fatalf("the step ended with %v", err)
			}
			if _, again := c.Run(t.Context(), "1", execution.Host{}); !errors.Is(again, err) {
				t.Errorf("the next Run ended with %v", again)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("%d files are left", len(left))
			}
		})
	}
}

func TestAStepHoldsNoMoreThanItMay(t *testing.T) {
	limits := execution.Limits{OutputBytes: 10, Outputs: 2, Artifacts: 1}
	one := frame{kind: frameOutput, payload: []byte(`{"mimeType":"text/plain","text":"x"}`)}
	t.Run("what is over is dropped", func(t *testing.T) {
		c, p := connect(t, Options{Limits: limits})
		events, result, err := run(t, c, p, func(s sentinel) {
			one.sentinel = s
			p.send(frame{frameStdout, s, []byte("12345678é9")}, frame{frameStderr, s, []byte("more")}, one, one, one)
			for range 2 {
				p.send(frame{frameArtifact, s, []byte(`{"name":"a","kind":"file"}`)}, frame{frameBytes, s, []byte("x")}, frame{frameFileEnd, s, nil})
			}
			p.send(doneFrame(s))
		})
		if err != nil || len(events) != 4 || events[0].Chunk.Text != "12345678é" || !result.Truncated {
			t.Fatalf("%d events, truncated %v, %v", len(events), result.Truncated, err)
		}
	})
	t.Run("too many frames are no kernel's", func(t *testing.T) {
		c, p := connect(t, Options{Limits: limits})
		_, _, err := run(t, c, p, func(s sentinel) {
			chunk := appendFrame(nil, frame{frameStdout, s, []byte("x")})
			var many []byte
			for range 1000 {
				many = append(many, chunk...)
			}
			for range maxFrames/1000 + 1 {
				if _, err := p.out.Write(many); err != nil {
					return
				}
			}
		})
		if err == nil || err.Code != execution.CodeProtocol {
			t.Fatalf("the step ended with %v", err)
		}
	})
}

func TestTheKernelGoes(t *testing.T) {
	c, p := connect(t, Options{})
	_, _, err := run(t, c, p, func(s sentinel) {
		p.send(frame{frameStdout, s, []byte("x")})
		p.out.Close()
	})
	if err == nil || err.Code != execution.CodeDied || !err.Fatal {
		t.Fatalf("the step ended with %v", err)
	}
}

func TestFailWins(t *testing.T) {
	c, p := connect(t, Options{})
	_, _, err := run(t, c, p, func(sentinel) {
		c.Fail(&execution.Error{Code: execution.CodeMemory, Message: "too much", Fatal: true})
		p.out.Close()
	})
	if err == nil || err.Code != execution.CodeMemory {
		t.Fatalf("the step ended with %v", err)
	}
}

func TestInterruptsAreRepeatedUntilTheGraceIsOver(t *testing.T) {
	c, p := connect(t, Options{Limits: execution.Limits{StepTime: time.Millisecond}, Grace: time.Second})
	_, _, err := run(t, c, p, func(s sentinel) {
		for range 2 {
			if f := p.read(frameInterrupt); f.sentinel != s {
				t.Errorf("an interrupt for another step")
			}
		}
	})
	if err == nil || err.Code != execution.CodeTimeout || !err.Fatal {
		t.Fatalf("the step ended with %v", err)
	}
}

func TestACancelledStepThatEndedAnyway(t *testing.T) {
	c, p := connect(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		s := p.read(frameExecute).sentinel
		p.send(factsFrame(s))
		cancel()
		p.read(frameInterrupt)
		p.send(doneFrame(s))
	}()
	_, err := c.Run(ctx, "1", execution.Host{})
	var e *execution.Error
	if !errors.As(err, &e) || e.Code != execution.CodeCancelled || e.Fatal {
		t.Fatalf("the step ended with %v", err)
	}
}

// A step that still takes an artifact when its session is closed leaves no file behind.
func TestArtifactsWhileTheSessionIsClosed(t *testing.T) {
	dir := t.TempDir()
	s := newStore(dir)
	var step sync.WaitGroup
	step.Go(func() {
		for range 100 {
			f, err := s.create()
			if err != nil {
				return
			}
			f.Close()
		}
	})
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	step.Wait()
	if _, err := s.create(); err == nil {
		t.Error("a file was made after the end")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestReady(t *testing.T) {
	hello := func(protocol int) []byte {
		b, _ := json.Marshal(hello{protocol, "3"})
		return b
	}
	for name, test := range map[string]struct {
		answer func(s sentinel) []frame
		ok     bool
	}{
		"ready":            {func(s sentinel) []frame { return []frame{{frameReady, s, hello(2)}} }, true},
		"warm, then ready": {func(s sentinel) []frame { return []frame{{frameWarm, sentinel{}, hello(2)}, {frameReady, s, hello(2)}} }, true},
		"warm twice": {func(s sentinel) []frame {
			return []frame{{frameWarm, sentinel{}, hello(2)}, {frameWarm, sentinel{}, hello(2)}}
		}, false},
		"another protocol": {func(s sentinel) []frame { return []frame{{frameReady, s, hello(1)}} }, false},
		"another sentinel": {func(s sentinel) []frame { return []frame{{frameReady, sentinel{}, hello(2)}} }, false},
		"a step's frame":   {func(s sentinel) []frame { return []frame{{frameStdout, s, []byte("x")}} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			fromKernel, out := io.Pipe()
			in, toKernel := io.Pipe()
			c := New(fromKernel, toKernel, Options{ArtifactDir: t.TempDir()})
			p := &peer{t, in, out}
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				p.send(test.answer(p.read(frameStart).sentinel)...)
			}()
			err := c.Ready(t.Context())
			if (err == nil) != test.ok {
				t.Errorf("Ready gave %v", err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			<-answered
		})
	}
}
