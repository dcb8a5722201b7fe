package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/caller"
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

func TestAnEntryIsResolvedOnceForAll(t *testing.T) {
	e := start(t, nil)
	j, resolved := e.journal("first", "second")
	var all []*socket
	for range 5 {
		s := e.open(as("alice")...)
		s.follow("a", journalQuery)
		s.follow("b", journalQuery, "after", 1) // another id, another place
		all = append(all, s)
	}
	for _, s := range all { // both have come so far: they follow
		for range 3 {
			s.read()
		}
	}
	events := e.stream(strings.ReplaceAll(journalQuery, "$after: Int! = 0", "$after: Int! = 2"), as("alice")...)
	defer events.Body.Close()

	for n := 3; n <= 400; n++ {
		j.Append(fmt.Sprint(n))
	}
	j.End()
	for _, s := range all {
		next := map[string]int{"a": 3, "b": 3}
		for ended := 0; ended < 2; {
			var m struct {
				ID, Type string
				Payload  struct {
					Data struct {
						Journal struct {
							Number int
							Text   string
						}
					}
				}
			}
			if err := json.Unmarshal([]byte(s.read()), &m); err != nil {
				t.Fatal(err)
			}
			if m.Type == "complete" {
				if ended++; next[m.ID] != 401 {
					t.Fatalf("ended before entry %d", next[m.ID])
				}
				continue
			}
			if got := m.Payload.Data.Journal; got.Number != next[m.ID] || got.Text != fmt.Sprint(got.Number) {
				t.Fatalf("got entry %+v, want %d", got, next[m.ID])
			}
			next[m.ID]++
		}
	}
	for n := 3; n <= 400; n++ {
		// One for the sockets; the stream's document is another.
		if got := resolved.of(n); got < 1 || got > 2 {
			t.Fatalf("entry %d was resolved %d times for 11 subscribers", n, got)
		}
	}
}

func TestEventStreamsShareWithSockets(t *testing.T) {
	e := start(t, nil)
	j, resolved := e.journal("first")
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 1)
	r := bufio.NewReader(e.stream(journalQuery, as("alice")...).Body)
	until := func(part string) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, part) {
				return
			}
		}
	}
	until(`"number":1`)
	j.Append("second")
	until(`data: {"data":{"journal":{"number":2,"text":"second"}}}`)
	s.entries("1", 2, 2)
	if n := resolved.of(2); n != 1 {
		t.Errorf("the entry was resolved %d times", n)
	}
}

func TestViewersShareNothing(t *testing.T) {
	e := start(t, nil)
	j, resolved := e.journal("first")
	const query = `subscription { journal(name: "j") { number reader } }`
	want := map[*socket]string{}
	for _, name := range []string{"alice", "bob", "", ""} {
		s := e.open()
		if name != "" {
			s = e.open(as(name)...)
		}
		s.follow("1", query)
		want[s] = name
	}
	for n := 1; n < 5; n++ {
		for s, name := range want {
			if got := s.entry("1"); got["reader"] != name {
				t.Fatalf("%q reads as %q", name, got["reader"])
			}
		}
		j.Append("more")
	}
	// Who cannot be told from others shares with nobody.
	if n := resolved.of(4); n != 4 {
		t.Errorf("an entry was resolved %d times for 4 viewers", n)
	}
}

