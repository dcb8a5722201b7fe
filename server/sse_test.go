package server_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/server"
)

// stream opens an event stream.
func (e *env) stream(query string, headers ...string) *http.Response {
	e.t.Helper()
	r := e.request(http.MethodPost, e.url(), encode(map[string]any{"query": query}),
		append([]string{"Content-Type", "application/json", "Accept", "text/event-stream"}, headers...)...)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { res.Body.Close() })
	return res
}

func all(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEventStream(t *testing.T) {
	e := start(t, nil)
	for query, want := range map[string]string{
		`subscription { count(to: 2) }`: ":\n\n" +
			"event: next\ndata: {\"data\":{\"count\":1}}\n\n" +
			"event: next\ndata: {\"data\":{\"count\":2}}\n\n" +
			"event: complete\ndata:\n\n",
		`{ hello }`: ":\n\nevent: next\ndata: {\"data\":{\"hello\":\"Hello world\"}}\n\nevent: complete\ndata:\n\n",
	} {
		res := e.stream(query)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
			t.Errorf("%s: %d %s", query, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if got := all(t, res.Body); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	for query, code := range map[string]string{
		`{ nothing }`: "GRAPHQL_VALIDATION_FAILED",
		`subscription { refused(how: NOT_FOUND) }`:                    "NOT_FOUND",
		`subscription { refused(how: PANIC) }`:                        "INTERNAL",
		`subscription { poisoned { value } }`:                         "INTERNAL",
		`subscription { a: count(to:1) silence }`:                     "GRAPHQL_VALIDATION_FAILED",
		`subscription { __typename }`:                                 "GRAPHQL_VALIDATION_FAILED",
		`query { hello @defer }`:                                      "BAD_USER_INPUT",
		`{ ... @defer { hello } }`:                                    "BAD_USER_INPUT",
		`query($v: Nothing) { hello(name: $v) }`:                      "GRAPHQL_VALIDATION_FAILED",
		`query($v: String!) { hello(name: $v) }`:                      "GRAPHQL_VALIDATION_FAILED",
		`query { items(first: 99999999999999999999) { totalCount } }`: "BAD_USER_INPUT",
	} {
		got := all(t, e.stream(query).Body)
		if !strings.Contains(got, `"code":"`+code+`"`) || !strings.HasSuffix(got, "event: complete\ndata:\n\n") {
			t.Errorf("%s: got %q, want %s and the end", query, got, code)
		}
	}
}

func TestEventStreamByGet(t *testing.T) {
	e := start(t, nil)
	a := e.do(e.request("GET", e.url()+"?query=subscription%7Bcount(to:1)%7D", "", "Accept", "text/event-stream"))
	if a.status != 200 || !strings.Contains(a.body, `{"data":{"count":1}}`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	a = e.do(e.request("GET", e.url()+"?query=mutation%7Bremember(value:1)%7D", "", "Accept", "text/event-stream"))
	if a.status != 405 {
		t.Errorf("a mutation by GET: %d %s", a.status, a.body)
	}
}

func TestEventStreamHangUp(t *testing.T) {
	e := start(t, nil)
	res := e.stream(`subscription { silence }`)
	wait(t, e.began, "the subscription")
	res.Body.Close()
	if err := wait(t, e.ended, "its end"); err == nil {
		t.Error("ended without a cause")
	}
}

func TestEventStreamKeepAlive(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.KeepAlive = 10 * time.Millisecond })
	r := bufio.NewReader(e.stream(`subscription { silence }`).Body)
	for range 6 { // the first comment and two more, each with an empty line
		if line, err := r.ReadString('\n'); err != nil || line != ":\n" && line != "\n" {
			t.Fatalf("got %q, %v", line, err)
		}
	}
}

func TestEventStreamOfSlowConsumer(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.WriteTimeout = 100 * time.Millisecond })
	e.stream(`subscription { flood(size: 200000) }`) // never read
	wait(t, e.began, "the flood")
	if err := wait(t, e.ended, "its end"); err == nil {
		t.Error("the flood ended by itself")
	}
}

func TestEventStreamEndsWithItsToken(t *testing.T) {
	got := all(t, start(t, nil).stream(`subscription { silence }`, "Authorization", "Bearer brief").Body)
	if !strings.Contains(got, `"code":"UNAUTHENTICATED"`) || !strings.HasSuffix(got, "event: complete\ndata:\n\n") {
		t.Errorf("got %q", got)
	}
}
