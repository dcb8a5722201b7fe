package gqlws

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/internal/deep"
	"github.com/mark-analyst/mark/server/caller"
)

// conn is one socket. An idle one has a single goroutine, which reads; others
// exist while there is something to write or an operation to run.
type conn struct {
	h      *Handler
	ws     *websocket.Conn // reads
	net    net.Conn        // is written to
	base   context.Context //nolint:containedctx // of the request that opened the socket; all that happens on it
	cancel context.CancelFunc
	began  time.Time

	initTimer  *time.Timer
	pingTimer  *time.Timer
	operations sync.WaitGroup
	writers    sync.WaitGroup

	mu     sync.Mutex      // protects what follows
	ctx    context.Context //nolint:containedctx // base, and who connection_init says it is
	inited bool            // connection_init has come
	acked  bool            // and was accepted
	expiry *time.Timer
	ops    map[string]*op
	// running counts operations until their goroutine has ended, which may be
	// a while after their id is free again.
	running int
	queue   queue
	writing time.Time // when the deadline of writes was last set
	closed  bool
	last    []byte // the close frame, where whoever writes is to write it
	code    int    // that the socket was closed with, by whichever side
	reason  string
}

// closeGrace is how long a client may take to answer a close frame.
const closeGrace = 2 * time.Second

func newConn(ctx context.Context, h *Handler, ws *websocket.Conn) *conn {
	c := &conn{h: h, ws: ws, net: ws.NetConn(), began: h.cfg.Clock.Now(), ops: map[string]*op{}}
	c.base, c.cancel = context.WithCancel(ctx)
	c.ctx = c.base
	return c
}

// serve reads messages until the socket is closed, and returns when nothing of
// it is left.
func (c *conn) serve() {
	defer c.end()
	c.open()
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			c.broken(err)
			return
		}
		c.alive()
		if !c.isClosed() {
			deep.Call(func() { c.handle(kind, data) })
		}
	}
}

// open says how the socket behaves, and starts its timers.
func (c *conn) open() {
	c.ws.SetReadLimit(c.h.cfg.MessageBytes)
	c.alive()
	c.ws.SetPongHandler(func(string) error { c.alive(); return nil })
	c.ws.SetPingHandler(func(data string) error {
		c.alive()
		_ = c.send(c.base, message{kind: websocket.PongMessage, head: []byte(data)}, nil, false)
		return nil
	})
	c.ws.SetCloseHandler(func(code int, reason string) error {
		c.ended(code, reason)
		return nil
	})
	c.mu.Lock()
	c.initTimer = time.AfterFunc(c.h.cfg.InitTimeout, c.initTooLate)
	c.pingTimer = time.AfterFunc(c.h.cfg.KeepAlive, c.ping)
	c.expireAt(caller.From(c.base).Expires)
	c.mu.Unlock()
	if c.ws.Subprotocol() != Subprotocol {
		c.close(closeSubprotocol, "Subprotocol not acceptable")
	}
}

// handle handles one message and contains what goes wrong in it.
func (c *conn) handle(kind int, data []byte) {
	defer func() {
		if v := recover(); v != nil {
			c.h.cfg.Logger.ErrorContext(c.base, "socket panicked",
				"request_id", caller.From(c.base).RequestID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			c.close(closeInternal, "Internal server error")
		}
	}()
	c.receive(kind, data)
}

// alive notes that the client has given a sign of life.
func (c *conn) alive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed { // else the deadline is that of the closing handshake
		_ = c.ws.SetReadDeadline(time.Now().Add(2 * c.h.cfg.KeepAlive))
	}
}

func (c *conn) ping() {
	if c.send(c.base, message{kind: websocket.PingMessage}, nil, false) != nil {
		return // it is closed, or has just been
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.pingTimer.Reset(c.h.cfg.KeepAlive)
	}
}

func (c *conn) initTooLate() {
	c.mu.Lock()
	acked := c.acked
	c.mu.Unlock()
	if !acked {
		c.close(closeInitTimeout, "Connection initialisation timeout")
	}
}

// expireAt closes the socket when its token ends. The caller holds c.mu.
func (c *conn) expireAt(at time.Time) {
	if c.expiry != nil {
		c.expiry.Stop()
		c.expiry = nil
	}
	if !at.IsZero() && !c.closed {
		c.expiry = time.AfterFunc(at.Sub(c.h.cfg.Clock.Now()), func() {
			c.close(closeForbidden, "Token expired")
		})
	}
}

func (c *conn) goAway() { c.close(closeServiceRestart, restartReason) }

// close ends the socket's operations, tells the client why and gives it a
// moment to answer. Messages that wait to be sent are dropped.
func (c *conn) close(code int, reason string) {
	first, frame := c.shut(code, reason, closeFrame(code, reason))
	if first {
		c.cancel()
		c.writeLast(frame)
	}
}

// shut notes that nothing is to be sent any more but a close frame, and that for
// a moment only. It is not the first where that has been noted before. The frame is
// returned where the caller has to write it: else who is writing does that, since
// nobody else could tell what comes before it.
func (c *conn) shut(code int, reason string, frame []byte) (first bool, write []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, nil
	}
	c.closed = true
	c.code, c.reason = code, reasonOf(reason)
	c.queue.clear()
	deadline := time.Now().Add(closeGrace)
	_ = c.net.SetReadDeadline(deadline)
	// Of whatever is being written, too: the close frame waits for that.
	_ = c.net.SetWriteDeadline(deadline)
	if c.queue.sending {
		c.last = frame
		return true, nil
	}
	return true, frame
}

// drop ends the connection without a word.
func (c *conn) drop() {
	c.cancel()
	_ = c.ws.Close()
}

func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// ended answers the client's close frame, unless that is an answer itself.
func (c *conn) ended(code int, reason string) {
	if first, frame := c.shut(code, reason, closeFrame(code, "")); first {
		c.writeLast(frame)
		c.writers.Wait() // the connection ends with this, and the answer may be theirs
	}
}

// broken notes why there is nothing more to read.
func (c *conn) broken(err error) { c.shut(websocket.CloseAbnormalClosure, err.Error(), nil) }

// end waits until nothing of the socket is left.
func (c *conn) end() {
	c.drop()
	c.mu.Lock()
	for _, t := range []*time.Timer{c.initTimer, c.pingTimer, c.expiry} {
		if t != nil {
			t.Stop()
		}
	}
	c.mu.Unlock()
	c.operations.Wait()
	c.writers.Wait()
	who := caller.From(c.base)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.h.cfg.Logger.LogAttrs(c.base, slog.LevelInfo, "socket closed",
		slog.String("request_id", who.RequestID),
		slog.String("address", who.Address.String()),
		slog.Int("code", c.code),
		slog.String("reason", c.reason),
		slog.Duration("open", c.h.cfg.Clock.Now().Sub(c.began)))
}
