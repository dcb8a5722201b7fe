package gqlws

import (
	"context"
	"encoding/json"

	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/operation"
)

// op is an operation that a client has begun and not yet seen the end of.
type op struct {
	id      string
	cancel  context.CancelFunc
	stopped bool // nothing more may be sent; conn.mu protects it
}

// maxID bounds the ids that clients choose. The official client sends UUIDs.
const maxID = 128

// subscribe begins an operation of any kind.
func (c *conn) subscribe(id string, payload json.RawMessage) {
	c.mu.Lock()
	acked := c.acked
	c.mu.Unlock()
	if !acked {
		c.close(closeUnauthorized, "Unauthorized")
		return
	}
	if id == "" || len(id) > maxID {
		c.close(closeBadRequest, "Invalid message received: id must have 1 to 128 bytes")
		return
	}
	params, err := operation.ParseParams(payload)
	if err != nil {
		text := err.Error()
		if f, ok := fault.As(err); ok {
			text = f.Message
		}
		c.close(closeBadRequest, "Invalid message received: "+text)
		return
	}
	ctx, cancel := context.WithCancel(c.contextFor())
	o := &op{id: id, cancel: cancel}
	c.mu.Lock()
	_, used := c.ops[id]
	full := c.running >= c.h.cfg.Operations
	if !used && !full {
		c.ops[id] = o
		c.running++
		c.operations.Add(1)
	}
	c.mu.Unlock()
	switch {
	case used:
		cancel()
		c.close(closeDuplicateID, "Subscriber for "+id+" already exists")
	case full:
		cancel()
		refusal := c.h.cfg.Runner.Refuse(ctx, fault.New(fault.LimitExceeded,
			"Too many operations run on this connection; at most %d may.", c.h.cfg.Operations))
		_ = c.send(c.base, errorMessage(id, refusal), nil, false)
	default:
		go func() { // whose stack is not kept for what follows
			running, refusal := c.h.cfg.Runner.Prepare(ctx, params)
			go c.run(ctx, o, running, refusal)
		}()
	}
}

// stop ends an operation at the client's wish. It is not confirmed, and its id
// is free at once. An id that is not known belongs to an operation that has
// just ended by itself.
func (c *conn) stop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.ops[id]; o != nil {
		o.stopped = true
		o.cancel()
		delete(c.ops, id)
	}
}

// run sends what becomes of an operation: "next" for each response and
// "complete", or "error" when it never began. An "error" is the last message of
// an operation.
func (c *conn) run(ctx context.Context, o *op, running *operation.Operation, refusal *operation.Result) {
	defer c.done(o)
	if refusal != nil {
		_ = c.send(ctx, errorMessage(o.id, refusal), o, true)
		return
	}
	defer running.Close()
	start := head("next", o.id)
	running.Responses(func(res *operation.Result) bool {
		if res.IsRequestError() {
			_ = c.send(ctx, errorMessage(o.id, res), o, true)
			return false
		}
		return c.send(ctx, message{kind: websocket.TextMessage, head: start, payload: res.JSON()}, o, false) == nil
	})
	// Unless the client has stopped it, or an error was its last message.
	_ = c.send(ctx, completeMessage(o.id), o, true)
}

// done notes that an operation's goroutine has ended.
func (c *conn) done(o *op) {
	o.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.ops[o.id] == o {
		delete(c.ops, o.id)
	}
	c.operations.Done()
}
