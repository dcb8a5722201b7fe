package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

// everyDatabase runs an end-to-end test on both.
func everyDatabase(t *testing.T, test func(t *testing.T, databaseURL string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, databases.PostgresURL(t)) })
}

// shared keeps a provider open from one App to the next: the checkpoint's
// self-test and the leftovers of others are not what these tests are about.
type shared struct{ sandbox.Keeping }

func (shared) Close() error { return nil }

// service is a running Mark: the real wiring, the real sandbox, a real socket.
type service struct {
	t      testing.TB
	config Config
	parts  Parts
	app    *App
	url    string
	served chan error
}

// start runs Mark on a free port until the test ends.
func start(t testing.TB, databaseURL string, change func(*Config, *Parts)) *service {
	t.Helper()
	s := &service{t: t, config: Config{
		DataDir: t.TempDir(), DatabaseURL: databaseURL, LogLevel: "info", LogFormat: "text", EventRetention: time.Hour,
		LLM:     LLMConfig{API: "chat"},
		Sandbox: SandboxConfig{Provider: "gvisor", PoolMemory: 1 << 30, PoolAge: time.Hour},
		Limits: LimitsConfig{
			UploadBytes: 64 << 20, Steps: 20, RunTime: 2 * time.Minute, ConcurrentRuns: 4, RunsPerUser: 4,
			PythonStepTime: 30 * time.Second, PythonCPUTime: time.Minute, PythonMemory: 2 << 30,
			LiveSessions: 2, LiveMemory: 2 << 30, SavedBytes: 1 << 30, SavedAge: time.Hour,
			FilesCache: 1 << 30, HistoryTokens: 16_000,
		},
	}}
	if change != nil {
		change(&s.config, &s.parts)
	}
	if s.parts.Sandbox == nil {
		s.parts.Sandbox = shared{gvisortest.Provider(t)}
	}
	s.up()
	t.Cleanup(s.down)
	return s
}

func (s *service) up() {
	s.t.Helper()
	var out io.Writer = io.Discard
	if testing.Verbose() {
		out = os.Stderr
	}
	logger := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	app, err := NewApp(s.t.Context(), s.config, logger, func(string) {}, s.parts)
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.app, s.url, s.served = app, "http://"+l.Addr().String(), make(chan error, 1)
	go func() { s.served <- app.Serve(l) }()
}

// down ends Mark as a SIGTERM does.
func (s *service) down() { s.downWithin(30 * time.Second) }

func (s *service) downWithin(limit time.Duration) {
	if s.app == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := s.app.Close(ctx); err != nil {
		s.t.Errorf("close: %v", err)
	}
	if err := <-s.served; err != nil {
		s.t.Errorf("serve: %v", err)
	}
	s.app = nil
}

// person is somebody who uses Mark.
type person struct {
	*service
	token   string
	refresh string
	client  *http.Client
}

const sessionFields = `session { accessToken accessTokenExpiresAt refreshToken user { id email } } errors { __typename ... on UserError { code message field } }`

// signUp makes an account.
func (s *service) signUp(email string) *person {
	s.t.Helper()
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	p := &person{service: s, client: &http.Client{Transport: transport, Timeout: time.Minute}}
	got := p.do(`mutation($e: String!) { signUp(input: {email: $e, password: "correct horse battery"}) { `+sessionFields+` } }`, vars{"e": email})
	p.token = got.str("signUp", "session", "accessToken")
	p.refresh = got.str("signUp", "session", "refreshToken")
	return p
}

type vars map[string]any

// reply is a GraphQL response.
type reply struct {
	t      testing.TB
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	status int
}

// at digs into the data: strings are members, numbers are elements.
func (r reply) at(path ...any) any {
	r.t.Helper()
	return dig(r.t, r.Data, path...)
}

func dig(t testing.TB, v any, path ...any) any {
	t.Helper()
	for i, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("%v: no object at %v in %v", path, path[:i], v)
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || p >= len(l) {
				t.Fatalf("%v: no element %d in %v", path, p, v)
			}
			v = l[p]
		}
	}
	return v
}

func (r reply) str(path ...any) string {
	r.t.Helper()
	s, ok := r.at(path...).(string)
	if !ok {
		r.t.Fatalf("%v is %v in %v (errors %v)", path, r.at(path...), r.Data, r.Errors)
	}
	return s
}

func (r reply) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	c, _ := r.Errors[0].Extensions["code"].(string)
	return c
}

// do asks and fails on errors.
func (p *person) do(query string, v vars) reply {
	p.t.Helper()
	r := p.try(query, v)
	if len(r.Errors) > 0 {
		p.t.Fatalf("%s: %+v", query, r.Errors)
	}
	return r
}

// try asks; errors are part of the reply.
func (p *person) try(query string, v vars) reply {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.send(p.request(bytes.NewReader(body), "application/json"))
}

