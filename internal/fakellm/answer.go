package fakellm

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Answer is what a request is answered with: a status, headers, and steps that
// are played one after the other. Its methods return changed copies.
type Answer struct {
	status int
	header http.Header
	steps  []step
}

// step is one thing to do; one of its fields is set.
type step struct {
	write []byte          // written and flushed at once
	say   []Part          // written likewise, in the request's format
	upTo  *string         // what the last frame of say has in it; nil: all are written
	wait  <-chan struct{} // waited for
	pause time.Duration   // waited; for tests with a fake clock
	abort bool            // the connection is broken
	hang  bool            // nothing more is done until the client leaves
}

// Raw answers with body as it stands, an event stream.
func Raw(body string) Answer {
	a := Answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/event-stream"}}}
	if body != "" {
		a.steps = []step{{write: []byte(body)}}
	}
	return a
}

// Fail answers with a status and a body of JSON.
func Fail(status int, body string) Answer {
	return Raw(body).Status(status).With("Content-Type", "application/json")
}

// Silent sends nothing, not even headers, until the client leaves.
func Silent() Answer { return Answer{steps: []step{{hang: true}}} }

// Dropped breaks the connection before anything is sent.
func Dropped() Answer { return Answer{steps: []step{{abort: true}}} }

// Status sets the status.
func (a Answer) Status(code int) Answer {
	a.status = code
	return a
}

// With sets a header.
func (a Answer) With(key, value string) Answer {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(key, value)
	return a
}

// Split cuts what Raw and Then write into pieces of size bytes, each flushed.
func (a Answer) Split(size int) Answer {
	var out []step
	for _, s := range a.steps {
		for len(s.write) > size {
			out = append(out, step{write: s.write[:size]})
			s.write = s.write[size:]
		}
		out = append(out, s)
	}
	a.steps = out
	return a
}

// SplitAt cuts the first thing that is written in two, before byte at.
func (a Answer) SplitAt(at int) Answer {
	first := a.steps[0].write
	a.steps = append([]step{{write: first[:at]}, {write: first[at:]}}, a.steps[1:]...)
	return a
}

// UpTo leaves what Say writes up to the first frame that has the text in it.
func (a Answer) UpTo(text string) Answer {
	a.steps = append([]step(nil), a.steps...)
	for i := range a.steps {
		a.steps[i].upTo = &text
	}
	return a
}

// Then writes more.
func (a Answer) Then(body string) Answer { return a.add(step{write: []byte(body)}) }

// Await waits until a value comes from c or c is closed.
func (a Answer) Await(c <-chan struct{}) Answer { return a.add(step{wait: c}) }

// Pause waits. It is for tests in a synctest bubble, where that takes no time.
func (a Answer) Pause(d time.Duration) Answer { return a.add(step{pause: d}) }

// Followed plays the steps of b after its own.
func (a Answer) Followed(b Answer) Answer {
	a.steps = append(a.steps[:len(a.steps):len(a.steps)], b.steps...)
	return a
}

// Abort breaks the connection.
func (a Answer) Abort() Answer { return a.add(step{abort: true}) }

// Hang does nothing more until the client leaves.
func (a Answer) Hang() Answer { return a.add(step{hang: true}) }

func (a Answer) add(s step) Answer {
	a.steps = append(a.steps[:len(a.steps):len(a.steps)], s)
	return a
}

// play answers r. It returns an error when the client left first.
func (a Answer) play(ctx context.Context, r Request, w http.ResponseWriter) error {
	if a.status != 0 {
		for key, values := range a.header {
			w.Header()[key] = values
		}
		w.WriteHeader(a.status)
		flush(w)
	}
	for _, s := range a.steps {
		switch {
		case s.abort:
			panic(http.ErrAbortHandler) // net/http breaks the connection and logs nothing
		case s.hang:
			<-ctx.Done()
			return context.Cause(ctx)
		case s.wait != nil:
			select {
			case <-s.wait:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		case s.pause > 0:
			select {
			case <-time.After(s.pause):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		default:
			if s.say != nil {
				s.write = []byte(cutAfter(r.said(s.say), s.upTo))
			}
			if _, err := w.Write(s.write); err != nil {
				return err
			}
			flush(w)
		}
	}
	return nil
}

// said is a reply in the format of r.
func (r Request) said(parts []Part) string {
	if strings.HasSuffix(r.Path, responsesPath) {
		return sayResponses(parts)
	}
	return sayChat(parts)
}

// cutAfter cuts a stream after the first frame that has the text in it.
func cutAfter(stream string, text *string) string {
	if text == nil {
		return stream
	}
	before, after, _ := strings.Cut(stream, *text)
	rest, _, _ := strings.Cut(after, "\n\n")
	return before + *text + rest + "\n\n"
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
