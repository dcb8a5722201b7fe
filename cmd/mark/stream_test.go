package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const eventFields = `subscription($run: ID!, $after: Int!) { runEvents(runId: $run, after: $after) { __typename runId seq at
	... on StepStarted { step { id index state } } ... on ReasoningDelta { stepId text } ... on TextDelta { text } ... on ToolArgsDelta { text }
	... on ToolStarted { tool code } ... on OutputChunk { stream text } ... on OutputAdded { output { name mimeType title } }
	... on UsageUpdated { usage { steps } } ... on StepFinished { step { index state tool } } ... on RunFinished { run { id state lastSeq error { code message } } } } }`

// event is what a subscription delivers.
type event map[string]any

func (e event) seq() int     { n, _ := e["seq"].(float64); return int(n) }
func (e event) kind() string { s, _ := e["__typename"].(string); return s }

// socket is a client of graphql-transport-ws.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
}

func (p *person) dial() *socket {
	p.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 10 * time.Second}
	conn, res, err := dialer.DialContext(p.t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+"/graphql", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	s := &socket{t: p.t, conn: conn}
	s.send(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": "Bearer " + p.token}})
	if m := s.receive(); m["type"] != "connection_ack" {
		p.t.Fatalf("no acknowledgement: %v", m)
	}
	return s
}

func (s *socket) close() { s.conn.Close() }

func (s *socket) send(v any) {
	s.t.Helper()
	if err := s.conn.WriteJSON(v); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) receive() map[string]any {
	s.t.Helper()
	s.conn.SetReadDeadline(time.Now().Add(3 * time.Minute))
	var m map[string]any
	if err := s.conn.ReadJSON(&m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *socket) subscribe(runID string, after int) {
	s.t.Helper()
	s.send(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
		"query": eventFields, "variables": map[string]any{"run": runID, "after": after},
	}})
}

// next is the next event; false at the end.
func (s *socket) next() (event, bool) {
	s.t.Helper()
	for {
		m := s.receive()
		switch m["type"] {
		case "next":
			e, _ := dig(s.t, m, "payload", "data", "runEvents").(map[string]any)
			return e, true
		case "complete":
			return nil, false
		case "ping":
			s.send(map[string]string{"type": "pong"})
		default:
			s.t.Fatalf("unexpected message %v", m)
		}
	}
}

// follow reads a run's events over WebSocket to their end.
func (p *person) follow(runID string, after int) []event {
	p.t.Helper()
	s := p.dial()
	defer s.close()
	s.subscribe(runID, after)
	var events []event
	for {
		e, more := s.next()
		if !more {
			break
		}
		events = append(events, e)
	}
	gapless(p.t, events, after)
	return events
}

// gapless checks what every stream promises.
func gapless(t testing.TB, events []event, after int) {
	t.Helper()
	for i, e := range events {
		if e.seq() != after+i+1 {
			t.Fatalf("event %d after %d has seq %d", i+1, after, e.seq())
		}
		if (e.kind() == "RunFinished") != (i == len(events)-1) {
			t.Fatalf("%s is event %d of %d", e.kind(), i+1, len(events))
		}
	}
}

// followSSE reads a run's events as server-sent events.
func (p *person) followSSE(runID string, after int) []event {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"query": eventFields, "variables": map[string]any{"run": runID, "after": after}})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	req := p.request(bytes.NewReader(body), "application/json").WithContext(ctx)
	req.Header.Set("Accept", "text/event-stream")
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		p.t.Fatalf("status %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	var events []event
	name := ""
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		line := lines.Text()
		if n, ok := strings.CutPrefix(line, "event:"); ok {
			name = strings.TrimSpace(n)
		}
		if data, ok := strings.CutPrefix(line, "data:"); ok && name == "next" {
			var m map[string]any
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				p.t.Fatal(err)
			}
			e, _ := dig(p.t, m, "data", "runEvents").(map[string]any)
			events = append(events, e)
		}
	}
	if name != "complete" {
		p.t.Errorf("the stream ended with %q", name)
	}
	gapless(p.t, events, after)
	return events
}

func kindsOf(events []event) map[string]int {
	out := map[string]int{}
	for _, e := range events {
		out[e.kind()]++
	}
	return out
}
