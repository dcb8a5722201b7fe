package gqlws

import (
	"encoding/binary"

	"github.com/gorilla/websocket"
)

// Frames are written here and not by gorilla, which makes one write of each
// message: a text of an event is small, and a write costs thirty times as much
// as copying it. A server's frames are simple (RFC 6455, 5.2): whole messages,
// no mask, no extension.

// message is what waits to be sent: a text or a control frame. A text is head
// and, where there is a payload, the payload and the end of an object.
type message struct {
	kind    byte // websocket.TextMessage, PingMessage or PongMessage
	head    []byte
	payload []byte // may be shared with other sockets
}

// maxHeader is the length of the longest frame header without a mask.
const maxHeader = 10

// size is the number of bytes that the message's frame takes, at most.
func (m message) size() int { return maxHeader + len(m.head) + len(m.payload) + 1 }

// appendStart appends the frame without its payload and what follows that.
func (m message) appendStart(dst []byte) []byte {
	n := len(m.head)
	if m.payload != nil {
		n += len(m.payload) + len(tail)
	}
	return append(appendHeader(dst, m.kind, n), m.head...)
}

// tail closes the object that a message with a payload is.
const tail = "}"

func (m message) appendTo(dst []byte) []byte {
	dst = m.appendStart(dst)
	if m.payload != nil {
		dst = append(dst, m.payload...)
		dst = append(dst, tail...)
	}
	return dst
}

// appendHeader appends the header of a frame with n bytes.
func appendHeader(dst []byte, kind byte, n int) []byte {
	const final = 0x80
	dst = append(dst, final|kind)
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
}

// closeFrame is the frame that closes a socket. Codes that stand for the lack of
// one are not sent.
func closeFrame(code int, reason string) []byte {
	body := websocket.FormatCloseMessage(code, reasonOf(reason))
	return append(appendHeader(nil, websocket.CloseMessage, len(body)), body...)
}
