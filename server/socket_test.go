package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// socket is a client that does only what a test tells it.
type socket struct {
	t  testing.TB
	ws *websocket.Conn
}

func (e *env) dial(headers ...string) *socket {
	e.t.Helper()
	ws, _, err := e.tryDial("graphql-transport-ws", headers...)
	if err != nil {
		e.t.Fatal(err)
	}
	return &socket{e.t, ws}
}

func (e *env) tryDial(protocol string, headers ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	d := websocket.Dialer{HandshakeTimeout: patience}
	if protocol != "" {
		d.Subprotocols = []string{protocol}
	}
	ws, res, err := d.Dial("ws://"+e.host+"/graphql", h)
	if err == nil {
		e.t.Cleanup(func() { ws.Close() })
	}
	return ws, res, err
}

// open is dial and the handshake of the protocol.
func (e *env) open(headers ...string) *socket {
	e.t.Helper()
	s := e.dial(headers...)
	s.send(`{"type":"connection_init"}`)
	s.expect(`{"type":"connection_ack"}`)
	return s
}

func (s *socket) send(messages ...string) {
	s.t.Helper()
	for _, m := range messages {
		if err := s.ws.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *socket) subscribe(id, query string) {
	s.t.Helper()
	s.send(encode(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}}))
}

// expect reads the next messages, whatever the order of their members.
func (s *socket) expect(messages ...string) {
	s.t.Helper()
	for _, want := range messages {
		if got := s.read(); normal(s.t, got) != normal(s.t, want) {
			s.t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// next reads a message, for which it has patience.
func (s *socket) next() (kind int, data []byte, err error) {
	_ = s.ws.SetReadDeadline(time.Now().Add(patience))
	return s.ws.ReadMessage()
}

func (s *socket) read() string {
	s.t.Helper()
	_, data, err := s.next()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// errorCode reads an "error" message for id and returns its extensions.code.
func (s *socket) errorCode(id string) string {
	s.t.Helper()
	text := s.read()
	var m struct {
		ID, Type string
		Payload  []struct{ Extensions map[string]any }
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Type != "error" || m.ID != id || len(m.Payload) == 0 {
		s.t.Fatalf("got %s, want an error for %s", text, id)
	}
	code, _ := m.Payload[0].Extensions["code"].(string)
	return code
}

// quiet proves that nothing else is on its way: messages are sent in order, so
// a pong can only be next when nothing is.
func (s *socket) quiet() {
	s.t.Helper()
	s.send(`{"type":"ping"}`)
	s.expect(`{"type":"pong"}`)
}

// closed reads until the socket is closed and returns why.
func (s *socket) closed() *websocket.CloseError {
	s.t.Helper()
	for {
		_, _, err := s.next()
		if e := (*websocket.CloseError)(nil); errors.As(err, &e) {
			return e
		}
		if err != nil {
			s.t.Fatalf("not closed but broken: %v", err)
		}
	}
}

func normal(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return encode(v)
}
