package offline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// stream is the body of a streamed reply: a server-sent event for each chunk and
// "[DONE]" at the end. A Read hands out one event at most, so that a reader sees
// them one after the other, and fails once ctx has ended, as a connection would.
type stream struct {
	ctx    context.Context //nolint:containedctx // of the one request whose body this is
	events []any
	done   bool
	rest   []byte // of the event that the last Read did not take whole
	closed atomic.Bool
}

func newStream(ctx context.Context, events []any) io.ReadCloser {
	return &stream{ctx: ctx, events: events}
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if s.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(s.rest) == 0 {
		switch {
		case len(s.events) > 0:
			data, err := json.Marshal(s.events[0])
			if err != nil {
				return 0, fmt.Errorf("write an event: %w", err)
			}
			s.events = s.events[1:]
			s.rest = append(append([]byte("data: "), data...), "\n\n"...)
		case !s.done:
			s.done = true
			s.rest = []byte("data: [DONE]\n\n")
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close implements io.Closer. Like that of a response's body it may come at any
// time, from any goroutine.
func (s *stream) Close() error {
	s.closed.Store(true)
	return nil
}
