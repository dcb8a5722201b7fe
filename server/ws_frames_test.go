package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/server"
)

// gate is a listener whose connections' writes can be held up, and are noted. A
// close frame that is written alone is not held up.
type gate struct {
	net.Listener
	writes chan int  // the length of each write, when it begins
	wire   chan byte // the first byte of each, when it was written

	mu   sync.Mutex // protects held
	held chan struct{}
}

func newGate(l net.Listener) *gate {
	return &gate{Listener: l, writes: make(chan int, 1<<16), wire: make(chan byte, 1<<16)}
}

// hold holds writes up until release is called; one lets a single one pass.
func (g *gate) hold() (one, release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := make(chan struct{})
	g.held = held
	return func() { held <- struct{}{} }, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.held = nil
		close(held)
	}
}

func (g *gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	return gatedConn{c, g}, err
}

type gatedConn struct {
	net.Conn
	gate *gate
}

func (c gatedConn) Write(p []byte) (int, error) {
	c.gate.mu.Lock()
	held := c.gate.held
	c.gate.mu.Unlock()
	c.gate.writes <- len(p)
	if held != nil && p[0] != closeByte {
		<-held
	}
	n, err := c.Conn.Write(p)
	c.gate.wire <- p[0]
	return n, err
}

// closeByte is what a close frame begins with (RFC 6455, 5.2).
const closeByte = 0x80 | websocket.CloseMessage

// behind serves e's server on a listener of its own and returns its address.
func (e *env) behind(wrap func(net.Listener) net.Listener) string {
	e.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	go e.server.Serve(wrap(l)) // until the server is shut down
	return l.Addr().String()
}

// What waits goes out at once, and no more waits than may.
func TestWhatWaitsIsWrittenAtOnce(t *testing.T) {
	const queue = 50
	e := start(t, func(c *server.Config) { c.Limits.SocketQueue = queue })
	var g *gate
	e.host = e.behind(func(l net.Listener) net.Listener { g = newGate(l); return g })
	j, resolved := e.journal("first")
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 1)
	for len(g.writes) > 0 {
		<-g.writes
	}
	_, release := g.hold()
	j.Append(make([]string, 10*queue)...)
	first := wait(t, g.writes, "a write")
	// The queue is full when one more entry was resolved than fits.
	eventually(t, "a full queue", func() bool { return resolved.of(queue+2) > 0 })
	release()
	second := wait(t, g.writes, "the next write")
	const shortest = len(`..{"id":"1","type":"next","payload":{"data":{"journal":{"number":2,"text":""}}}}`)
	if first+second < queue*shortest {
		t.Errorf("writes of %d and then %d bytes, while %d messages waited", first, second, queue)
	}
	s.entries("1", 2, 1+10*queue)
}

// A subscription does not run ahead of a client that does not read.
func TestTheQueueIsBounded(t *testing.T) {
	const queue = 50
	e := start(t, func(c *server.Config) { c.Limits.SocketQueue = queue })
	var g *gate
	gated := *e
	gated.host = e.behind(func(l net.Listener) net.Listener { g = newGate(l); return g })
	j, resolved := e.journal("first")
	s := gated.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 1)
	_, release := g.hold()
	defer release()
	j.Append(make([]string, 10*queue)...)
	eventually(t, "a full queue", func() bool { return resolved.of(queue+2) > 0 })
	// It would be there by now: the same server answers others meanwhile.
	for range 20 {
		e.post(`{ hello }`)
	}
	if resolved.of(queue+3) > 0 {
		t.Error("the subscription runs ahead of its client")
	}
}

// Nothing comes after a close frame: neither what was being written when the socket
// was closed nor what was to be written next.
func TestNothingFollowsTheCloseFrame(t *testing.T) {
	const queue = 50
	e := start(t, func(c *server.Config) { c.Limits.SocketQueue = queue })
	plain := *e
	var g *gate
	e.host = e.behind(func(l net.Listener) net.Listener { g = newGate(l); return g })
	j, resolved := e.journal("first")
	e.resolvers.Ended = e.ended
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 1)
	for len(g.writes) > 0 {
		<-g.writes
		wait(t, g.wire, "the end of a write")
	}
	one, release := g.hold()
	for range 2 * queue {
		j.Append(strings.Repeat("x", 10_000))
	}
	wait(t, g.writes, "a write")
	eventually(t, "a full queue", func() bool { return resolved.of(queue+2) > 0 })
	one()
	wait(t, g.writes, "the first of several writes")
	s.send("rubbish")
	wait(t, e.ended, "the end of the subscription")
	// A close frame that does not wait would be there by now.
	for range 20 {
		plain.post(`{ hello }`)
	}
	release()
	if got := s.closed(); got.Code != 4400 {
		t.Errorf("closed with %v", got)
	}
	eventually(t, "the end of the socket", func() bool { return strings.Contains(e.log.String(), "socket closed") })
	var wire []byte
	for len(g.wire) > 0 {
		wire = append(wire, <-g.wire)
	}
	const text = 0x80 | websocket.TextMessage
	if want := []byte{text, text, closeByte}; !bytes.Equal(wire, want) {
		t.Errorf("frames on the wire began with %x, want %x", wire, want)
	}
}

