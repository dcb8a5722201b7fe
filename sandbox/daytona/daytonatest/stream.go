package daytonatest

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// message is what a run tells.
type message struct {
	Type      string `json:"type"`
	Text      string `json:"text,omitempty"`
	Name      string `json:"name,omitempty"`
	Value     string `json:"value,omitempty"`
	Traceback string `json:"traceback,omitempty"`
}

// Run is a run of code that is about to begin: set what shall happen to it.
type Run struct {
	Sandbox string
	Code    string
	Timeout *int64 // seconds, as it was asked for

	Split     bool // messages come in pieces
	Lose      int  // the message of this number is lost, from 1
	BreakAt   int  // after so many messages the connection breaks while the code goes on
	KillAt    int  // after so many messages the interpreter is killed
	CloseAt   int  // after so many messages the connection is closed,
	CloseCode int  // with this,
	CloseText string
	Stall     time.Duration // nothing is sent for so long
	TimeOut   bool          // its time is over at once
	Inject    []string      // lines of standard output that come first
}

// clientBuffer is how many messages may wait for a client.
const clientBuffer = 256

// client is who listens to a run.
type client struct {
	run  *Run
	conn *websocket.Conn
	send chan message
	kill func() // the interpreter
	slow *atomic.Int64
	all  *atomic.Int64 // messages

	mu     sync.Mutex
	closed bool // guarded by mu; no more is sent
	code   int  // guarded by mu; to close with
	text   string
}

func (s *Server) execute(w http.ResponseWriter, r *http.Request, b *Sandbox) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	var q struct {
		Code      string
		ContextID string
		Timeout   *int64
	}
	refuse := func(code int, text string) {
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
	}
	if err := conn.ReadJSON(&q); err != nil {
		refuse(websocket.CloseProtocolError, "invalid JSON payload")
		return
	}
	if q.Code == "" {
		refuse(closePolicy, "code is required")
		return
	}
	run := &Run{Sandbox: b.ID, Code: q.Code, Timeout: q.Timeout}
	s.mu.Lock()
	i, ask := b.interps[q.ContextID], s.onRun
	s.mu.Unlock()
	if ask != nil {
		ask(run)
	}
	if i == nil {
		refuse(closePolicy, "context not found: "+q.ContextID)
		return
	}
	if err := i.start(); err != nil { // an interpreter that ended is started anew, empty
		refuse(websocket.CloseInternalServerErr, err.Error())
		return
	}
	timeout := 10 * time.Minute
	if q.Timeout != nil {
		timeout = time.Duration(*q.Timeout) * time.Second // 0 is for ever
	}
	c := &client{run: run, conn: conn, send: make(chan message, clientBuffer), slow: &s.slow, all: &s.messages}
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	go c.read()
	i.run(c, q.Code, timeout)
	c.close(closeDone, "")
	<-written
}

// read takes note of the other end's leaving.
func (c *client) read() {
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			return
		}
	}
}

// tell sends a message, unless the client is too slow: then it is closed.
func (c *client) tell(m message) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	select {
	case c.send <- m:
		c.mu.Unlock()
	default:
		c.mu.Unlock()
		c.slow.Add(1)
		c.close(closePolicy, "slow consumer")
	}
}

// close has the connection closed after what is on its way. The first call counts.
func (c *client) close(code int, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed, c.code, c.text = true, code, text
	close(c.send)
}

func (c *client) write() {
	for _, line := range c.run.Inject {
		_ = c.conn.WriteJSON(message{Type: "stdout", Text: line + "\n"})
	}
	if c.run.Stall > 0 {
		time.Sleep(c.run.Stall)
	}
	sent := 0
	for m := range c.send {
		if m.Type == "stdout" {
			sent++
			c.all.Add(1)
			if sent == c.run.Lose {
				continue
			}
		}
		if !c.one(m) {
			break
		}
		switch {
		case sent > 0 && sent == c.run.BreakAt:
			_ = c.conn.Close() // it is to break
		case sent > 0 && sent == c.run.KillAt:
			c.kill()
		case sent > 0 && sent == c.run.CloseAt:
			c.farewell(c.run.CloseCode, c.run.CloseText)
			_ = c.conn.Close() // all was said
		}
	}
	for range c.send { // whoever tells must not wait
	}
	c.mu.Lock()
	code, text := c.code, c.text
	c.mu.Unlock()
	c.farewell(code, text)
}

func (c *client) farewell(code int, text string) {
	_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
}

// one sends a message, or its pieces.
func (c *client) one(m message) bool {
	pieces := []message{m}
	if c.run.Split && m.Type == "stdout" {
		pieces = nil
		for text := m.Text; text != ""; {
			n := min(len(text), 7+len(text)/3)
			pieces = append(pieces, message{Type: m.Type, Text: text[:n]})
			text = text[n:]
		}
	}
	for _, p := range pieces {
		data, err := json.Marshal(p)
		if err != nil {
			return false
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if c.conn.WriteMessage(websocket.TextMessage, data) != nil {
			return false
		}
	}
	return true
}
