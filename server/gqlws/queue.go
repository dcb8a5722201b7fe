package gqlws

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"
)

// queue holds the messages that wait to be sent. The conn's mutex protects it.
type queue struct {
	messages [][]byte
	bytes    int
	sending  bool          // a goroutine is writing
	space    chan struct{} // closed when somebody may try again; nil when nobody waits
}

func (q *queue) fits(message []byte, maxMessages, maxBytes int) bool {
	return len(q.messages) == 0 ||
		len(q.messages) < maxMessages && q.bytes+len(message) <= maxBytes
}

func (q *queue) push(message []byte) {
	q.messages = append(q.messages, message)
	q.bytes += len(message)
}

// pop removes the first message, once it has been written.
func (q *queue) pop() {
	q.bytes -= len(q.messages[0])
	q.messages[0] = nil
	q.messages = q.messages[1:]
	if len(q.messages) == 0 {
		q.messages = nil // an idle socket keeps no memory for a queue
	}
	q.wake()
}

func (q *queue) clear() {
	q.messages, q.bytes = nil, 0
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
func (c *conn) send(ctx context.Context, message []byte, o *op, last bool) error {
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
		if c.queue.fits(message, c.h.cfg.QueueMessages, c.h.cfg.QueueBytes) {
			c.queue.push(message)
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
			c.close(closeSlowConsumer, "Slow consumer")
			return errClosed
		}
	}
}

// write sends the queue and ends when it is empty. A write may take a little
// longer than a message may wait, so that a client that begins to read again
// is told why it was cut off.
func (c *conn) write() {
	defer c.writers.Done()
	for {
		c.mu.Lock()
		if len(c.queue.messages) == 0 {
			c.queue.sending = false
			c.mu.Unlock()
			return
		}
		message := c.queue.messages[0]
		c.mu.Unlock()
		_ = c.ws.SetWriteDeadline(time.Now().Add(c.h.cfg.SendTimeout + closeGrace))
		if err := c.ws.WriteMessage(websocket.TextMessage, message); err != nil {
			c.drop()
			c.mu.Lock()
			c.queue.clear()
			c.queue.sending = false
			c.mu.Unlock()
			return
		}
		c.mu.Lock()
		if len(c.queue.messages) > 0 { // not cleared meanwhile
			c.queue.pop()
		}
		c.mu.Unlock()
	}
}
