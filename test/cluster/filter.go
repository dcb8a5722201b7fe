package cluster

import (
	"encoding/binary"
	"io"
)

// notification is the type of the message with which PostgreSQL tells of a NOTIFY.
const notification = 'A'

// headSize is what stands before a message: its type, and its length in four
// bytes, which counts itself.
const headSize = 5

// filter passes on what PostgreSQL sends, but for messages that are to be lost.
type filter struct {
	to    io.Writer
	drops func(kind byte) bool

	head  []byte // of the next message, as far as it has come
	left  int    // bytes of the present message that are still to come
	drop  bool   // they are lost
	ready []byte // what is passed on next
}

// Write implements io.Writer.
func (f *filter) Write(p []byte) (int, error) {
	size := len(p)
	f.ready = f.ready[:0]
	for len(p) > 0 {
		if f.left == 0 {
			n := min(headSize-len(f.head), len(p))
			f.head, p = append(f.head, p[:n]...), p[n:]
			if len(f.head) < headSize {
				break
			}
			f.left = int(binary.BigEndian.Uint32(f.head[1:])) - (headSize - 1)
			if f.drop = f.drops(f.head[0]); !f.drop {
				f.ready = append(f.ready, f.head...)
			}
			f.head = f.head[:0]
			continue
		}
		n := min(f.left, len(p))
		if !f.drop {
			f.ready = append(f.ready, p[:n]...)
		}
		f.left, p = f.left-n, p[n:]
	}
	if _, err := f.to.Write(f.ready); err != nil {
		return 0, err
	}
	return size, nil
}
