package gqlws

import (
	"errors"
	"net"
	"time"
)

const (
	// oneWrite is about how much is handed over at once: as much as saves the
	// calls, and so little that a slow line is done with it before its deadline.
	oneWrite = 64 << 10
	// toCopy is the length up to which a payload is copied to stand with others
	// in one write; longer ones are handed over where they are.
	toCopy = 16 << 10
)

// write sends the queue, what waits together in one write, and ends when it is
// empty. While it does, nobody else writes.
func (c *conn) write() {
	defer c.writers.Done()
	buffer := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool's only type
	defer buffers.Put(buffer)
	for {
		c.mu.Lock()
		messages, last := c.queue.take(), c.last
		if messages == nil {
			c.queue.sending = false
			c.mu.Unlock()
			c.writeLast(last)
			return
		}
		c.mu.Unlock()
		err := c.writeAll(*messages, buffer)
		freeList(messages)
		switch {
		case errors.Is(err, errClosed): // which has left nothing in the queue but, perhaps, a close frame
		case err != nil:
			// What else waits is dropped by whoever closes the socket. sending
			// stays set: nothing more is to be written.
			c.drop() // and the reader closes it
			return
		}
	}
}

// writeLast writes the close frame, if there is one.
func (c *conn) writeLast(frame []byte) {
	if frame == nil {
		return
	}
	if _, err := c.net.Write(frame); err != nil {
		c.drop()
	}
}

// writeAll writes messages in as few writes as their lengths allow.
func (c *conn) writeAll(messages []message, buffer *[]byte) error {
	for len(messages) > 0 {
		b, n, size := (*buffer)[:0], 0, 0
		for n < len(messages) && len(b) < oneWrite && len(messages[n].payload) <= toCopy {
			b = messages[n].appendTo(b)
			size += messages[n].size()
			n++
		}
		if cap(b) <= 2*oneWrite {
			*buffer = b // as large as it has grown
		}
		var err error
		if n > 0 {
			err = c.writeNow(b)
		} else {
			m := messages[0]
			n, size = 1, m.size()
			err = c.writeParts(net.Buffers{m.appendStart(b), m.payload, []byte(tail)})
		}
		if err != nil {
			return err
		}
		messages = messages[n:]
		c.mu.Lock()
		c.queue.written(n, size)
		c.mu.Unlock()
	}
	return nil
}

// deadlineStep is how old a write's deadline may be: a new one for each write
// would cost a tenth of what the write does.
const deadlineStep = closeGrace / 2

// writeNow writes whole frames.
func (c *conn) writeNow(frames []byte) error {
	if err := c.mayWrite(); err != nil {
		return err
	}
	_, err := c.net.Write(frames)
	return err
}

// writeParts writes a frame that is too long to be copied.
func (c *conn) writeParts(parts net.Buffers) error {
	if err := c.mayWrite(); err != nil {
		return err
	}
	_, err := parts.WriteTo(c.net)
	return err
}

// mayWrite tells that nothing is written any more where that is so, and else gives
// the write its deadline. A write may take a little longer than a message may wait,
// so that a client that begins to read again is told why it was cut off.
func (c *conn) mayWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed { // nothing comes after the close frame
		return errClosed
	}
	if now := time.Now(); now.Sub(c.writing) > deadlineStep {
		c.writing = now
		_ = c.net.SetWriteDeadline(now.Add(c.h.cfg.SendTimeout + closeGrace))
	}
	return nil
}
