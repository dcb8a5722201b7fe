package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/internal/testschema"
)

func TestErrorsAsClientsSeeThem(t *testing.T) {
	e := start(t, nil)
	for _, c := range []struct{ query, message, extensions string }{
		{`{ fail(how: PLAIN) }`, `Something went wrong on our side.`, `{"code":"INTERNAL","requestId":"req_"}`},
		{`{ fail(how: PANIC) }`, `Something went wrong on our side.`, `{"code":"INTERNAL","requestId":"req_"}`},
		{`{ failHard(how: PLAIN) }`, `Something went wrong on our side.`, `{"code":"INTERNAL","requestId":"req_"}`},
		{`{ fail(how: NOT_FOUND) }`, `There is no such thing.`, `{"code":"NOT_FOUND"}`},
		{`{ fail(how: BAD_INPUT) }`, `That is no colour.`, `{"code":"BAD_USER_INPUT","field":"input.colour"}`},
		{`{ fail(how: RATE_LIMITED) }`, `Too often.`, `{"code":"RATE_LIMITED","retryAfter":2}`},
		{`{ fail(how: TIMEOUT) }`, `The operation took too long and was ended.`, `{"code":"UNAVAILABLE"}`},
		{`mutation { uploadMany(files: ["x"]) { size } }`, `The value of files.0 is not valid.`, `{"code":"BAD_USER_INPUT","field":"files.0"}`},
		{`mutation { upload(input: {file: "x"}) { size } }`, `The value of input.file is not valid.`, `{"code":"BAD_USER_INPUT","field":"input.file"}`},
		{`{ helo }`, `Cannot query field "helo" on type "Query". Did you mean "hello"?`, `{"code":"GRAPHQL_VALIDATION_FAILED"}`},
		{`{ hello `, `Expected Name, found <EOF>`, `{"code":"GRAPHQL_PARSE_FAILED"}`},
	} {
		a := e.post(c.query)
		if len(a.parsed.Errors) != 1 {
			t.Errorf("%s: got %s", c.query, a.body)
			continue
		}
		got := a.parsed.Errors[0]
		id, _ := got.Extensions["requestId"].(string)
		if id != "" {
			if id != a.header.Get("X-Request-Id") {
				t.Errorf("%s: request id %q, but the header says %q", c.query, id, a.header.Get("X-Request-Id"))
			}
			got.Extensions["requestId"] = "req_"
		}
		if got.Message != c.message || encode(got.Extensions) != c.extensions {
			t.Errorf("%s: got %q %s, want %q %s", c.query, got.Message, encode(got.Extensions), c.message, c.extensions)
		}
		if strings.Contains(a.body, testschema.Secret) || strings.Contains(a.body, "goroutine") {
			t.Errorf("%s: the cause is shown: %s", c.query, a.body)
		}
		if id != "" && !regexp.MustCompile(`internal error.*`+id+`.*`+regexp.QuoteMeta(testschema.Secret)).MatchString(e.log.String()) {
			t.Errorf("%s: the cause is not in the log under %s", c.query, id)
		}
	}
}

func TestInvalidJSONOfAScalarIsNotSent(t *testing.T) {
	e := start(t, nil)
	if a := e.post(`{ rubbish }`); a.status != 500 || a.code() != "INTERNAL" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	s := e.open()
	s.subscribe("1", `{ rubbish }`)
	if code := s.errorCode("1"); code != "INTERNAL" {
		t.Errorf("got %s", code)
	}
}

func TestRateLimit(t *testing.T) {
	now := time.Now()
	e := start(t, func(c *server.Config) {
		c.Limits.Address.PerSecond, c.Limits.Address.Burst = 0.5, 2
		c.Limits.Viewer.PerSecond, c.Limits.Viewer.Burst = 0.5, 3
		c.Clock = clockAt(now)
	})
	for i := range 2 {
		if a := e.post(`{ hello }`); a.status != 200 {
			t.Fatalf("operation %d: %d %s", i, a.status, a.body)
		}
	}
	a := e.post(`{ hello }`)
	if a.status != http.StatusTooManyRequests || a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") != "2" ||
		a.parsed.Errors[0].Extensions["retryAfter"] != 2.0 {
		t.Errorf("got %d, Retry-After %q, %s", a.status, a.header.Get("Retry-After"), a.body)
	}
	// A person has an allowance of their own, on every transport.
	for range 2 {
		if a := e.post(`{ hello }`, "Authorization", "Bearer alice"); a.status != 200 {
			t.Errorf("alice: %d %s", a.status, a.body)
		}
	}
	s := e.open("Authorization", "Bearer alice")
	s.subscribe("1", `{ hello }`)
	s.expect(`{"id":"1","type":"next","payload":{"data":{"hello":"Hello world"}}}`, `{"id":"1","type":"complete"}`)
	s.subscribe("2", `{ hello }`)
	if code := s.errorCode("2"); code != "RATE_LIMITED" {
		t.Errorf("alice's fourth: %s", code)
	}
	if a := e.post(`{ hello }`, "Authorization", "Bearer bob"); a.status != 200 {
		t.Errorf("bob: %d %s", a.status, a.body)
	}
}

func TestProductionGivesTheSchemaAwayNeitherWay(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Production = true })
	for query, code := range map[string]string{
		`{ __schema { types { name } } }`:                           "FORBIDDEN",
		`{ __type(name: "User") { name } }`:                         "FORBIDDEN",
		`{ ...f } fragment f on Query { __schema { description } }`: "FORBIDDEN",
		`{ helo }`:                             "GRAPHQL_VALIDATION_FAILED",
		`{ hello(nam: "x") }`:                  "GRAPHQL_VALIDATION_FAILED",
		`{ fail(how: PLAI) }`:                  "GRAPHQL_VALIDATION_FAILED",
		`{ ... on Quer { hello } }`:            "GRAPHQL_VALIDATION_FAILED",
		`query($n: Strin) { hello(name: $n) }`: "GRAPHQL_VALIDATION_FAILED",
		`{ items { nodes } }`:                  "GRAPHQL_VALIDATION_FAILED",
	} {
		a := e.post(query)
		if a.code() != code || strings.Contains(a.body, "Did you mean") {
			t.Errorf("%s: got %s", query, a.body)
		}
	}
	if a := e.post(`{ __typename }`); a.parsed.Data["__typename"] != "Query" {
		t.Errorf("__typename: %s", a.body)
	}
	if a := start(t, nil).post(`{ __schema { queryType { name } } }`); len(a.parsed.Errors) != 0 {
		t.Errorf("introspection in development: %s", a.body)
	}
}
