package server_test

import (
	"strings"
	"testing"

	"github.com/mark-analyst/mark/server"
)

func TestComplexity(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.Complexity, c.Limits.PageSize = 500, 100 })
	for query, refused := range map[string]bool{
		`{ items(first: 10) { nodes { name } } }`:                                                                false,
		`{ items(first: 100) { nodes { id name } } }`:                                                            false,
		`{ items(first: 100) { nodes { id name items(first: 2) { nodes { id } } } } }`:                           true,
		`{ items(last: 100) { nodes { id name items(last: 2) { nodes { id } } } } }`:                             true,
		`{ items(first: 9223372036854775807) { nodes { items(first: 9223372036854775807) { nodes { id } } } } }`: true,
		`{ items(first: -9223372036854775808) { nodes { name } } }`:                                              false,
		`{ items(first: null) { nodes { name } } }`:                                                              false,
		`{ nodes(ids: ["1", "2"]) { name } }`:                                                                    false,
		`{ nodes(ids: [` + strings.Repeat(`"1" `, 600) + `]) { name } }`:                                         true,
	} {
		a := e.post(query)
		if (a.code() == "LIMIT_EXCEEDED") != refused || !refused && len(a.parsed.Errors) > 0 {
			t.Errorf("%.80s: got %s, want refused %v", query, a.body, refused)
		}
	}
	// The page size may come in a variable, as any number.
	for value, refused := range map[string]bool{`10`: false, `9223372036854775807`: true} {
		body := `{"query":"query($n: Int) { items(first: $n) { nodes { items(first: $n) { nodes { id } } } } }","variables":{"n":` + value + `}}`
		a := e.do(e.request("POST", e.url(), body, "Content-Type", "application/json"))
		if (a.code() == "LIMIT_EXCEEDED") != refused {
			t.Errorf("$n = %s: got %s", value, a.body)
		}
	}
}
