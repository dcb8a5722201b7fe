package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/internal/testschema"
	"github.com/mark-analyst/mark/server/limit"
)

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

type viewer struct{}

func whoami(ctx context.Context) string {
	name, _ := ctx.Value(viewer{}).(string)
	return name
}

// authenticate accepts the names of two people as their tokens; "expired",
// "brief", "broken" and "defect" are what they say, and "limited" lasts for long
// enough to do something with it.
func authenticate(ctx context.Context, token string) (context.Context, time.Time, error) {
	switch token {
	case "alice", "bob":
		return context.WithValue(ctx, viewer{}, token), time.Now().Add(time.Hour), nil
	case "brief":
		return context.WithValue(ctx, viewer{}, "alice"), time.Now().Add(500 * time.Millisecond), nil
	case "limited":
		return context.WithValue(ctx, viewer{}, "alice"), time.Now().Add(3 * time.Second), nil
	case "expired":
		return context.WithValue(ctx, viewer{}, "alice"), time.Now().Add(-time.Second), nil
	case "broken":
		return nil, time.Time{}, fault.Wrap(errors.New(testschema.Secret), fault.Unavailable, "Try again later.")
	case "defect":
		panic(testschema.Secret)
	}
	return nil, time.Time{}, fault.New(fault.Unauthenticated, "The access token is not valid.")
}

// env is a running server.
type env struct {
	t         testing.TB
	host      string
	server    *server.Server
	resolvers *testschema.Resolvers
	log       *syncBuffer
	began     chan string
	ended     chan error
}

func start(t testing.TB, change func(*server.Config)) *env {
	t.Helper()
	e := &env{t: t, log: &syncBuffer{}, began: make(chan string, 100), ended: make(chan error, 100)}
	e.resolvers = &testschema.Resolvers{Began: e.began, Ended: e.ended, Whoami: whoami}
	cfg := server.Config{
		Schema:       testschema.New(e.resolvers),
		Authenticate: authenticate,
		Viewer:       whoami,
		Limits:       server.DefaultLimits(),
		Logger:       slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	cfg.Limits.Address = limit.Rate{PerSecond: 1000, Burst: 1000}
	cfg.Limits.Viewer = limit.Rate{PerSecond: 1000, Burst: 1000}
	if change != nil {
		change(&cfg)
	}
	e.server = server.New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.host = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- e.server.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(e.server.Shutdown(ctx), <-served); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return e
}

func (e *env) url() string { return "http://" + e.host + "/graphql" }

// answer is what came back for one request.
type answer struct {
	status int
	header http.Header
	body   string
	parsed struct {
		Data   map[string]any
		Errors []struct {
			Message    string
			Path       []any
			Extensions map[string]any
		}
	}
}

// code is extensions.code of the first error.
func (a answer) code() string {
	if len(a.parsed.Errors) == 0 {
		return ""
	}
	code, _ := a.parsed.Errors[0].Extensions["code"].(string)
	return code
}

func (e *env) do(r *http.Request) answer {
	e.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(body)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(body, &a.parsed); err != nil {
			e.t.Fatalf("%v in %s", err, body)
		}
	}
	return a
}

func (e *env) request(method, url, body string, headers ...string) *http.Request {
	e.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// post sends a document as JSON.
func (e *env) post(query string, headers ...string) answer {
	e.t.Helper()
	return e.do(e.request(http.MethodPost, e.url(), encode(map[string]any{"query": query}),
		append([]string{"Content-Type", "application/json"}, headers...)...))
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// wait receives from ch, or fails.
func wait[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("no sign of %s", what)
	}
	return v
}

// eventually polls until ok, or fails.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
