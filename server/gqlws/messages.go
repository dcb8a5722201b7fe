package gqlws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/operation"
)

// received is a message of the client's.
type received struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Payload json.RawMessage `json:"payload"`
}

var (
	ackMessage  = []byte(`{"type":"connection_ack"}`)
	pongMessage = []byte(`{"type":"pong"}`)
)

// receive handles one message. Messages are handled one after the other;
// only operations run beside them.
func (c *conn) receive(kind int, data []byte) {
	var m received
	if kind != websocket.TextMessage || json.Unmarshal(data, &m) != nil {
		c.close(closeBadRequest, "Invalid message received")
		return
	}
	switch m.Type {
	case "connection_init":
		c.init(m.Payload)
	case "ping":
		c.pinged(m.Payload)
	case "pong":
		if _, _, err := tokenIn(m.Payload); err != nil {
			c.close(closeBadRequest, err.Error())
		}
	case "subscribe":
		c.subscribe(m.ID, m.Payload)
	case "complete":
		if m.ID == "" {
			c.close(closeBadRequest, "Invalid message received: id is missing")
			return
		}
		c.stop(m.ID)
	default:
		c.close(closeBadRequest, "Invalid message received: unknown type")
	}
}

func (c *conn) init(payload json.RawMessage) {
	c.mu.Lock()
	again := c.inited
	c.inited = true
	c.mu.Unlock()
	if again {
		c.close(closeTooManyInitRequests, "Too many initialisation requests")
		return
	}
	token, given, err := tokenIn(payload)
	if err != nil {
		c.close(closeBadRequest, err.Error())
		return
	}
	ctx := c.base
	if given {
		if token == "" {
			c.close(closeForbidden, "Forbidden")
			return
		}
		if ctx, err = c.h.cfg.Authenticate(c.base, token); err != nil {
			c.unauthenticated(err)
			return
		}
	}
	c.mu.Lock()
	c.acked = true
	c.ctx = ctx
	c.expireAt(caller.From(ctx).Expires)
	c.initTimer.Stop()
	c.mu.Unlock()
	c.sendText(ackMessage)
}

// pinged answers a ping. A ping whose payload has an authorization renews the
// token of the socket, which must be the same person's; that is how a client
// stays connected for longer than a token lasts.
func (c *conn) pinged(payload json.RawMessage) {
	token, given, err := tokenIn(payload)
	if err != nil {
		c.close(closeBadRequest, err.Error())
		return
	}
	c.mu.Lock()
	acked, old := c.acked, caller.From(c.ctx)
	c.mu.Unlock()
	if given && acked {
		if token == "" {
			c.close(closeForbidden, "Forbidden")
			return
		}
		ctx, err := c.h.cfg.Authenticate(c.base, token)
		if err != nil {
			c.unauthenticated(err)
			return
		}
		if caller.From(ctx).Viewer != old.Viewer {
			c.close(closeForbidden, "The token is somebody else's")
			return
		}
		c.mu.Lock()
		c.ctx = ctx
		c.expireAt(caller.From(ctx).Expires)
		c.mu.Unlock()
	}
	c.sendText(pongMessage)
}

func (c *conn) unauthenticated(err error) {
	switch fault.CodeOf(err) {
	case fault.Unauthenticated, fault.Forbidden:
		c.close(closeForbidden, "Forbidden")
	default:
		c.h.cfg.Logger.WarnContext(c.base, "token not checked",
			"request_id", caller.From(c.base).RequestID, "error", err)
		c.close(closeTryAgainLater, "Try again later")
	}
}

var (
	errNotAnObject = errors.New("Invalid message received: payload must be an object")
	errNotAToken   = errors.New("Invalid message received: authorization must be one string")
)

// tokenIn finds {"authorization": "Bearer …"} in a payload, in any letter
// case. null in its place means that there is none. A token that is given but
// not of this scheme is "", which is nobody's.
func tokenIn(payload json.RawMessage) (token string, given bool, err error) {
	if len(payload) == 0 || bytes.Equal(payload, []byte("null")) {
		return "", false, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil {
		return "", false, errNotAnObject
	}
	for name, value := range fields {
		if !strings.EqualFold(name, "authorization") || bytes.Equal(value, []byte("null")) {
			continue
		}
		var text string
		if given || json.Unmarshal(value, &text) != nil {
			return "", false, errNotAToken // two of them, or no string
		}
		given = true
		if scheme, rest, _ := strings.Cut(text, " "); strings.EqualFold(scheme, "bearer") {
			token = strings.TrimSpace(rest)
		}
	}
	return token, given, nil
}

// head begins a message of one operation, up to where its payload stands.
func head(kind, id string) []byte {
	quoted, _ := json.Marshal(id) // a string can always be written
	b := make([]byte, 0, len(quoted)+len(kind)+len(`{"id":,"type":"","payload":`))
	b = append(b, `{"id":`...)
	b = append(b, quoted...)
	b = append(b, `,"type":"`...)
	b = append(b, kind...)
	return append(b, `","payload":`...)
}

func completeMessage(id string) message {
	quoted, _ := json.Marshal(id)
	return message{kind: websocket.TextMessage, head: fmt.Appendf(nil, `{"id":%s,"type":"complete"}`, quoted)}
}

func errorMessage(id string, res *operation.Result) message {
	list, err := json.Marshal(res.Errors)
	if err != nil { // extensions are ours, of strings and numbers only
		list = []byte(`[{"message":"Something went wrong on our side."}]`)
	}
	return message{kind: websocket.TextMessage, head: head("error", id), payload: list}
}

// contextFor is the context of a new operation: the viewer's, ended with the
// connection, and with a request id of its own.
func (c *conn) contextFor() context.Context {
	c.mu.Lock()
	ctx := c.ctx
	c.mu.Unlock()
	who := caller.From(ctx)
	who.RequestID = c.h.cfg.NewRequestID()
	return caller.With(ctx, who)
}
