package daytona

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/daytonaio/daytona/libs/sdk-go/pkg/options"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"
)

// Close codes of the interpreter's WebSocket.
const (
	closePolicy  = "1008" // no such context, or whoever listens is too slow
	closeTimeout = "4008" // the SDK looks for 4001
)

// maxLine bounds a line of the relay's; the longest is a piece in base64.
const maxLine = 64 << 10

// outcome says how a run in a context ended. All of it empty means that the
// stream was closed in order, which a worker that died looks like as well.
type outcome struct {
	timeout bool   // Daytona ended it, for its time was over
	unknown bool   // there is no such context, any more
	raised  string // the exception of the code that ran, if it raised one
	stderr  string // the end of what it wrote there
	err     error  // the connection was not made, or broke
}

var (
	errLine    = errors.New("a line is longer than the relay's are")
	closeCodes = regexp.MustCompile(`websocket: close (\d+)`)
)

// verdict is what a listener says of a line.
type verdict int

// The verdicts.
const (
	goOn    verdict = iota
	last            // no more is needed; the run is about to end
	abandon         // the run is of no use any more; what it still sends is thrown away
)

// lastTime bounds the wait for a run's end after its last line.
const lastTime = 5 * time.Second

// run executes code in the context and hands on each whole line of its output
// while line says to go on; limit is rounded up to whole seconds, for less than
// one would be none at all. It ends with ctx, which does not end the code: that
// takes dropContext.
func (b *box) run(ctx context.Context, code string, limit time.Duration, line func(string) verdict) outcome {
	seconds := time.Duration(math.Ceil(max(limit.Seconds(), 1))) * time.Second
	channels, err := b.sandbox.CodeInterpreter.RunCode(ctx, code,
		options.WithCustomContext(b.context), options.WithInterpreterTimeout(seconds))
	if err != nil {
		return outcome{err: err}
	}
	// All channels are drained at once, and to their ends: each holds ten, and a
	// full one keeps the others from moving.
	var o outcome
	var raised, stderr tail
	var others sync.WaitGroup
	others.Go(func() {
		for message := range channels.Stderr {
			stderr.add(message.Text)
		}
	})
	others.Go(func() {
		for failure := range channels.Errors {
			raised.add(failure.Name + ": " + failure.Value)
		}
	})
	lines := splitter{line: line}
	said := goOn
	var late <-chan time.Time
	for open := true; open; {
		select {
		case message, ok := <-channels.Stdout:
			if open = ok; !ok || said != goOn {
				continue
			}
			switch said = lines.add(message.Text); said {
			case last:
				late = time.After(lastTime)
			case abandon:
				// The connection ends with the run, or with the sandbox.
				go drain(channels.Stdout)
				return outcome{err: lines.err}
			}
		case <-late:
			go drain(channels.Stdout)
			return outcome{}
		case <-ctx.Done():
			go drain(channels.Stdout)
			return outcome{err: ctx.Err()}
		}
	}
	others.Wait()
	o.raised, o.stderr = raised.text, stderr.text
	done, ok := <-channels.Done
	if !ok || done.Error == nil || o.raised != "" {
		return o
	}
	// What the code did not raise is the SDK's own.
	text := done.Error.Value
	closedBy := ""
	if m := closeCodes.FindStringSubmatch(text); m != nil {
		closedBy = m[1]
	}
	switch {
	case closedBy == closeTimeout || done.Error.Name == "TimeoutError":
		o.timeout = true
	case closedBy == closePolicy && !strings.Contains(text, "slow consumer"):
		o.unknown = true
	}
	o.err = errors.New(text)
	return o
}

// splitter finds the lines in messages: lines may come in pieces, and several in
// one message.
type splitter struct {
	line func(string) verdict
	rest string
	err  error
}

func (s *splitter) add(text string) verdict {
	s.rest += text
	for {
		whole, more, found := strings.Cut(s.rest, "\n")
		if !found {
			break
		}
		s.rest = more
		if v := s.line(whole); v != goOn {
			return v
		}
	}
	if len(s.rest) > maxLine {
		s.err = errLine
		return abandon
	}
	return goOn
}

func drain(from <-chan *types.OutputMessage) {
	for range from { // to let the sender end
	}
}

// tail keeps the end of a text.
type tail struct{ text string }

func (t *tail) add(text string) {
	t.text += text
	if most := 2000; len(t.text) > most {
		t.text = strings.ToValidUTF8(t.text[len(t.text)-most:], "")
	}
}