// Texts of every length that the header of a frame, or the way to write one, may
// depend on.
func TestMessagesOfEveryLength(t *testing.T) {
	e := start(t, nil)
	j, _ := e.journal()
	var lengths []int
	for _, around := range []int{0, 126, 1 << 14, 1 << 16, 1 << 17} {
		for d := -130; d < 10; d++ {
			if n := around + d; n >= 0 {
				lengths = append(lengths, n)
				j.Append(strings.Repeat("x", n))
			}
		}
	}
	hosts := []string{e.host, e.behind(func(l net.Listener) net.Listener {
		return newGate(l) // on which several parts cannot be written at once
	})}
	for _, host := range hosts {
		e.host = host
		s := e.open(as("alice")...)
		s.follow("1", journalQuery)
		for i, n := range lengths {
			if got := s.entry("1"); got["number"] != float64(i+1) || len(got["text"].(string)) != n {
				t.Fatalf("got entry %v of %d bytes, want %d of %d", got["number"], len(got["text"].(string)), i+1, n)
			}
		}
		s.quiet()
	}
}

func TestControlPingsAreAnswered(t *testing.T) {
	e := start(t, nil)
	s := e.dial() // before and after connection_init alike
	pongs := make(chan string, 10)
	s.ws.SetPongHandler(func(data string) error { pongs <- data; return nil })
	deadline := time.Now().Add(patience)
	if err := s.ws.WriteControl(websocket.PingMessage, []byte("one"), deadline); err != nil {
		t.Fatal(err)
	}
	s.send(initMessage)
	s.expect(`{"type":"connection_ack"}`)
	s.subscribe("1", `subscription { flood(size: 1000) }`)
	s.read()
	if err := s.ws.WriteControl(websocket.PingMessage, []byte("two"), deadline); err != nil {
		t.Fatal(err)
	}
	for len(pongs) < 2 {
		s.read()
	}
	if one, two := <-pongs, <-pongs; one != "one" || two != "two" {
		t.Errorf("answered with %q and %q", one, two)
	}
}

// The client closes: its code comes back, nothing follows, and what it had begun
// ends.
func TestClientCloses(t *testing.T) {
	for _, code := range []int{websocket.CloseNormalClosure, websocket.CloseGoingAway, 4000, websocket.CloseNoStatusReceived} {
		e := start(t, nil)
		s := e.open()
		s.subscribe("1", `subscription { silence }`)
		wait(t, e.began, "the subscription")
		frame := websocket.FormatCloseMessage(code, "enough")
		if err := s.ws.WriteControl(websocket.CloseMessage, frame, time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if got := s.closed(); got.Code != code {
			t.Errorf("closed with %d, answered with %v", code, got)
		}
		wait(t, e.ended, "the end of the subscription")
		eventually(t, "a line in the log", func() bool {
			return strings.Contains(e.log.String(), fmt.Sprintf(`"code":%d`, code))
		})
	}
}

// A close frame comes between frames and not within one, whatever is being
// written.
func TestCloseWhileWriting(t *testing.T) {
	e := start(t, nil)
	var sockets []*socket
	for range 10 {
		s := e.open()
		s.subscribe("1", `subscription { flood(size: 300000) }`)
		s.read()
		sockets = append(sockets, s)
	}
	var done sync.WaitGroup
	for i, s := range sockets {
		done.Go(func() {
			if i%2 == 0 { // else the server's shutdown does it
				_ = s.ws.WriteMessage(websocket.TextMessage, []byte("rubbish"))
			}
			for {
				kind, data, err := s.next()
				if err != nil {
					if !websocket.IsCloseError(err, 4400, websocket.CloseServiceRestart) {
						t.Errorf("the stream of frames broke: %v", err)
					}
					return
				}
				if kind != websocket.TextMessage || !json.Valid(data) {
					t.Errorf("a message of kind %d and %d bytes is not whole", kind, len(data))
				}
			}
		})
	}
	shut(t, e)
	done.Wait()
}
