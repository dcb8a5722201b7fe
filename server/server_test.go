package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/internal/testschema"
)

func clockAt(t time.Time) clock.Clock { return clock.Func(func() time.Time { return t }) }

func TestRoutes(t *testing.T) {
	var ready atomic.Bool
	text := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/files/panic" {
				panic(testschema.Secret)
			}
			_, _ = w.Write([]byte(s + r.URL.Path))
		})
	}
	e := start(t, func(c *server.Config) {
		c.Playground, c.Files = text("playground"), text("files")
		c.Ready = func(context.Context) error {
			if ready.Load() {
				return nil
			}
			return errors.New(testschema.Secret)
		}
	})
	check := func(path string, status int, body string) {
		t.Helper()
		a := e.do(e.request("GET", "http://"+e.host+path, ""))
		if a.status != status || !strings.Contains(a.body, body) || strings.Contains(a.body, testschema.Secret) {
			t.Errorf("%s: got %d %q, want %d %q", path, a.status, a.body, status, body)
		}
	}
	check("/graphiql", 200, "playground/graphiql")
	check("/graphiql/app.js", 200, "playground/graphiql/app.js")
	check("/", 200, "playground/graphiql") // by way of a redirect
	check("/files/a/b?sig=s3cr3t", 200, "files/files/a/b")
	check("/files/panic", 500, "INTERNAL")
	check("/healthz", 200, "ok")
	check("/readyz", 503, "not ready")
	check("/nothing", 404, "not found")
	ready.Store(true)
	check("/readyz", 200, "ready")
}

func TestLogHasNoSecrets(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Files = http.NotFoundHandler() })
	e.do(e.request("GET", "http://"+e.host+"/files/s1gnature?token=s1gnature", ""))
	e.post(`query Who { whoami }`, "Authorization", "Bearer alice")
	e.post(`{ hello }`, "Authorization", "Bearer s3cr3t")
	s := e.dial()
	s.send(`{"type":"connection_init","payload":{"authorization":"Bearer s3cr3t"}}`)
	s.closed()
	s.ws.Close()
	eventually(t, "the socket is logged", func() bool { return strings.Contains(e.log.String(), `"socket closed"`) })
	log := e.log.String()
	for _, secret := range []string{"s1gnature", "s3cr3t", "Bearer"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
	for _, want := range []string{`"route":"/files/*"`, `"name":"Who"`, `"viewer":"alice"`, `"kind":"query"`, `"status":401`, `"code":4403`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	address := func(trusted string, forwarded ...string) (client, id string) {
		e := start(t, func(c *server.Config) {
			if trusted != "" {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trusted), netip.MustParsePrefix("10.0.0.0/8")}
			}
		})
		headers := []string{"X-Request-Id", "from-proxy"}
		for _, f := range forwarded {
			headers = append(headers, "X-Forwarded-For", f)
		}
		a := e.post(`{ hello }`, headers...)
		eventually(t, "the request is logged", func() bool { return strings.Contains(e.log.String(), `"msg":"request"`) })
		for _, line := range strings.Split(e.log.String(), "\n") {
			var entry struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "request" {
				client = entry.Address
			}
		}
		return client, a.header.Get("X-Request-Id")
	}
	for _, c := range []struct {
		trusted   string
		forwarded []string
		want      string
		id        bool
	}{
		{"", []string{"1.2.3.4"}, "127.0.0.1", false},
		{"127.0.0.0/8", []string{"1.2.3.4"}, "1.2.3.4", true},
		{"127.0.0.0/8", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4", true},
		{"127.0.0.0/8", []string{"6.6.6.6", "1.2.3.4, 10.1.1.1"}, "1.2.3.4", true},
		{"127.0.0.0/8", []string{"1.2.3.4, nonsense"}, "127.0.0.1", true},
		{"127.0.0.0/8", nil, "127.0.0.1", true},
	} {
		got, id := address(c.trusted, c.forwarded...)
		if got != c.want || (id == "from-proxy") != c.id {
			t.Errorf("%v: got %s and id %q, want %s", c, got, id, c.want)
		}
	}
}

func TestPersistedQueries(t *testing.T) {
	e := start(t, nil)
	send := func(query, hash string) answer {
		body := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
		if query != "" {
			body["query"] = query
		}
		return e.do(e.request("POST", e.url(), encode(body), "Content-Type", "application/json"))
	}
	hashOf := func(q string) string { s := sha256.Sum256([]byte(q)); return hex.EncodeToString(s[:]) }
	const query, invalid = `{ hello }`, `{ nothing }`
	steps := []struct{ query, hash, code string }{
		{"", hashOf(query), "PERSISTED_QUERY_NOT_FOUND"},
		{query, hashOf(invalid), "BAD_USER_INPUT"},
		{query, hashOf(query), ""},
		{"", hashOf(query), ""},
		{"", "short", "BAD_USER_INPUT"},
		{invalid, hashOf(invalid), "GRAPHQL_VALIDATION_FAILED"},
		{"", hashOf(invalid), "PERSISTED_QUERY_NOT_FOUND"}, // what is not valid is not kept
	}
	for i, s := range steps {
		if a := send(s.query, s.hash); a.code() != s.code {
			t.Errorf("step %d: got %s, want %q", i, a.body, s.code)
		}
	}
}

// shut shuts the server down.
func shut(t *testing.T, e *env) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := e.server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func TestShutdown(t *testing.T) {
	e := start(t, nil)
	s := e.open()
	s.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "the subscription on the socket")
	events := e.stream(`subscription { silence }`)
	wait(t, e.began, "the event stream")
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- e.server.Shutdown(ctx)
	}()
	if got := s.closed(); got.Code != 1012 || !strings.Contains(got.Text, "resume") {
		t.Errorf("socket closed with %v, want 1012", got)
	}
	if got := all(t, events.Body); strings.Contains(got, "complete") {
		t.Errorf("the stream pretends to be complete: %q", got)
	}
	wait(t, e.ended, "the end of one subscription")
	wait(t, e.ended, "the end of the other")
	if err := wait(t, done, "the end of Shutdown"); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if _, _, err := e.tryDial("graphql-transport-ws"); err == nil {
		t.Error("sockets are still accepted")
	}
}

func TestShutdownDoesNotWaitForEver(t *testing.T) {
	e := start(t, nil)
	release := make(chan struct{})
	e.resolvers.Hook = func(context.Context) { e.began <- "remember"; <-release } // deaf to its context
	s := e.open()
	s.subscribe("1", `mutation { remember(value: 1) }`)
	wait(t, e.began, "the mutation")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := e.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v, want that it took too long", err)
	}
	close(release)
}
