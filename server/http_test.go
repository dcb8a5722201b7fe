package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/server"
)

func TestHTTP(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.BodyBytes = 2000 })
	hello := `{"query":"{ hello }"}`
	jsonType := []string{"Content-Type", "application/json"}
	long := strings.Repeat(" ", 3000)
	get := func(query string) string { return e.url() + "?" + url.Values{"query": {query}}.Encode() }
	const (
		asJSON     = "application/json; charset=utf-8"
		asResponse = "application/graphql-response+json; charset=utf-8"
	)
	for _, c := range []struct {
		name, method, url, body string
		headers                 []string
		status                  int
		contentType, code       string
	}{
		{"plain", "POST", e.url(), hello, jsonType, 200, asJSON, ""},
		{"preferred by quality", "POST", e.url(), hello, append([]string{"Accept", "application/json;q=0.5, application/graphql-response+json"}, jsonType...), 200, asResponse, ""},
		{"excluded by quality", "POST", e.url(), hello, append([]string{"Accept", "application/graphql-response+json;q=0, */*"}, jsonType...), 200, asJSON, ""},
		{"named before wildcard", "POST", e.url(), hello, append([]string{"Accept", "*/*, application/graphql-response+json"}, jsonType...), 200, asResponse, ""},
		{"nothing acceptable", "POST", e.url(), hello, append([]string{"Accept", "text/html"}, jsonType...), 406, asJSON, "BAD_USER_INPUT"},
		{"another charset", "POST", e.url(), hello, []string{"Content-Type", "application/json; charset=latin1"}, 415, asJSON, "BAD_USER_INPUT"},
		{"compressed", "POST", e.url(), hello, append([]string{"Content-Encoding", "gzip"}, jsonType...), 415, asJSON, "BAD_USER_INPUT"},
		{"a form", "POST", e.url(), "query=%7Bhello%7D", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, asJSON, "BAD_USER_INPUT"},
		{"two values", "POST", e.url(), hello + hello, jsonType, 400, asJSON, "BAD_USER_INPUT"},
		{"a batch", "POST", e.url(), "[" + hello + "]", jsonType, 400, asJSON, "BAD_USER_INPUT"},
		{"too large", "POST", e.url(), `{"query":"{ hello }` + long + `"}`, jsonType, 413, asJSON, "LIMIT_EXCEEDED"},
		{"invalid, old clients", "POST", e.url(), `{"query":"{ nothing }"}`, jsonType, 200, asJSON, "GRAPHQL_VALIDATION_FAILED"},
		{"invalid, new clients", "POST", e.url(), `{"query":"{ nothing }"}`, append([]string{"Accept", "application/graphql-response+json"}, jsonType...), 400, asResponse, "GRAPHQL_VALIDATION_FAILED"},
		{"which operation?", "POST", e.url(), `{"query":"query a { hello } query b { hello }"}`, jsonType, 200, asJSON, "GRAPHQL_VALIDATION_FAILED"},
		{"data and errors", "POST", e.url(), `{"query":"{ hello fail(how: NOT_FOUND) }"}`, append([]string{"Accept", "application/graphql-response+json"}, jsonType...), 200, asResponse, "NOT_FOUND"},
		{"a subscription", "POST", e.url(), `{"query":"subscription { count(to: 1) }"}`, jsonType, 406, asJSON, "BAD_USER_INPUT"},
		{"get", "GET", get("{ hello }"), "", nil, 200, asJSON, ""},
		{"get without query", "GET", e.url(), "", nil, 400, asJSON, "BAD_USER_INPUT"},
		{"get with bad variables", "GET", get("{ hello }") + "&variables={", "", nil, 400, asJSON, "BAD_USER_INPUT"},
		{"get that changes something", "GET", get("mutation { remember(value: 1) }"), "", nil, 405, asJSON, "BAD_USER_INPUT"},
		{"put", "PUT", e.url(), hello, jsonType, 405, asJSON, "BAD_USER_INPUT"},
		{"no such token", "POST", e.url(), hello, append([]string{"Authorization", "Bearer mallory"}, jsonType...), 401, asJSON, "UNAUTHENTICATED"},
		{"an old token", "POST", e.url(), hello, append([]string{"Authorization", "Bearer expired"}, jsonType...), 401, asJSON, "UNAUTHENTICATED"},
		{"another scheme", "POST", e.url(), hello, append([]string{"Authorization", "Basic YTpi"}, jsonType...), 401, asJSON, "UNAUTHENTICATED"},
		{"two tokens", "POST", e.url(), hello, append([]string{"Authorization", "Bearer alice", "Authorization", "Bearer bob"}, jsonType...), 401, asJSON, "UNAUTHENTICATED"},
		{"a token that cannot be checked", "POST", e.url(), hello, append([]string{"Authorization", "Bearer broken"}, jsonType...), 503, asJSON, "UNAVAILABLE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := *e
			e.t = t
			a := e.do(e.request(c.method, c.url, c.body, c.headers...))
			if a.status != c.status || a.header.Get("Content-Type") != c.contentType || a.code() != c.code {
				t.Errorf("got %d %s %q, want %d %s %q; body %s",
					a.status, a.header.Get("Content-Type"), a.code(), c.status, c.contentType, c.code, a.body)
			}
			if a.status >= 400 && strings.Contains(a.body, `"data"`) {
				t.Errorf("a refused request has data: %s", a.body)
			}
			if c.status == 405 && a.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if c.status == 401 && a.header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
}

func TestGetWithEverything(t *testing.T) {
	e := start(t, nil)
	q := url.Values{
		"query":         {`query a($n: String) { hello(name: $n) } query b { hello }`},
		"operationName": {"a"},
		"variables":     {`{"n":"Zoë & co"}`},
		"extensions":    {`{"x":1}`},
	}
	a := e.do(e.request("GET", e.url()+"?"+q.Encode(), ""))
	if a.status != 200 || a.parsed.Data["hello"] != "Hello Zoë & co" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestBodyThatDoesNotArrive(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.BodyTimeout = 50 * time.Millisecond })
	for header, status := range map[string]int{
		"Content-Type: application/json":                                  http.StatusRequestTimeout,
		"Content-Type: text/plain":                                        http.StatusUnsupportedMediaType,
		"Content-Type: application/json\r\nAuthorization: Bearer mallory": http.StatusUnauthorized,
	} {
		conn := e.dialTCP("POST /graphql HTTP/1.1\r\nHost: x\r\n" + header + "\r\nContent-Length: 100\r\n\r\n{")
		if got := conn.status(); got != status {
			t.Errorf("%s: status %d, want %d", header, got, status)
		}
	}
}

