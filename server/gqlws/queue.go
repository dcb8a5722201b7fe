package gqlws

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// queue holds the messages that wait to be sent. The conn's mutex protects it.
type queue struct {
	messages *[]message // nil: none
	// count and bytes are of all that is not written yet, which is more than
	// messages while a goroutine writes.
	count, bytes int
	sending      bool          // a goroutine is writing
	space        chan struct{} // closed when somebody may try again; nil when nobody waits
}

func (q *queue) fits(m message, maxMessages, maxBytes int) bool {
	return q.count == 0 || q.count < maxMessages && q.bytes+m.size() <= maxBytes
}

func (q *queue) push(m message) {
	if q.messages == nil {
		q.messages = newList()
	}
	*q.messages = append(*q.messages, m)
	q.count++
	q.bytes += m.size()
}

// take returns what waits; it is still counted until it is written.
func (q *queue) take() *[]message {
	m := q.messages
	q.messages = nil // an idle socket keeps no memory for a queue
	return m
}

// written makes room for others.
func (q *queue) written(count, bytes int) {
	q.count -= count
	q.bytes -= bytes
	q.wake()
}

// clear drops what waits.
func (q *queue) clear() {
	q.messages = nil
	q.wake()
}

func (q *queue) wake() {
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
}

var (
	errClosed  = errors.New("the socket is closed")
	errStopped = errors.New("the operation was ended by the client")
)

// send puts a message into the queue. Where the queue is full it waits, so
// that a subscription does not run ahead of its client; a client that makes it
// wait for too long is cut off.
//
// With an operation given, nothing is sent once the client has ended it. The
// operation's last message frees its id in the same moment.
func (c *conn) send(ctx context.Context, m message, o *op, last bool) error {
	var timeout *time.Timer
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return errClosed
		}
		if o != nil && o.stopped {
			c.mu.Unlock()
			return errStopped
		}
		if c.queue.fits(m, c.h.cfg.QueueMessages, c.h.cfg.QueueBytes) {
			c.queue.push(m)
			if last {
				o.stopped = true
				delete(c.ops, o.id)
			}
			if !c.queue.sending {
				c.queue.sending = true
				c.writers.Add(1)
				go c.write()
			}
			c.mu.Unlock()
			return nil
		}
		if c.queue.space == nil {
			c.queue.space = make(chan struct{})
		}
		space := c.queue.space
		c.mu.Unlock()
		if timeout == nil {
			timeout = time.NewTimer(c.h.cfg.SendTimeout)
			defer timeout.Stop()
		}
		select {
		case <-space:
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			c.close(closeSlowConsumer, slowReason)
			return errClosed
		}
	}
}

// sendText sends a text that belongs to no operation.
func (c *conn) sendText(text []byte) {
	_ = c.send(c.base, message{kind: websocket.TextMessage, head: text}, nil, false)
}

// Lists and buffers are lent to the sockets that write at the moment, which are
// few of many.
const (
	listLength   = 32
	bufferLength = 8 << 10
)

var (
	lists   = sync.Pool{New: func() any { l := make([]message, 0, listLength); return &l }}
	buffers = sync.Pool{New: func() any { b := make([]byte, 0, bufferLength); return &b }}
)

func newList() *[]message { return lists.Get().(*[]message) } //nolint:forcetypeassert // the pool's only type

func freeList(l *[]message) {
	clear(*l) // the payloads may go
	*l = (*l)[:0]
	lists.Put(l)
}
