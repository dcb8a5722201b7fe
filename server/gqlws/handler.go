// Package gqlws speaks the graphql-transport-ws protocol
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
package gqlws

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/server/operation"
)

// Subprotocol is the one that is spoken here.
const Subprotocol = "graphql-transport-ws"

// Config says how sockets behave. All fields are required.
type Config struct {
	Runner *operation.Runner
	Logger *slog.Logger
	Clock  clock.Clock
	// Authenticate returns a context for the owner of the token, with its
	// caller.Info. The error's code tells whether the token is at fault.
	Authenticate func(ctx context.Context, token string) (context.Context, error)
	// CheckOrigin tells whether the page that opens the socket may.
	CheckOrigin  func(*http.Request) bool
	NewRequestID func() string
	// Refuse answers a request that does not become a socket.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, err error)
	// Sockets bounds the number of sockets, by address and altogether.
	Sockets *limit.Gate

	InitTimeout time.Duration // from the opening to connection_init
	// KeepAlive is the pause between pings (control frames). A client that is
	// silent for two of them is taken for dead.
	KeepAlive time.Duration
	// SendTimeout is how long a message may wait for a client that does not
	// read, before it is cut off with 4413.
	SendTimeout  time.Duration
	MessageBytes int64 // the largest message from a client
	Operations   int   // operations at once on one socket
	// QueueMessages and QueueBytes bound what waits to be sent on one socket.
	// A single message larger than QueueBytes is sent when the queue is empty.
	QueueMessages int
	QueueBytes    int
}

// Handler upgrades requests to sockets and serves them.
type Handler struct {
	cfg      Config
	upgrader websocket.Upgrader

	mu      sync.Mutex // protects what follows
	conns   map[*conn]struct{}
	closing bool
	served  sync.WaitGroup
}

// readBuffer is little, since clients say little.
const readBuffer = 1 << 10

// handshakeTimeout is how long a client may take to accept the answer to its
// request for a socket.
const handshakeTimeout = 10 * time.Second

// New returns a Handler.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, conns: map[*conn]struct{}{}}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   readBuffer,
		WriteBufferPool:  &sync.Pool{}, // gorilla writes nothing once the socket is open
		Subprotocols:     []string{Subprotocol},
		CheckOrigin:      cfg.CheckOrigin,
		Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
			f := fault.Wrap(reason, fault.BadUserInput, "The request cannot become a WebSocket.")
			if status == http.StatusForbidden {
				f = fault.New(fault.Forbidden, "Pages of this origin may not open a WebSocket.")
			}
			cfg.Refuse(w, r, status, f)
		},
	}
	return h
}

// ServeHTTP implements http.Handler. It returns when the socket is open: net/http
// keeps its buffers, and a goroutine whose stack has grown, for as long as a
// handler runs.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := caller.From(r.Context())
	leave, ok := h.cfg.Sockets.Enter(who.AddressKey())
	if !ok {
		h.cfg.Refuse(w, r, http.StatusTooManyRequests,
			fault.New(fault.LimitExceeded, "Too many WebSockets are open; close one first."))
		return
	}
	if !h.begin() {
		leave()
		h.cfg.Refuse(w, r, http.StatusServiceUnavailable, fault.New(fault.Unavailable, "The server is shutting down."))
		return
	}
	ws, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil { // answered by upgrader.Error
		h.served.Done()
		leave()
		return
	}
	who.Transport = "websocket"
	c := newConn(caller.With(context.WithoutCancel(r.Context()), who), h, ws)
	go func() {
		defer leave()
		defer h.served.Done()
		h.serve(c)
	}()
}

// begin counts one more socket, unless there are to be no more.
func (h *Handler) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closing {
		h.served.Add(1)
	}
	return !h.closing
}

func (h *Handler) serve(c *conn) {
	h.mu.Lock()
	h.conns[c] = struct{}{}
	closing := h.closing
	h.mu.Unlock()
	if closing {
		c.goAway()
	}
	c.serve()
	h.mu.Lock()
	delete(h.conns, c)
	h.mu.Unlock()
}

// CutOff closes the sockets that are open now with 1013.
func (h *Handler) CutOff() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		go c.close(closeTryAgainLater, lostReason)
	}
}

// Shutdown closes all sockets with 1012, lets their operations end and returns
// when the last has. When ctx is done first, it drops the connections and
// returns its error.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	for c := range h.conns {
		go c.goAway()
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.served.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		for c := range h.conns {
			c.drop()
		}
		return ctx.Err()
	}
}
