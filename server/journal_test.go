package server_test

import (
	"encoding/json"
	"sync"

	"github.com/mark-analyst/mark/server/internal/testschema"
)

// resolutions counts how often each entry of a journal was resolved.
type resolutions struct {
	mu sync.Mutex
	n  map[int]int
}

func (r *resolutions) add(number int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[int]int{}
	}
	r.n[number]++
}

func (r *resolutions) of(number int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n[number]
}

// journal gives the server a journal named j.
func (e *env) journal(texts ...string) (*testschema.Journal, *resolutions) {
	r := &resolutions{}
	j := &testschema.Journal{Resolved: r.add}
	j.Append(texts...)
	e.resolvers.Journals = map[string]*testschema.Journal{"j": j}
	// Many begin here, and nobody looks.
	e.resolvers.Began, e.resolvers.Ended = nil, nil
	return j, r
}

const journalQuery = `subscription($after: Int! = 0) { journal(name: "j", after: $after) { number text } }`

// follow subscribes to the journal; variables are pairs.
func (s *socket) follow(id, query string, variables ...any) {
	s.t.Helper()
	v := map[string]any{}
	for i := 0; i < len(variables); i += 2 {
		v[variables[i].(string)] = variables[i+1]
	}
	s.send(encode(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query, "variables": v}}))
}

// entry reads the next entry of the journal for id.
func (s *socket) entry(id string) map[string]any {
	s.t.Helper()
	text := s.read()
	var m struct {
		ID, Type string
		Payload  struct {
			Data struct{ Journal map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Type != "next" || m.ID != id || m.Payload.Data.Journal == nil {
		s.t.Fatalf("got %s, want an entry for %s", text, id)
	}
	return m.Payload.Data.Journal
}

// entries reads the entries from a number to another, each once and in order.
func (s *socket) entries(id string, from, to int) {
	s.t.Helper()
	for n := from; n <= to; n++ {
		if e := s.entry(id); e["number"] != float64(n) {
			s.t.Fatalf("got entry %v, want %d", e["number"], n)
		}
	}
}

func as(token string) []string { return []string{"Authorization", "Bearer " + token} }