// TestRefusalReachesAClientThatSendsAllFirst: most clients look for an answer
// only when they have sent everything, also what is refused at its beginning.
func TestRefusalReachesAClientThatSendsAllFirst(t *testing.T) {
	e := start(t, nil)
	const size = 32 << 20 // more than sockets hold
	for header, status := range map[string]int{
		"Content-Type: application/json": http.StatusRequestEntityTooLarge,
		"Content-Type: text/csv":         http.StatusUnsupportedMediaType,
		"Content-Type: multipart/form-data; boundary=b\r\nAuthorization: Bearer expired":       http.StatusUnauthorized,
		"Content-Type: multipart/form-data; boundary=b\r\nAccept: text/html":                   http.StatusNotAcceptable,
		"Content-Type: multipart/form-data; boundary=b\r\nApollo-Require-Preflight: 1\r\nX: 1": http.StatusBadRequest,
	} {
		conn := e.dialTCP(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n", header, size))
		conn.write(strings.Repeat("x", size))
		if got := conn.status(); got != status {
			t.Errorf("%s: status %d, want %d", header, got, status)
		}
	}
	chunked := e.dialTCP("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunked.write(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("x", size)))
	if got := chunked.status(); got != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked: status %d, want 413", got)
	}
}

func TestHangUpCancelsQuery(t *testing.T) {
	e := start(t, nil)
	body := `{"query":"{ wait }"}`
	conn := e.dialTCP("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" + body)
	wait(t, e.began, "the query")
	conn.Close()
	wait(t, e.ended, "its end")
}

func TestQueryTimeout(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.Timeout = 20 * time.Millisecond })
	a := e.post(`{ wait hello }`)
	if a.code() != "UNAVAILABLE" || a.parsed.Data["hello"] != nil && a.parsed.Data["hello"] != "Hello world" {
		t.Errorf("got %s", a.body)
	}
	wait(t, e.ended, "the end of the resolver")
}

func TestSecurityHeadersAndCORS(t *testing.T) {
	e := start(t, func(c *server.Config) { c.AllowedOrigins = []string{"https://mark.example"} })
	a := e.post(`{ hello }`)
	for name, want := range map[string]string{
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if vary := strings.Join(a.header.Values("Vary"), ", "); vary != "Origin, Accept" {
		t.Errorf("Vary: %q", vary)
	}
	for origin, allowed := range map[string]string{"https://mark.example": "https://mark.example", "https://evil.example": ""} {
		a := e.do(e.request("OPTIONS", e.url(), "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type"))
		if got := a.header.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("origin %s: allowed %q, want %q", origin, got, allowed)
		}
		if e.post(`{ hello }`, "Origin", origin).header.Get("Access-Control-Allow-Origin") != allowed {
			t.Errorf("origin %s: the answer differs from the preflight", origin)
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("credentials are allowed")
		}
	}
}
