package llm

import "bytes"

// doubled takes out the second of each pair from a server (or a proxy) that
// sends every frame twice. Two equal frames alone are no sign of that: a model
// may well say the same token twice, and some servers send equal empty frames to
// keep a connection alive. So where the first two frames are equal, two more are
// waited for: in a doubled stream they are equal too, and different from the
// first pair. Two equal frames that both end the reply need no more proof.
type doubled struct {
	ends func(frame []byte) bool // whether a frame ends the reply
	mode doubledMode
	held [][]byte // in mode suspecting
	last []byte   // in mode dropping: the frame whose twin may come next
}

type doubledMode int

const (
	beginning doubledMode = iota
	suspecting
	passing
	dropping
)

// next takes a frame and returns those that are to be read now. They stay
// valid.
func (d *doubled) next(frame []byte) [][]byte {
	switch d.mode {
	case passing:
		return [][]byte{frame}
	case dropping:
		if d.last != nil && bytes.Equal(d.last, frame) {
			d.last = nil
			return nil
		}
		d.last = frame
		return [][]byte{frame}
	case beginning:
		if d.last == nil {
			d.last = frame
			return [][]byte{frame}
		}
		switch {
		case !bytes.Equal(d.last, frame):
			d.mode = passing
			return [][]byte{frame}
		case d.ends(frame):
			d.mode, d.last = dropping, nil
			return nil
		}
		d.mode, d.held = suspecting, [][]byte{frame}
		return nil
	}
	d.held = append(d.held, frame)
	if len(d.held) < 3 {
		return nil
	}
	held := d.held
	d.held = nil
	if bytes.Equal(held[1], held[2]) && !bytes.Equal(held[0], held[1]) {
		d.mode, d.last = dropping, nil
		return held[1:2]
	}
	d.mode = passing
	return held
}

// end returns what was still waited with when the stream ended.
func (d *doubled) end() [][]byte {
	held := d.held
	d.held = nil
	return held
}
