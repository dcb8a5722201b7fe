package gqlhttp

import (
	"net/http"
	"testing"
)

func TestNegotiate(t *testing.T) {
	for accept, want := range map[string]string{
		"":                             mediaJSON,
		"*/*":                          mediaJSON,
		"application/*":                mediaJSON,
		"APPLICATION/JSON":             mediaJSON,
		"text/event-stream":            mediaEvents,
		"text/event-stream, */*;q=0.1": mediaEvents,
		"application/graphql-response+json, application/json;q=0.9": mediaResponse,
		"application/json, application/graphql-response+json":       mediaJSON,
		"application/graphql-response+json; charset=utf-8":          mediaResponse,
		"application/graphql-response+json; charset=latin1":         "",
		"application/json;q=0":                                      "",
		"application/json;q=x, text/event-stream;q=0.2":             mediaEvents,
		"text/html, application/xhtml+xml, */*;q=0.8":               mediaJSON,
		"text/html":             "",
		";;;, application/json": mediaJSON,
		"multipart/mixed, application/graphql-response+json;q=1, */*;q=1": mediaResponse,
	} {
		r := &http.Request{Header: http.Header{}}
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		if got := negotiate(r); got != want {
			t.Errorf("%q: got %q, want %q", accept, got, want)
		}
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add("application/json;q=0.5, */*")
	f.Fuzz(func(t *testing.T, accept string) {
		switch got := negotiate(&http.Request{Header: http.Header{"Accept": {accept}}}); got {
		case "", mediaJSON, mediaResponse, mediaEvents:
		default:
			t.Errorf("%q: got %q", accept, got)
		}
	})
}
