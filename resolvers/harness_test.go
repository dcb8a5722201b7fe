package resolvers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/graph"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/resolvers"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
	"github.com/mark-analyst/mark/warehouse"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	databases.Each(t, func(t *testing.T, s *store.Store) { test(t, newBench(t, s, auth.Guard)) })
}

// bench is the whole API behind a socket, but for the sandbox, which refuses,
// and the model, which says that it is done.
type bench struct {
	t     *testing.T
	store *store.Store // its client is unguarded: it sees what is really there
	url   string
	agent *agent.Agent
	model *idleModel
	shop  *shelf
	data  *datasets.Service
	log   *syncBuffer

	mu         sync.Mutex // protects what follows
	statements []string
}

func newBench(t *testing.T, s *store.Store, guard func(*ent.Client)) *bench {
	t.Helper()
	b := &bench{t: t, store: s, model: &idleModel{}, shop: &shelf{}, log: &syncBuffer{}}
	client := ent.NewClient(ent.Driver(dialect.DebugWithContext(entsql.OpenDB(s.Dialect, s.DB), b.note)))
	guard(client)
	logger := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	log, err := eventlog.New(eventlog.Config{Client: client, Dialect: s.Dialect, Clock: clock.System{}, Logger: logger, Poll: 50 * time.Millisecond})
	must(t, err)
	t.Cleanup(func() { must(t, log.Close()) })
	feed, err := chatfeed.New(chatfeed.Config{Client: client, Dialect: s.Dialect, Logger: logger, Poll: 50 * time.Millisecond})
	must(t, err)
	t.Cleanup(func() { must(t, feed.Close()) })
	blobs, err := files.Open(t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	jobs := dispatch.New(dispatch.Config{Dir: t.TempDir(), Node: "test", Logger: logger})
	profiles := dispatch.NewQueue[datasets.Job](jobs, "profiles", 2, dispatch.Options{})
	data, err := datasets.New(datasets.Config{
		Client: client, Dialect: s.Dialect, Queue: profiles, Background: profiles,
		Files: blobs, Sandbox: noSandbox{}, Warehouses: []warehouse.Warehouse{b.shop}, Clock: clock.System{}, Logger: logger,
	})
	must(t, err)
	b.data = data
	dispatch.Handle(jobs, data.Work)
	b.agent, err = agent.New(agent.Config{
		Client: client, Log: log, Tokens: tokens.New(), Models: []agent.Model{{Name: "idle", LLM: b.model}},
		Sandbox: noSessions{}, Blobs: noBlobs{}, Datasets: data,
		AsOwner: func(ctx context.Context, id string) context.Context {
			return auth.WithViewer(ctx, auth.Viewer{UserID: id})
		},
		Queue: dispatch.NewQueue[agent.Job](jobs, "runs", 4, dispatch.Options{}), Node: "test",
		Clock: clock.System{}, Logger: logger, Limits: agent.DefaultLimits(),
	})
	must(t, err)
	dispatch.Handle(jobs, b.agent.Work)
	must(t, jobs.Start(t.Context()))
	t.Cleanup(func() {
		must(t, jobs.Drain(context.Background()))
		must(t, b.agent.Close(context.Background()))
		must(t, data.Close(context.Background()))
		must(t, jobs.Close(context.Background()))
	})
	keys, err := auth.NewKeys(bytes.Repeat([]byte("k"), 32))
	must(t, err)
	people, err := auth.New(auth.Config{Client: client, Keys: keys, Clock: clock.System{}, Address: func(context.Context) string { return "" }})
	must(t, err)
	limits := server.DefaultLimits()
	limits.Viewer = limit.Rate{PerSecond: 1e6, Burst: 1e6}
	limits.Address, limits.Subscriptions = limits.Viewer, 1e6
	limits.Complexity = 1e12
	limits.Document = limit.Document{Bytes: 1 << 20, Tokens: 1e6, Depth: 100, Fields: 1e6, Aliases: 1e6, Directives: 100}
	srv := server.New(server.Config{
		Schema: graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{
			Client: client, Auth: people, Agent: b.agent, Log: log, Feed: feed, Datasets: data, Logger: logger,
			Warehouses: []warehouse.Warehouse{b.shop},
			SignURL:    func(id, name string) string { return "/files/" + id + "/" + name },
			Info: func() *model.ServerInfo {
				return &model.ServerInfo{Version: "test", Sandbox: &model.SandboxInfo{}, Limits: &model.Limits{UploadBytes: 1 << 40}}
			},
		}}),
		Extensions: resolvers.Extensions(client),
		Authenticate: func(ctx context.Context, token string) (context.Context, time.Time, error) {
			if strings.HasPrefix(token, "usr_") { // a test's short cut around the password
				return auth.WithViewer(ctx, auth.Viewer{UserID: token}), time.Time{}, nil
			}
			v, expires, err := people.Authenticate(ctx, token)
			return auth.WithViewer(ctx, v), expires, err
		},
		Viewer: func(ctx context.Context) string { v, _ := auth.FromContext(ctx); return v.UserID },
		Limits: limits, Logger: logger,
	})
	web := httptest.NewServer(srv.Handler())
	t.Cleanup(func() {
		must(t, srv.Shutdown(context.Background()))
		web.Close()
	})
	b.url = web.URL + "/graphql"
	return b
}

