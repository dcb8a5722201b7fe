package server_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/server"
)

const initMessage = `{"type":"connection_init"}`

func TestCloseCodes(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.SocketMessage = 4096 })
	silence := `{"id":"1","type":"subscribe","payload":{"query":"subscription { silence }"}}`
	for _, c := range []struct {
		name   string
		send   []string
		code   int
		reason string // a part of it
	}{
		{"not JSON", []string{`hello`}, 4400, "Invalid message"},
		{"not an object", []string{`[1]`}, 4400, "Invalid message"},
		{"a type that does not exist", []string{`{"type":"start"}`}, 4400, "unknown type"},
		{"a type of the server's", []string{initMessage, `{"id":"1","type":"next","payload":{}}`}, 4400, "unknown type"},
		{"no type", []string{`{}`}, 4400, "unknown type"},
		{"init with a list", []string{`{"type":"connection_init","payload":[]}`}, 4400, "object"},
		{"init with a token that is no text", []string{`{"type":"connection_init","payload":{"authorization":1}}`}, 4400, "authorization"},
		{"init with two tokens", []string{`{"type":"connection_init","payload":{"authorization":"Bearer alice","Authorization":"Bearer bob"}}`}, 4400, "authorization"},
		{"ping with a text", []string{`{"type":"ping","payload":"x"}`}, 4400, "object"},
		{"subscribe without id", []string{initMessage, `{"type":"subscribe","payload":{"query":"{ hello }"}}`}, 4400, "id"},
		{"subscribe with a number for id", []string{initMessage, `{"id":1,"type":"subscribe","payload":{"query":"{ hello }"}}`}, 4400, "Invalid message"},
		{"subscribe with a huge id", []string{initMessage, `{"id":"` + strings.Repeat("i", 129) + `","type":"subscribe","payload":{"query":"{ hello }"}}`}, 4400, "id"},
		{"subscribe without payload", []string{initMessage, `{"id":"1","type":"subscribe"}`}, 4400, "object"},
		{"subscribe without query", []string{initMessage, `{"id":"1","type":"subscribe","payload":{}}`}, 4400, "query is missing"},
		{"subscribe with variables that are a list", []string{initMessage, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }","variables":[]}}`}, 4400, "variables must be an object"},
		{"complete without id", []string{initMessage, `{"type":"complete"}`}, 4400, "id"},
		{"subscribe before init", []string{silence}, 4401, "Unauthorized"},
		{"a token that is not valid", []string{`{"type":"connection_init","payload":{"authorization":"Bearer mallory"}}`}, 4403, "Forbidden"},
		{"a token that has expired", []string{`{"type":"connection_init","payload":{"authorization":"Bearer expired"}}`}, 4403, "Forbidden"},
		{"another scheme", []string{`{"type":"connection_init","payload":{"authorization":"Basic alice"}}`}, 4403, "Forbidden"},
		{"no token after the scheme", []string{`{"type":"connection_init","payload":{"authorization":"Bearer "}}`}, 4403, "Forbidden"},
		{"a token that ends", []string{`{"type":"connection_init","payload":{"authorization":"Bearer brief"}}`}, 4403, "Token expired"},
		{"an id in use", []string{initMessage, silence, silence}, 4409, "Subscriber for 1 already exists"},
		{"a second init", []string{initMessage, initMessage}, 4429, "Too many initialisation requests"},
		{"a token that cannot be checked", []string{`{"type":"connection_init","payload":{"authorization":"Bearer broken"}}`}, 1013, "Try again later"},
		{"a defect in the server", []string{`{"type":"connection_init","payload":{"authorization":"Bearer defect"}}`}, 1011, "Internal server error"},
		{"two inits, the first of which is still looked at", []string{initMessage + " ", initMessage}, 4429, "Too many"},
		{"a second init after one that was refused for its form", []string{`{"type":"connection_init","payload":1}`, initMessage}, 4400, "object"},
		{"complete for nothing, before init", []string{`{"type":"complete"}`}, 4400, "id"},
		{"subscribe with a query that is a number", []string{initMessage, `{"id":"1","type":"subscribe","payload":{"query":1}}`}, 4400, "query must be a string"},
		{"subscribe with an operationName that is a list", []string{initMessage, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }","operationName":[]}}`}, 4400, "operationName must be a string"},
		{"subscribe with extensions that are a text", []string{initMessage, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }","extensions":"x"}}`}, 4400, "extensions must be an object"},
		{"pong with a list", []string{`{"type":"pong","payload":[]}`}, 4400, "object"},
		{"a message that is too large", []string{initMessage, `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 5000) + `"}}`}, 1009, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := *e
			e.t = t
			s := e.dial()
			s.send(c.send...)
			got := s.closed()
			if got.Code != c.code || !strings.Contains(got.Text, c.reason) {
				t.Errorf("closed with %d %q, want %d with %q", got.Code, got.Text, c.code, c.reason)
			}
		})
	}
}

func TestCloseOnBinary(t *testing.T) {
	s := start(t, nil).dial()
	if err := s.ws.WriteMessage(websocket.BinaryMessage, []byte(initMessage)); err != nil {
		t.Fatal(err)
	}
	if got := s.closed(); got.Code != 4400 {
		t.Errorf("closed with %v, want 4400", got)
	}
}

func TestCloseOtherSubprotocol(t *testing.T) {
	e := start(t, nil)
	for _, protocol := range []string{"", "graphql-ws"} { // none, and the one of old
		ws, _, err := e.tryDial(protocol)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&socket{t, ws}).closed(); got.Code != 4406 {
			t.Errorf("%q: closed with %v, want 4406", protocol, got)
		}
	}
}

func TestCloseWithoutInit(t *testing.T) {
	t.Parallel() // it waits for most of its time, as the others do that say so
	// One socket must make use of it.
	e := start(t, func(c *server.Config) { c.Limits.SocketInit = 3 * time.Second })
	initialised, s := e.open(), e.dial()
	if got := s.closed(); got.Code != 4408 || got.Text != "Connection initialisation timeout" {
		t.Errorf("closed with %v, want 4408", got)
	}
	initialised.quiet() // although it is older
}

// narrow is a listener whose connections hold little of what their clients do not
// read: there is little to read before the end is heard of, for which time is short.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(64 << 10)
	}
	return c, err
}