func TestSelectionsShareNothing(t *testing.T) {
	e := start(t, nil)
	j, _ := e.journal("first")
	const (
		follows      = `subscription($n: Int!, $after: Int!) { journal(name: "j", after: $after) { number follows(number: $n) } }`
		followsAfter = `subscription($after: Int!) { journal(name: "j", after: $after) { number follows(number: $after) } }`
		spread       = `subscription($after: Int!) { journal(name: "j", after: $after) { number ...F } } fragment F on Entry { follows(number: $after) }`
		include      = `subscription($after: Int!, $yes: Boolean!) { journal(name: "j", after: $after) { number text @include(if: $yes) } }`
		bare         = `subscription($after: Int!) { journal(name: "j", after: $after) { number } }`
		named        = `subscription A { journal(name: "j") { number a: text } } subscription B { journal(name: "j") { number b: text } }`
	)
	s := e.open(as("alice")...)
	for i, c := range []struct {
		query     string
		variables []any
		want      string // of entry 3
	}{
		{follows, []any{"n", 2, "after", 0}, `{"follows":true,"number":3}`},
		{follows, []any{"n", 3, "after", 0}, `{"follows":false,"number":3}`},
		{follows, []any{"n", 2, "after", 2}, `{"follows":true,"number":3}`},
		{followsAfter, []any{"after", 0}, `{"follows":false,"number":3}`},
		{followsAfter, []any{"after", 2}, `{"follows":true,"number":3}`},
		{spread, []any{"after", 0}, `{"follows":false,"number":3}`},
		{spread, []any{"after", 2}, `{"follows":true,"number":3}`},
		{journalQuery, []any{"after", 0}, `{"number":3,"text":"third"}`},
		{bare, []any{"after", 0}, `{"number":3}`},
		{include, []any{"after", 0, "yes", true}, `{"number":3,"text":"third"}`},
		{include, []any{"after", 0, "yes", false}, `{"number":3}`},
	} {
		if i == 0 {
			j.Append("second", "third")
		}
		id := fmt.Sprint(i)
		s.follow(id, c.query, c.variables...)
		for {
			got := s.entry(id)
			if got["number"] != 3.0 {
				continue
			}
			if encode(got) != c.want {
				t.Errorf("%s with %v: got %s, want %s", c.query, c.variables, encode(got), c.want)
			}
			break
		}
	}
	for _, name := range []string{"A", "B"} {
		s.send(encode(map[string]any{"id": name, "type": "subscribe", "payload": map[string]any{"query": named, "operationName": name}}))
		if got := s.entry(name); got[strings.ToLower(name)] != "first" {
			t.Errorf("operation %s: got %v", name, got)
		}
		s.entries(name, 2, 3)
	}
}

func TestErrorsOfAnEntry(t *testing.T) {
	e := start(t, nil)
	j, resolved := e.journal("first")
	const query = `subscription($after: Int! = 0) { journal(name: "j", after: $after) { number fragile } }`
	s, other := e.open(as("alice")...), e.open(as("alice")...)
	for _, s := range []*socket{s, other} {
		s.follow("1", query)
		s.entries("1", 1, 1)
	}
	j.Append("fail", "good")
	for _, s := range []*socket{s, other} {
		if m := s.read(); !strings.Contains(m, `"NOT_FOUND"`) || !strings.Contains(m, `"fragile":null`) || !strings.Contains(m, `"number":2`) {
			t.Errorf("got %s, want the entry with its error", m)
		}
		s.entries("1", 3, 3)
	}
	if failed, good := resolved.of(2), resolved.of(3); failed != 2 || good != 1 {
		t.Errorf("resolved %d and %d times; an error is not shared, for another may have better luck", failed, good)
	}
	// A stream that cannot go on ends for each by itself, and can be resumed.
	j.Append("away", "after that")
	for _, s := range []*socket{s, other} {
		s.expect(`{"id":"1","type":"complete"}`)
		s.follow("1", query, "after", 4)
		s.entries("1", 5, 5)
	}
	j.Append("panic", "after that")
	for _, s := range []*socket{s, other} {
		if code := s.errorCode("1"); code != "INTERNAL" {
			t.Errorf("a panic: %s", code)
		}
		s.follow("1", query, "after", 6)
		s.entries("1", 7, 7)
		s.quiet()
	}
	// What is refused, is refused to each.
	for _, s := range []*socket{s, other} {
		s.follow("2", `subscription { journal(name: "none") { number } }`)
		if code := s.errorCode("2"); code != "NOT_FOUND" {
			t.Errorf("no such journal: %s", code)
		}
	}
}

// Whoever resolves an entry may leave in the middle; who waits for it does it
// then, and who waits may leave, too.
func TestLeavingWhileAnEntryIsResolved(t *testing.T) {
	e := start(t, nil)
	j, resolved := e.journal("first")
	s, other, third := e.open(as("alice")...), e.open(as("alice")...), e.open(as("alice")...)
	for _, s := range []*socket{s, other, third} {
		s.follow("1", journalQuery)
		s.entries("1", 1, 1)
	}
	other.send(`{"id":"1","type":"complete"}`)
	third.send(`{"id":"1","type":"complete"}`)
	other.quiet()
	third.quiet()
	asked, release := make(chan int, 10), make(chan struct{})
	j.Resolved = func(n int) {
		resolved.add(n)
		asked <- n
		<-release
	}
	j.Append("second")
	wait(t, asked, "the first to resolve")
	other.follow("1", journalQuery, "after", 1)
	third.follow("1", journalQuery, "after", 1)
	third.send(`{"id":"1","type":"complete"}`)
	third.quiet()
	third.ws.Close()
	s.send(`{"id":"1","type":"complete"}`)
	s.subscribe("1", `{ hello }`) // the id is free, though what it stood for has not ended yet
	s.expect(`{"id":"1","type":"next","payload":{"data":{"hello":"Hello world"}}}`, `{"id":"1","type":"complete"}`)
	close(release)
	other.entries("1", 2, 2)
	s.quiet() // nothing after the client's complete
	if n := resolved.of(2); n < 1 || n > 2 {
		t.Errorf("resolved %d times", n)
	}
}

