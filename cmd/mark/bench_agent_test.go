package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/sandbox"
)

// bothDatabases runs a measurement on SQLite and on PostgreSQL.
func bothDatabases(b *testing.B, measure func(b *testing.B, database, url string)) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		b.Run(database, func(b *testing.B) {
			url := ""
			if database == "PostgreSQL" {
				url = databases.PostgresURL(b)
			}
			measure(b, database, url)
		})
	}
}

// endpoint is a model's that has its replies ready: an answer costs it nothing but
// to write it.
type endpoint struct {
	*httptest.Server

	mu        sync.Mutex
	next      func() scripted
	calls     []call
	summary   []byte // the reply to a request without tools, which is not among the calls; nil: as to others
	summaries int    // how often that was given: what is too long of a chat is told in short
}

// scripted is a reply as it goes over the wire.
type scripted struct {
	raw  []byte
	hold <-chan struct{} // waited for between the first frames and the last; nil: nothing
}

// call is one that the endpoint was asked for: what it was sent, and when that had
// come and its reply had gone.
type call struct {
	body       []byte
	came, left time.Time
}

func newEndpoint(b *testing.B, next func() scripted) *endpoint {
	b.Helper()
	e := &endpoint{next: next}
	e.Server = httptest.NewServer(e)
	b.Cleanup(e.Close)
	return e
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has left
	}
	c := call{body: body, came: time.Now()}
	e.mu.Lock()
	if !bytes.Contains(body, []byte(`"tools":[`)) && e.summary != nil {
		e.summaries++
		e.mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write(e.summary)
		return
	}
	reply := e.next()
	e.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	if reply.hold != nil {
		end := bytes.LastIndex(reply.raw, []byte(`"finish_reason":"`))
		end = bytes.LastIndex(reply.raw[:end], []byte("data:"))
		w.Write(reply.raw[:end])
		w.(http.Flusher).Flush()
		reply.raw = reply.raw[end:]
		<-reply.hold
	}
	w.Write(reply.raw)
	w.(http.Flusher).Flush()
	c.left = time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, c)
}

// taken are the calls since it was asked last.
func (e *endpoint) taken() []call {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

// use has a service ask the endpoint.
func (e *endpoint) use(c *Config) {
	c.LLM = LLMConfig{BaseURL: e.URL + "/v1", APIKey: "key", Model: "scripted", API: "chat"}
}

// send sends a recorded request as a plain client does, reads the whole reply and
// tells when its first text came.
func (e *endpoint) send(b *testing.B, client *http.Client, body []byte) (first time.Time) {
	b.Helper()
	res, err := client.Post(e.URL+"/v1/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return first
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if first.IsZero() && bytes.Contains(lines.Bytes(), []byte(`"content":"`)) {
			first = time.Now()
		}
	}
	if err := lines.Err(); err != nil {
		b.Error(err)
	}
	return first
}

// frames are a reply of the parts as it goes over the wire.
func frames(b *testing.B, parts ...fakellm.Part) []byte {
	b.Helper()
	req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader("{}")).WithContext(b.Context())
	res, err := fakellm.NewClient(fakellm.Always(fakellm.Say(parts...))).Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// quick is a sandbox that costs nothing: its sessions print at once. Until it is
// switched on it is the real one, which profiles datasets.
type quick struct {
	sandbox.Provider
	on    atomic.Bool
	steps atomic.Int64
}

func (q *quick) Open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	if q.on.Load() {
		return &quickSession{q}, nil
	}
	return q.Provider.Open(ctx, spec)
}

func (q *quick) Close() error { return nil }

type quickSession struct{ q *quick }

func (s *quickSession) Run(_ context.Context, _ string, host execution.Host) (execution.Result, error) {
	line := fmt.Sprintf("step %d: the mean of the column is what it is, and so are the others\n", s.q.steps.Add(1))
	host.Emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: strings.Repeat(line, 10)}})
	return execution.Result{}, nil
}

func (s *quickSession) Close() error { return nil }

// shares is a line of the table of parts in a hundred.
func shares(b *testing.B, what string, values []float64, goal float64) {
	b.Helper()
	sorted := slices.Sorted(slices.Values(values))
	below, _ := slices.BinarySearch(sorted, goal)
	fmt.Printf("%-58s p50 %8.1f %%   least %8.1f %%   %d of %d reach %.0f %%\n", what, sorted[len(sorted)/2], sorted[0], len(sorted)-below, len(sorted), goal)
	b.ReportMetric(sorted[len(sorted)/2], "p50-%")
}