// note counts a statement; of transactions, not their beginnings and ends.
func (b *bench) note(_ context.Context, v ...any) {
	text, _ := v[0].(string)
	if _, query, ok := strings.Cut(text, "query="); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.statements = append(b.statements, query)
	}
}

// counted returns the statements that f makes.
func (b *bench) counted(f func()) []string {
	b.mu.Lock()
	b.statements = nil
	b.mu.Unlock()
	f()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.statements
}

// reply is a response.
type reply struct {
	t      *testing.T
	status int
	body   string
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
}

type vars map[string]any

// ask sends an operation as somebody; the empty token is nobody.
func (b *bench) ask(token, query string, v vars) reply {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	must(b.t, err)
	return b.send(token, body, "application/json", "application/json")
}

// follow is ask for a subscription; the reply's body is the whole stream.
func (b *bench) follow(token, query string, v vars) reply {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	must(b.t, err)
	return b.send(token, body, "application/json", "text/event-stream")
}

func (b *bench) send(token string, body []byte, contentType, accept string) reply {
	b.t.Helper()
	return b.exchange(token, body, contentType, accept, io.ReadAll)
}

// events reads a stream, which may go on for ever, to the end of its nth event;
// between, unless nil, is called after each but the last.
func events(n int, between func(i int)) func(io.Reader) ([]byte, error) {
	return func(r io.Reader) (text []byte, _ error) {
		lines := bufio.NewReader(r)
		for seen := 0; seen < n; {
			line, err := lines.ReadBytes('\n')
			text = append(text, line...)
			if errors.Is(err, io.EOF) {
				return text, nil
			}
			if err != nil {
				return nil, err
			}
			if bytes.HasPrefix(line, []byte("data:")) {
				if seen++; seen < n && between != nil {
					between(seen)
				}
			}
		}
		return text, nil
	}
}

func (b *bench) exchange(token string, body []byte, contentType, accept string, read func(io.Reader) ([]byte, error)) reply {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	must(b.t, err)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", accept)
	req.Header.Set("Apollo-Require-Preflight", "true")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	must(b.t, err)
	defer res.Body.Close()
	text, err := read(res.Body)
	must(b.t, err)
	r := reply{t: b.t, status: res.StatusCode, body: string(text)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		must(b.t, json.Unmarshal(text, &r))
	}
	return r
}

// do asks and fails on errors.
func (b *bench) do(token, query string, v vars) reply {
	b.t.Helper()
	r := b.ask(token, query, v)
	if len(r.Errors) > 0 {
		b.t.Fatalf("%s\n%s\n%s", query, r.body, b.log)
	}
	return r
}

// code is extensions.code of the first error.
func (r reply) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	code, _ := r.Errors[0].Extensions["code"].(string)
	return code
}

// at digs into the data: strings are members, numbers are elements.
func (r reply) at(path ...any) any {
	r.t.Helper()
	var v any = r.Data
	for i, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				r.t.Fatalf("no object at %v of %s", path[:i], r.body)
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || p >= len(l) {
				r.t.Fatalf("no element %d at %v of %s", p, path[:i], r.body)
			}
			v = l[p]
		}
	}
	return v
}

// str is a text in the data.
func (r reply) str(path ...any) string {
	r.t.Helper()
	s, ok := r.at(path...).(string)
	if !ok {
		r.t.Fatalf("no text at %v of %s", path, r.body)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// idleModel says that it is done, and until release is called waits with that.
type idleModel struct {
	mu   sync.Mutex
	wait chan struct{}
}

// hold makes replies wait; the function it returns lets them go.
func (m *idleModel) hold() (release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := make(chan struct{})
	m.wait = wait
	return sync.OnceFunc(func() { close(wait) })
}

func (m *idleModel) Stream(ctx context.Context, _ dialogue.Request, _ func(dialogue.Delta) error) (dialogue.Reply, error) {
	m.mu.Lock()
	wait := m.wait
	m.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return dialogue.Reply{}, ctx.Err()
		}
	}
	return dialogue.Reply{Message: dialogue.Message{Role: dialogue.Assistant, Content: "done"}, Finish: dialogue.FinishStop}, nil
}

type noSandbox struct{}

func (noSandbox) Open(context.Context, execution.Spec) (execution.Session, error) {
	return nil, &execution.Error{Code: execution.CodeUnavailable, Message: "no sandbox"}
}

// noSessions keeps none, under any key.
type noSessions struct{}

func (noSessions) Open(ctx context.Context, _ string, spec execution.Spec) (execution.Session, execution.Origin, error) {
	s, err := noSandbox{}.Open(ctx, spec)
	return s, execution.Origin{}, err
}

func (noSessions) Rewind(context.Context, string, string) error { return execution.ErrNoPoint }

func (noSessions) Fork(context.Context, string, string, string) error { return execution.ErrNoPoint }

func (noSessions) Erase(context.Context, string) error { return nil }

type noBlobs struct{}

func (noBlobs) Path(context.Context, string) (string, func(), error)          { return "", nil, io.EOF }
func (noBlobs) Save(context.Context, io.Reader, int64) (string, int64, error) { return "", 0, io.EOF }
func (noBlobs) Delete(context.Context, string) error                          { return nil }

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