// Subscribers come and go at any place while the journal grows.
func TestNothingIsLostOrDoubled(t *testing.T) {
	e := start(t, nil)
	j, _ := e.journal("1")
	const last = 3000 // more than is kept
	written := 1
	grow := func(to int) { // the first subscriber leads, the others keep up or do not
		for ; written < min(to, last); written++ {
			j.Append(fmt.Sprint(written + 1))
		}
		if written == last {
			j.End()
		}
	}
	var done sync.WaitGroup
	for i := range 8 {
		s := e.open(as("alice")...)
		done.Go(func() {
			for at, round := 0, 0; at < last; round++ {
				id := fmt.Sprint(round)
				s.follow(id, journalQuery, "after", at)
				// Each leaves after another number of entries.
				for range 100 + 37*i + round {
					var m struct {
						ID, Type string
						Payload  struct {
							Data struct{ Journal struct{ Number int } }
						}
					}
					_, data, err := s.ws.ReadMessage()
					if err != nil || json.Unmarshal(data, &m) != nil {
						t.Errorf("%v: %s", err, data)
						return
					}
					if m.ID != id { // was on its way when its operation was ended
						continue
					}
					if m.Type == "complete" {
						break
					}
					if m.Payload.Data.Journal.Number != at+1 {
						t.Errorf("got %s after entry %d", data, at)
						return
					}
					at++
					if i == 0 {
						grow(at + 10)
					}
				}
				if err := s.ws.WriteMessage(1, []byte(`{"id":"`+id+`","type":"complete"}`)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
}

// An entry that stands in for others has the number of the last of them, and is
// not that one.
func TestEntriesThatAreReplaced(t *testing.T) {
	e := start(t, nil)
	j, _ := e.journal("first", "second", "third")
	for range 2 { // of whom the first's responses are kept for the second
		s := e.open(as("alice")...)
		s.follow("1", journalQuery)
		s.entries("1", 1, 3)
	}
	j.Replace(3, "all three")
	s := e.open(as("alice")...)
	s.follow("1", journalQuery, "after", 1)
	if got := encode(s.entry("1")); got != `{"number":3,"text":"all three"}` {
		t.Errorf("got %s", got)
	}
}

// laterClock can be put forward.
type laterClock struct {
	mu    sync.Mutex
	later time.Duration
}

func (c *laterClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.later)
}

func TestOldResponsesAreMadeAnew(t *testing.T) {
	c := &laterClock{}
	e := start(t, func(cfg *server.Config) { cfg.Clock = c })
	j, resolved := e.journal("first")
	for i := range 3 {
		s := e.open(as("alice")...)
		s.follow("1", journalQuery)
		s.entries("1", 1, 1)
		if i == 1 {
			j.Append("second")
		}
	}
	before := resolved.of(1)
	c.mu.Lock()
	c.later = 2 * time.Minute
	c.mu.Unlock()
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 2)
	if got := resolved.of(1); before != 2 || got != 3 {
		t.Errorf("resolved %d times, then %d; want 2 and 3", before, got)
	}
}

// watch ends the event streams, and only those, once it is told to.
type watch struct{ end chan struct{} }

func (watch) ExtensionName() string                   { return "watch" }
func (watch) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext is what makes it an extension to gqlgen.
func (watch) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	return nil
}

func (w watch) WatchStream(ctx context.Context) func() error {
	return func() error {
		select {
		case <-w.end:
			if caller.From(ctx).Transport == "sse" {
				return fault.New(fault.Unauthenticated, "The session has ended.")
			}
		default:
		}
		return nil
	}
}

func TestEachStreamIsWatched(t *testing.T) {
	w := watch{make(chan struct{})}
	e := start(t, func(c *server.Config) { c.Extensions = append(c.Extensions, w) })
	j, _ := e.journal("first")
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 1)
	r := bufio.NewReader(e.stream(journalQuery, as("alice")...).Body)
	for line := ""; !strings.Contains(line, `"number":1`); {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	close(w.end)
	j.Append("second", "third")
	rest := all(t, r)
	if strings.Contains(rest, "second") || !strings.Contains(rest, "UNAUTHENTICATED") || !strings.HasSuffix(rest, "event: complete\ndata:\n\n") {
		t.Errorf("the watched stream went on with %q", rest)
	}
	s.entries("1", 2, 3) // the other one goes on
}
