// Package daytonatest stands in for Daytona: a control plane and the toolboxes of
// its sandboxes, on loopback. Interpreter contexts are real Python processes of
// this machine, without any isolation, so it is for code that tests bring. It
// speaks the wire of Daytona as its Go SDK v0.148 expects it, and has its habits,
// the awkward ones above all; a test can have each of them happen.
package daytonatest

import (
	"context"
	"crypto/rand"
	_ "embed" // the interpreter
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

//go:embed worker.py
var workerSource []byte

// Options say what a stand-in is like.
type Options struct {
	Python    string   // the interpreter, with the libraries that the kernel wants
	Key       string   // that is accepted; "": "key"
	Snapshots []string // that exist; nil: all
	Quota     int      // sandboxes at once; 0: no bound
}

// Sandbox is one as the control plane sees it.
type Sandbox struct {
	ID, Name, State string
	Labels          map[string]string
	Snapshot        string
	Dockerfile      string // of an image
	Memory          int32  // gigabytes asked for, 0 for none
	NetworkBlockAll bool
	AutoStop        int32 // minutes
	AutoDelete      int32 // minutes
	Starts          int   // how often it was started
	Touched         int   // requests to its toolbox
	polls           int   // that it takes until it is started
	interps         map[string]*interp
	root            string
}

// Server is a stand-in.
type Server struct {
	options Options
	dir     string
	worker  string
	http    *httptest.Server
	url     string

	mu        sync.Mutex
	sandboxes map[string]*Sandbox // guarded by mu; by id; deleted ones are gone
	made      int                 // guarded by mu
	polls     int                 // guarded by mu; until a new sandbox is started
	becomes   string              // guarded by mu; the state instead of started
	intercept func(http.ResponseWriter, *http.Request) bool
	onRun     func(*Run)
	onCreated func(ctx context.Context)
	upload    func(path string) bool
	corrupt   func(path string) bool
	requests  atomic.Int64
	slow      atomic.Int64
	messages  atomic.Int64
}

// New starts a stand-in, which ends with the test.
func New(t testing.TB, options Options) *Server {
	t.Helper()
	if options.Key == "" {
		options.Key = "key"
	}
	s := &Server{options: options, dir: t.TempDir(), sandboxes: map[string]*Sandbox{}}
	s.worker = filepath.Join(s.dir, "worker.py")
	if err := os.WriteFile(s.worker, workerSource, 0o600); err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.url = s.http.URL
	t.Cleanup(func() {
		for _, b := range s.Sandboxes() {
			s.Delete(b.ID)
		}
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// APIURL is the control plane's address.
func (s *Server) APIURL() string { return s.url + "/api" }

// Key is the API key that is accepted.
func (s *Server) Key() string { return s.options.Key }

// Root is put before every path in a sandbox: they share this machine's files.
func (s *Server) Root(id string) string { return filepath.Join(s.dir, id) }

// Sandboxes returns those that exist now.
func (s *Server) Sandboxes() []Sandbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Sandbox, 0, len(s.sandboxes))
	for _, b := range s.sandboxes {
		all = append(all, *b)
	}
	return all
}

// Made is how many sandboxes were ever made.
func (s *Server) Made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// Requests is how many requests came.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Messages is how many messages of output were sent.
func (s *Server) Messages() int64 { return s.messages.Load() }

// SlowConsumers is how many clients were closed for being too slow.
func (s *Server) SlowConsumers() int64 { return s.slow.Load() }

// DropContexts deletes a sandbox's contexts.
func (s *Server) DropContexts(id string) {
	s.mu.Lock()
	var ending []*interp
	if b := s.sandboxes[id]; b != nil {
		for name, i := range b.interps {
			ending = append(ending, i)
			delete(b.interps, name)
		}
	}
	s.mu.Unlock()
	for _, i := range ending {
		i.shutdown()
	}
}

// Plant makes a sandbox as if somebody else had.
func (s *Server) Plant(name string, labels map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.add(name)
	b.Labels, b.State = labels, "started"
}

// Stop stops a sandbox as Daytona does when it was idle: its processes end, its
// files stay.
func (s *Server) Stop(id string) {
	s.mu.Lock()
	b := s.sandboxes[id]
	var ending []*interp
	if b != nil {
		b.State = "stopped"
		for _, i := range b.interps {
			ending = append(ending, i)
		}
		b.interps = map[string]*interp{}
	}
	s.mu.Unlock()
	for _, i := range ending {
		i.kill()
	}
	if b != nil {
		endProcesses(b.root)
	}
}

// Delete deletes a sandbox.
func (s *Server) Delete(id string) {
	s.Stop(id)
	s.mu.Lock()
	b := s.sandboxes[id]
	delete(s.sandboxes, id)
	s.mu.Unlock()
	if b != nil {
		os.RemoveAll(b.root)
	}
}

// Intercept sees every request first; f returns true where it has answered.
func (s *Server) Intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// OnRun is asked about every run of code before it begins.
func (s *Server) OnRun(f func(*Run)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRun = f
}

// OnCreated is called after a sandbox was made and before that is answered. Its
// ctx ends when the client gives up.
func (s *Server) OnCreated(f func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onCreated = f
}

// BreakUploads is asked about every upload; where f returns true, half of the file
// is written and the connection breaks.
func (s *Server) BreakUploads(f func(path string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upload = f
}

// CorruptUploads is asked about every upload; where f returns true, half of the
// file is written as if it were all.
func (s *Server) CorruptUploads(f func(path string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corrupt = f
}

// Slow has new sandboxes started only when they were asked for so many times, and
// then be in the given state instead ("": started).
func (s *Server) Slow(polls int, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls, s.becomes = polls, state
}

// add makes a sandbox. The caller holds mu.
func (s *Server) add(name string) *Sandbox {
	id := make([]byte, 8)
	rand.Read(id)
	b := &Sandbox{
		ID: hex.EncodeToString(id), Name: name, State: "creating", Labels: map[string]string{},
		polls: s.polls, interps: map[string]*interp{},
	}
	if b.Name == "" {
		b.Name = b.ID
	}
	b.root = s.Root(b.ID)
	if err := os.MkdirAll(filepath.Join(b.root, "tmp"), 0o755); err != nil {
		panic(err) // the test's own folder takes no folder
	}
	s.sandboxes[b.ID] = b
	s.made++
	return b
}

// find returns a sandbox by id or name. The caller holds mu.
func (s *Server) find(name string) *Sandbox {
	if b := s.sandboxes[name]; b != nil {
		return b
	}
	for _, b := range s.sandboxes {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// killTime bounds the end of a process that was killed.
const killTime = 10 * time.Second