func (p *person) request(body io.Reader, contentType string) *http.Request {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/graphql", body)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Apollo-Require-Preflight", "true")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	return req
}

func (p *person) send(req *http.Request) reply {
	p.t.Helper()
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	r := reply{t: p.t, status: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		p.t.Fatalf("status %d: %v", res.StatusCode, err)
	}
	return r
}

const uploadMutation = `mutation($file: Upload!, $chat: ID) { uploadDataset(input: {file: $file, chatId: $chat}) { dataset { id state } errors { __typename ... on UserError { code message field } } } }`

// upload sends a file as the multipart request specification has it.
func (p *person) upload(name string, content []byte) reply {
	p.t.Helper()
	body, contentType := multipartBody(p.t, name, content)
	return p.send(p.request(bytes.NewReader(body), contentType))
}

func multipartBody(t testing.TB, name string, content []byte) ([]byte, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	operations, err := json.Marshal(map[string]any{"query": uploadMutation, "variables": vars{"file": nil, "chat": nil}})
	if err != nil {
		t.Fatal(err)
	}
	w.WriteField("operations", string(operations))
	w.WriteField("map", `{"0":["variables.file"]}`)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="0"; filename=%q`, name)},
		"Content-Type":        {"application/octet-stream"},
	})
	if err != nil {
		t.Fatal(err)
	}
	part.Write(content)
	w.Close()
	return body.Bytes(), w.FormDataContentType()
}

// profiled waits until a dataset is READY or FAILED.
func (p *person) profiled(id string) reply {
	p.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r := p.do(`query($id: ID!) { node(id: $id) { ... on Dataset { id name fileName state format rowCount notes error { code message }
			columns { name type nullCount distinctCount min max sampleValues } sample { columns rows rowCount truncated } } } }`, vars{"id": id})
		if state := r.str("node", "state"); state == "READY" || state == "FAILED" {
			return r
		}
		select {
		case <-deadline.C:
			p.t.Fatalf("dataset %s is still not profiled", id)
		case <-tick.C:
		}
	}
}

// sample adds a bundled sample and waits until it can be used.
func (p *person) sample(name string) string {
	p.t.Helper()
	id := p.do(`mutation($n: String!) { addSampleDataset(input: {name: $n}) { dataset { id } errors { ... on UserError { message } } } }`, vars{"n": name}).
		str("addSampleDataset", "dataset", "id")
	if r := p.profiled(id); r.str("node", "state") != "READY" {
		p.t.Fatalf("sample %s: %v", name, r.Data)
	}
	return id
}

// ask sends a question and returns the ids of chat and run.
func (p *person) ask(chat, text string, datasets ...string) (chatID, runID string) {
	p.t.Helper()
	in := vars{"text": text}
	if chat != "" {
		in["chatId"] = chat
	}
	if len(datasets) > 0 {
		in["datasetIds"] = datasets
	}
	r := p.do(`mutation($in: SendMessageInput!) { sendMessage(input: $in) { chat { id } message { id role } run { id state } errors { __typename ... on UserError { code message } } } }`, vars{"in": in})
	return r.str("sendMessage", "chat", "id"), r.str("sendMessage", "run", "id")
}

const runFields = `... on Run { id state lastSeq error { code message } usage { steps promptTokens completionTokens pythonMs }
	steps { id index tool code state outputs { name mimeType title text json table { columns rows rowCount } artifact { id name url mimeType sizeBytes } } error { code message } durationMs }
	answer { id seq role parts { __typename
		... on TextPart { text } ... on ReasoningPart { text } ... on ToolCallPart { tool code state } ... on OutputPart { output { name mimeType } }
		... on ErrorPart { error { code message } }
		... on AnswerPart { story followUps caveats charts { title spec artifact { url } } tables { title columns rows rowCount truncated }
			claims { text evidence { path step { index } output { name } } } checks { code text } } } } }`

// run reads a run whole.
func (p *person) run(id string) reply {
	p.t.Helper()
	return p.do(`query($id: ID!) { node(id: $id) { `+runFields+` } }`, vars{"id": id})
}

// answered follows a run to its end and returns its AnswerPart.
func (p *person) answered(runID string) map[string]any {
	p.t.Helper()
	p.follow(runID, 0)
	r := p.run(runID)
	if state := r.str("node", "state"); state != "SUCCEEDED" {
		p.t.Fatalf("the run ended %s: %v", state, r.at("node", "error"))
	}
	parts, _ := r.at("node", "answer", "parts").([]any)
	for _, part := range parts {
		if m, ok := part.(map[string]any); ok && m["__typename"] == "AnswerPart" {
			return m
		}
	}
	p.t.Fatalf("no AnswerPart in %v", parts)
	return nil
}

func contains(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s has no %q: %s", what, part, text)
		}
	}
}
