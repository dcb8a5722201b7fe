package gqlhttp

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/operation"
)

// eventsAhead is how many events may wait for a client that reads slowly
// before the subscription itself has to wait.
const eventsAhead = 8

var (
	comment  = []byte(":\n\n")
	next     = []byte("event: next\ndata: ")
	nextEnd  = []byte("\n\n")
	complete = []byte("event: complete\ndata:\n\n")
)

// events answers with a stream: an event "next" for each response, then
// "complete". A stream that ends without "complete" was cut off, and clients
// try again. Errors in the operation arrive as a response, too, because the
// status has to be chosen before a subscription begins.
func (h *Handler) events(w http.ResponseWriter, r *http.Request, params *graphql.RawParams) {
	r = withTransport(r, "sse")
	ctx, cancel := context.WithCancel(r.Context())
	op, refusal := h.Runner.Prepare(ctx, params)
	responses := make(chan []byte, eventsAhead)
	if refusal != nil {
		responses <- refusal.JSON()
		close(responses)
	} else {
		if h.misplaced(w, r, op, mediaEvents) {
			cancel()
			op.Close()
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer op.Close()
			pump(ctx, op, responses)
		}()
		// The operation may use the request until it has ended.
		defer func() { <-done }()
	}
	defer cancel()
	h.stream(w, r, responses)
}

// pump moves the responses of op into a channel and closes it after the last.
func pump(ctx context.Context, op *operation.Operation, responses chan<- []byte) {
	for res := range op.Responses {
		select {
		case responses <- res.JSON():
		case <-ctx.Done():
			return
		}
	}
	if ctx.Err() == nil {
		close(responses)
	}
}

// stream writes responses until they end, the client does not take them any more,
// its token expires or the server closes.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, responses <-chan []byte) {
	header := w.Header()
	header.Set("Content-Type", mediaEvents+"; charset=utf-8")
	header.Set("X-Accel-Buffering", "no") // nginx would collect the events
	c := http.NewResponseController(w)
	defer func() { _ = c.SetWriteDeadline(time.Time{}) }()
	write := func(parts ...[]byte) bool {
		_ = c.SetWriteDeadline(time.Now().Add(h.WriteTimeout))
		for _, p := range parts {
			if _, err := w.Write(p); err != nil {
				return false
			}
		}
		return true
	}
	send := func(parts ...[]byte) bool { return write(parts...) && c.Flush() == nil }
	w.WriteHeader(http.StatusOK)
	if !send(comment) {
		return
	}
	lost := h.Lost()
	silence := time.NewTicker(h.KeepAlive)
	defer silence.Stop()
	var expired <-chan time.Time
	if at := caller.From(r.Context()).Expires; !at.IsZero() {
		t := time.NewTimer(at.Sub(h.Runner.Clock.Now()))
		defer t.Stop()
		expired = t.C
	}
	for {
		select {
		case response, more := <-responses:
			for more && len(responses) > 0 { // what waits goes out together
				if !write(next, response, nextEnd) {
					return
				}
				response, more = <-responses
			}
			if !more {
				send(complete)
				return
			}
			if !send(next, response, nextEnd) {
				return
			}
			silence.Reset(h.KeepAlive)
		case <-silence.C:
			if !send(comment) {
				return
			}
		case <-expired:
			end := h.Runner.Refuse(r.Context(), fault.New(fault.Unauthenticated, "The access token has expired."))
			send(next, end.JSON(), nextEnd, complete)
			return
		case <-h.Closing:
			return
		case <-lost:
			return
		case <-r.Context().Done():
			return
		}
	}
}
