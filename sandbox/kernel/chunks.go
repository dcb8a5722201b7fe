package kernel

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/storable"
)

// What is printed is handed on at once after silence, else gathered for this
// long or this much. The kernel does the same; but a program that writes frames
// of its own would make every letter an event, and every event costs a store
// and all who follow it.
const (
	gatherTime  = 20 * time.Millisecond
	gatherBytes = 16 << 10
)

// gathered is what was printed and not yet handed on.
type gathered struct {
	text   map[execution.Stream][]byte
	bytes  int
	passed time.Time        // when some was handed on last
	due    <-chan time.Time // when the rest is; nil: nothing waits
}

// chunk takes a piece of a standard stream.
func (s *step) chunk(stream execution.Stream, payload []byte) error {
	if !utf8.Valid(payload) {
		return fmt.Errorf("%w: %s that is no UTF-8", errFrame, stream)
	}
	left := s.conn.options.Limits.OutputBytes - s.printed
	if int64(len(payload)) > left {
		s.left.add(leftPrinted, "")
		payload = cut.Bytes(payload, int(left))
	}
	if len(payload) == 0 {
		return nil
	}
	s.printed += int64(len(payload))
	g := &s.gathered
	if g.text == nil {
		g.text = map[execution.Stream][]byte{}
	}
	g.text[stream] = append(g.text[stream], payload...)
	g.bytes += len(payload)
	switch wait := gatherTime - time.Since(g.passed); {
	case g.bytes >= gatherBytes || wait <= 0:
		s.release()
	case g.due == nil:
		g.due = time.After(wait)
	}
	return nil
}

// release hands on what was gathered.
func (s *step) release() {
	g := &s.gathered
	for _, stream := range []execution.Stream{execution.Stdout, execution.Stderr} {
		if text := g.text[stream]; len(text) > 0 {
			s.tell(execution.Event{Chunk: &execution.Chunk{Stream: stream, Text: storable.Text(string(text))}})
			g.text[stream] = text[:0]
		}
	}
	if g.bytes > 0 {
		g.bytes, g.passed = 0, time.Now()
	}
	g.due = nil
}

// emit tells the host of an event, after all that was printed before it.
func (s *step) emit(e execution.Event) {
	s.release()
	s.tell(e)
}

func (s *step) tell(e execution.Event) {
	if s.host.Emit != nil {
		s.host.Emit(e)
	}
}