func TestSlowConsumerIsCutOff(t *testing.T) {
	e := start(t, func(c *server.Config) {
		c.Limits.SendTimeout = 100 * time.Millisecond
		c.Limits.SocketQueue = 4
	})
	e.host = e.behind(func(l net.Listener) net.Listener { return narrow{l} })
	s := e.open()
	s.subscribe("1", `subscription { flood(size: 200000) }`)
	wait(t, e.began, "the flood")
	// Not reading is all that is needed: the sockets' buffers fill up, then
	// the queue, then the subscription waits, and at last it is cancelled.
	if err := wait(t, e.ended, "its end"); err == nil {
		t.Error("the flood ended by itself")
	}
	// Whoever wakes up in time is told.
	if got := s.closed(); got.Code != 4413 || got.Text != "Slow consumer: connect again and resume with `after`" {
		t.Errorf("closed with %v, want 4413", got)
	}
}

func TestConsumerThatKeepsUpIsNotCutOff(t *testing.T) {
	e := start(t, func(c *server.Config) {
		c.Limits.SendTimeout = patience // each message waits for the one before it
		c.Limits.SocketQueue = 1
	})
	s := e.open()
	s.subscribe("1", `subscription { flood(size: 100000) }`)
	for range 500 { // 50 MB through a queue of one message
		s.read()
	}
	s.send(`{"id":"1","type":"complete"}`)
	wait(t, e.ended, "the end of the flood")
}

func TestSilentPeerIsDropped(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *server.Config) { c.Limits.KeepAlive = 2 * time.Second })
	s := e.open()
	pings := make(chan string, 100)
	s.ws.SetPingHandler(func(data string) error { pings <- data; return nil }) // and no pong
	s.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "the subscription")
	if _, _, err := s.next(); err == nil {
		t.Error("got a message, want the end")
	}
	wait(t, pings, "a ping")
	wait(t, e.ended, "the end of the subscription")
}

func TestAnsweringPeerIsKept(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *server.Config) { c.Limits.KeepAlive = 2 * time.Second }) // which an answer has to arrive
	s := e.open()
	pings, reply := 0, s.ws.PingHandler()
	s.ws.SetPingHandler(func(data string) error {
		if pings++; pings == 3 { // longer than silence is suffered
			s.subscribe("1", `{ hello }`)
		}
		return reply(data)
	})
	s.expect(`{"id":"1","type":"next","payload":{"data":{"hello":"Hello world"}}}`)
}
