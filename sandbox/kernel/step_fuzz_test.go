package kernel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// script is what a fuzzed peer does in one step: a list of pieces, each a head
// of four bytes (type, manner, two of the length) and so many bytes.
const (
	mannerHonest = iota // a frame with the step's sentinel
	mannerForged        // with another
	mannerRaw           // no frame, just the bytes
	mannerLong          // a frame whose length says more than it has
	manners
)

// kinds are the types that a script's first byte chooses from.
var kinds = []frameType{
	frameStdout, frameStderr, frameOutput, frameArtifact, frameBytes, frameFileEnd, frameCall, frameProgress,
	frameDone, frameFacts, frameReady, frameWarm, frameExecute, 'Q',
}

func kindBytes() (all []byte) {
	for _, k := range kinds {
		all = append(all, byte(k))
	}
	return all
}

// piece writes one piece of a script, for seeds.
func piece(kind frameType, manner byte, payload string) []byte {
	return append([]byte{byte(bytes.IndexByte(kindBytes(), byte(kind))), manner, byte(len(payload) >> 8), byte(len(payload))}, payload...)
}

// play returns the bytes that a script sends.
func play(script []byte, s sentinel) []byte {
	var out []byte
	for len(script) >= 4 {
		kind, manner, size := kinds[int(script[0])%len(kinds)], script[1]%manners, int(script[2])<<8|int(script[3])
		script = script[4:]
		size = min(size, len(script))
		payload := script[:size]
		script = script[size:]
		switch f := (frame{kind, s, payload}); manner {
		case mannerForged:
			f.sentinel[0]++
			out = appendFrame(out, f)
		case mannerRaw:
			out = append(out, payload...)
		case mannerLong:
			at := len(out)
			out = appendFrame(out, f)
			out[at+1] |= 0x0f // up to a megabyte that never comes
		default:
			out = appendFrame(out, f)
		}
	}
	return out
}

// FuzzStep drives a whole step with whatever frames: it ends, with a result or a
// typed error, tells no more than its limits allow, keeps no more files, and
// takes memory in proportion to what came.
func FuzzStep(f *testing.F) {
	facts := piece(frameFacts, mannerHonest, `{"parsed":true,"imports":["os"],"calls":[],"names":[],"truncated":false}`)
	end := piece(frameDone, mannerHonest, `{"failure":{"name":"E","message":"m","traceback":"t","limit":"disk"},"truncated":true,"stopped":"","leftOut":[{"why":"size","count":2,"names":["a"]}],"usage":{"cpuMs":1,"peakMemory":2}}`)
	step := func(pieces ...[]byte) []byte {
		return append(append(append([]byte{}, facts...), bytes.Join(pieces, nil)...), end...)
	}
	text := piece(frameOutput, mannerHonest, `{"mimeType":"text/plain","text":"2"}`)
	table := piece(frameOutput, mannerHonest, `{"mimeType":"application/vnd.mark.table+json","table":{"columns":["a"],"rows":[[1],["x"],[null]],"rowCount":3,"truncated":false}}`)
	begin, part, over := piece(frameArtifact, mannerHonest, `{"name":"../a.csv","kind":"file"}`), piece(frameBytes, mannerHonest, "a,b\n"), piece(frameFileEnd, mannerHonest, "")
	f.Add(step())
	f.Add(end)
	f.Add(step(piece(frameStdout, mannerHonest, "é"), text, piece(frameStderr, mannerHonest, "w"), table))
	f.Add(step(begin, part, piece(frameStdout, mannerHonest, "in between"), part, over, begin, over, begin, over))
	f.Add(step(piece(frameCall, mannerHonest, `{"id":1,"method":"files","args":{}}`), piece(frameProgress, mannerHonest, `{"done":1,"total":2}`)))
	f.Add(step(begin, piece(frameArtifact, mannerHonest, `{"name":"b","kind":"image"}`)))
	f.Add(step(piece(frameDone, mannerForged, `{}`)))
	f.Add(step(piece(frameStdout, mannerRaw, "junk")))
	f.Add(append(facts, piece(frameOutput, mannerLong, "{}")...))
	limits := execution.Limits{
		StepTime: 200 * time.Millisecond, OutputBytes: 100, Outputs: 3, ArtifactBytes: 1000, ArtifactsBytes: 3000, Artifacts: 2,
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1<<16 {
			return
		}
		dir := t.TempDir()
		fromKernel, out := io.Pipe()
		in, toKernel := io.Pipe()
		c := New(fromKernel, toKernel, Options{Limits: limits, ArtifactDir: dir, Grace: 50 * time.Millisecond})
		p := &peer{t, in, out}
		played := make(chan struct{})
		go func() {
			defer close(played)
			p.send(frame{frameReady, p.read(frameStart).sentinel, []byte(`{"protocol":2,"python":"3"}`)})
			s := p.read(frameExecute).sentinel
			go io.Copy(io.Discard, in)        // interrupts and answers, until Close
			_, _ = out.Write(play(script, s)) // a Conn that has given up does not read on
			out.Close()
		}()
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		told := struct{ text, rich, files int }{}
		began := time.Now()
		result, err := c.Run(t.Context(), "1", execution.Host{
			Emit: func(e execution.Event) {
				switch {
				case e.Chunk != nil:
					told.text += len(e.Chunk.Text)
				case e.Output != nil && e.Output.Artifact != nil:
					told.files++
				case e.Output != nil:
					told.rich++
				}
			},
			Call: func(context.Context, execution.Call) (any, error) { return 1, nil },
		})
		runtime.ReadMemStats(&after)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("the step took %v", took)
		}
		var typed *execution.Error
		if err != nil && (!errors.As(err, &typed) || typed.Message == "" || typed.Code == "") {
			t.Errorf("the step ended with %v", err)
		}
		// A letter that no database keeps becomes one of three bytes.
		if told.text > 3*int(limits.OutputBytes) || told.rich > limits.Outputs || told.files > limits.Artifacts {
			t.Errorf("told %+v", told)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) > limits.Artifacts {
			t.Errorf("%d files are kept, %v", len(files), err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20+300*uint64(len(script)) {
			t.Errorf("%d bytes of a script made %d of memory", len(script), took)
		}
		if f := result.Facts; f != nil && len(f.Imports)+len(f.Calls)+len(f.Names) > 3*maxFacts {
			t.Errorf("facts %+v", f)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		<-played
		if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
			t.Errorf("%d files are left, %v", len(files), err)
		}
	})
}
