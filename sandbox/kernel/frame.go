package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// frameType is the fifth byte of a frame.
type frameType byte

// The frames; PROTOCOL.md says what each holds.
const (
	frameStart     frameType = 'S'
	frameExecute   frameType = 'X'
	frameInterrupt frameType = 'I'
	frameAnswer    frameType = 'A'

	frameWarm     frameType = 'w'
	frameReady    frameType = 'r'
	frameStdout   frameType = '1'
	frameStderr   frameType = '2'
	frameOutput   frameType = 'o'
	frameArtifact frameType = 'a'
	frameBytes    frameType = 'b'
	frameFileEnd  frameType = 'z'
	frameCall     frameType = 'c'
	frameProgress frameType = 'p'
	frameFacts    frameType = 'f'
	frameDone     frameType = 'd'
)

const (
	sentinelSize = 16
	headerSize   = 4 + 1 + sentinelSize
	maxCode      = 1 << 20
)

type sentinel [sentinelSize]byte

type frame struct {
	kind     frameType
	sentinel sentinel
	payload  []byte
}

// payloadBounds returns the least and the most bytes that a frame from the
// kernel may hold, and false for a type that the kernel does not send.
func payloadBounds(kind frameType) (least, most uint32, ok bool) {
	switch kind {
	case frameWarm, frameReady:
		return 2, 4 << 10, true
	case frameStdout, frameStderr:
		return 1, 64 << 10, true
	case frameOutput:
		return 2, 6 << 20, true
	case frameArtifact:
		return 2, 16 << 10, true
	case frameBytes:
		return 1, 256 << 10, true
	case frameFileEnd:
		return 0, 0, true
	case frameCall:
		return 2, 1 << 20, true
	case frameProgress:
		return 2, 1 << 10, true
	case frameFacts:
		return 2, 256 << 10, true
	case frameDone:
		return 2, 256 << 10, true
	}
	return 0, 0, false
}

// errFrame marks what the kernel would not have sent, as opposed to a pipe
// that ended or broke.
var errFrame = errors.New("not a frame of the kernel")

// readFrame reads one frame of the kernel's and not a byte more. It allocates
// only after the length was found within its type's bounds. io.EOF means that
// the stream ended between two frames; io.ErrUnexpectedEOF, within one.
func readFrame(r io.Reader) (frame, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: frameType(header[4])}
	copy(f.sentinel[:], header[5:])
	size := binary.BigEndian.Uint32(header[:4])
	least, most, ok := payloadBounds(f.kind)
	if !ok {
		return frame{}, fmt.Errorf("%w: type %#02x", errFrame, byte(f.kind))
	}
	if size < least || size > most {
		return frame{}, fmt.Errorf("%w: %d bytes of type %q", errFrame, size, byte(f.kind))
	}
	if size > 0 {
		f.payload = make([]byte, size)
		if _, err := io.ReadFull(r, f.payload); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return frame{}, err
		}
	}
	return f, nil
}

// appendFrame encodes a frame.
func appendFrame(b []byte, f frame) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.payload)))
	b = append(b, byte(f.kind))
	b = append(b, f.sentinel[:]...)
	return append(b, f.payload...)
}
