package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

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

// Whoever comes first begins the operation that all of them go on with: it does not
// end with them, and is begun once.
func TestTheFirstToFollowLeaves(t *testing.T) {
	e := start(t, nil)
	j, resolved := e.journal("1")
	begun := make(chan string, 100)
	e.resolvers.Began = begun
	first, other := e.open(as("alice")...), e.open(as("alice")...)
	first.follow("1", journalQuery)
	first.entries("1", 1, 1)
	if n := len(begun); n != 1 {
		t.Errorf("for one subscriber the operation was begun %d times", n)
	}
	other.follow("1", journalQuery)
	other.entries("1", 1, 1)
	first.send(`{"id":"1","type":"complete"}`)
	first.quiet()
	first.ws.Close()
	for n := 2; n < 20; n++ {
		j.Append(fmt.Sprint(n))
		other.entries("1", n, n)
		if got := resolved.of(n); got != 1 {
			t.Fatalf("entry %d was resolved %d times", n, got)
		}
	}
	if n := len(begun); n != 2 {
		t.Errorf("for two subscribers the operation was begun %d times", n)
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
					_, data, err := s.next()
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
