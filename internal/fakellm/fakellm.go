// Package fakellm is a model's endpoint for tests. It plays what it is told to
// over the streamed Chat Completions and Responses protocols: transcripts byte for byte, in
// pieces of any size, with any status and headers, broken off, held up by a
// channel or silent until the client leaves; or replies that a test scripts in
// Go, in answer to what was asked. It runs as a server on loopback (New) or
// in-process (Client), and keeps every request.
package fakellm

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// Script decides what a request is answered with. It is called from one
// goroutine a request.
type Script func(Request) Answer

// Server is a fake endpoint on loopback. It is closed when its test ends.
type Server struct {
	recorder
	server      *httptest.Server
	connections atomic.Int64
}

// New starts a server that answers by script.
func New(t testing.TB, script Script) *Server {
	t.Helper()
	s := &Server{recorder: newRecorder()}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := s.record(r)
		if err != nil {
			http.Error(w, `{"error":{"message":"the request cannot be read"}}`, http.StatusBadRequest)
			return
		}
		if err := script(request).play(r.Context(), request, w); err != nil {
			s.left <- struct{}{}
		}
	}))
	s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.server.Start()
	t.Cleanup(s.Close)
	return s
}

// Close ends the server, and answers that hang with it.
func (s *Server) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// BaseURL is what an adapter is given: the address up to and with /v1.
func (s *Server) BaseURL() string { return s.server.URL + "/v1" }

// Connections is how many connections were made.
func (s *Server) Connections() int { return int(s.connections.Load()) }

// recorder keeps requests.
type recorder struct {
	mu       *sync.Mutex
	requests *[]Request // guarded by mu
	left     chan struct{}
}

func newRecorder() recorder {
	return recorder{mu: &sync.Mutex{}, requests: &[]Request{}, left: make(chan struct{}, 1024)}
}

// Requests returns the requests so far, oldest first.
func (r recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request(nil), *r.requests...)
}

// Left gets a value each time a client leaves before its answer was played to
// the end.
func (r recorder) Left() <-chan struct{} { return r.left }

func (r recorder) record(req *http.Request) (Request, error) {
	request, err := readRequest(req)
	if err != nil {
		return request, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	request.Number = len(*r.requests)
	*r.requests = append(*r.requests, request)
	return request, nil
}

// Sequence answers the first request with the first answer, and so on; further
// ones with the last.
func Sequence(answers ...Answer) Script {
	return func(r Request) Answer {
		return answers[min(r.Number, len(answers)-1)]
	}
}

// Always answers every request alike.
func Always(a Answer) Script { return Sequence(a) }
