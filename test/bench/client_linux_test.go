package bench_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const document = `subscription($run: ID!, $after: Int! = 0) { runEvents(runId: $run, after: $after) { __typename runId seq at ... on TextDelta { text } } }`

// clients are many subscribers of one run, each on a socket of its own, served by
// one loop that does as little as can be done: a client that is slower than the
// server would be what is measured.
type clients struct {
	b       *testing.B
	epoll   int
	all     []client
	byFD    map[int32]int
	buffer  []byte
	events  []unix.EpollEvent
	reached []int // how many clients have an event, by its seq
	newest  int   // the last event that all have

	payload   int // bytes of a response
	latencies []time.Duration
	received  int
}

type client struct {
	fd       int
	leftover []byte
	seq      int
}

// connect opens n sockets and subscribes on each.
func connect(b *testing.B, port, n int, runID string, after int) *clients {
	b.Helper()
	c := &clients{b: b, byFD: map[int32]int{}, buffer: make([]byte, 1<<20), events: make([]unix.EpollEvent, 256), newest: after}
	var err error
	if c.epoll, err = unix.EpollCreate1(0); err != nil {
		b.Fatal(err)
	}
	subscribe, err := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
		"query": document, "variables": map[string]any{"run": runID, "after": after},
	}})
	if err != nil {
		b.Fatal(err)
	}
	for range n {
		fd := c.open(port)
		c.write(fd, masked([]byte(`{"type":"connection_init"}`)))
		if answer := c.read(fd); !bytes.Contains(answer, []byte("connection_ack")) {
			b.Fatalf("no acknowledgement: %q", answer)
		}
		c.write(fd, masked(subscribe))
		if err := unix.SetNonblock(fd, true); err != nil {
			b.Fatal(err)
		}
		if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			b.Fatal(err)
		}
		c.byFD[int32(fd)] = len(c.all)
		c.all = append(c.all, client{fd: fd, seq: after})
	}
	return c
}

// open returns an open socket.
func (c *clients) open(port int) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20})
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		c.b.Fatal(err)
	}
	c.write(fd, []byte("GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer x\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"))
	if answer := c.read(fd); !bytes.HasPrefix(answer, []byte("HTTP/1.1 101")) {
		c.b.Fatalf("no socket: %q", answer)
	}
	return fd
}

func (c *clients) write(fd int, data []byte) {
	if _, err := unix.Write(fd, data); err != nil {
		c.b.Fatal(err)
	}
}

func (c *clients) read(fd int) []byte {
	n, err := unix.Read(fd, c.buffer)
	if err != nil || n == 0 {
		c.b.Fatalf("read: %d bytes, %v", n, err)
	}
	return slices.Clone(c.buffer[:n])
}

func (c *clients) close() {
	for _, one := range c.all {
		unix.Close(one.fd)
	}
	unix.Close(c.epoll)
}

// until reads until all have the event, calling progress now and then.
func (c *clients) until(seq int, patience time.Duration, progress func()) {
	c.b.Helper()
	end := time.Now().Add(patience)
	for c.newest < seq {
		c.readOnce(100 * time.Millisecond)
		if progress != nil {
			progress()
		}
		if time.Now().After(end) {
			c.b.Fatalf("all have event %d after %v, not %d", c.newest, patience, seq)
		}
	}
}

// during reads what comes until a moment.
func (c *clients) during(end time.Time) {
	for left := time.Until(end); left > 0; left = time.Until(end) {
		c.readOnce(left)
	}
}

func (c *clients) readOnce(patience time.Duration) {
	n, err := unix.EpollWait(c.epoll, c.events, int(patience/time.Millisecond)+1)
	if err != nil && err != unix.EINTR {
		c.b.Fatal(err)
	}
	for _, e := range c.events[:max(n, 0)] {
		c.take(&c.all[c.byFD[e.Fd]])
	}
}

// take reads what a socket has.
func (c *clients) take(one *client) {
	kept := copy(c.buffer, one.leftover)
	n, err := unix.Read(one.fd, c.buffer[kept:])
	if err == unix.EAGAIN {
		return
	}
	if err != nil || n == 0 {
		c.b.Fatalf("a socket ended after event %d: %v", one.seq, err)
	}
	now := monotonic()
	data := c.buffer[:kept+n]
	for {
		payload, rest, whole := frame(data)
		if !whole {
			break
		}
		data = rest
		c.event(one, payload, now)
	}
	one.leftover = append(one.leftover[:0], data...)
}

var (
	seqMark  = []byte(`"seq":`)
	timeMark = []byte(`"t=`)
)

// event checks that a message is the next event, and how old it is.
func (c *clients) event(one *client, message []byte, now int64) {
	one.seq++
	at := bytes.Index(message, seqMark)
	if at < 0 {
		c.b.Fatalf("not an event: %s", message)
	}
	seq := 0
	for _, d := range message[at+len(seqMark):] {
		if d < '0' || d > '9' {
			break
		}
		seq = seq*10 + int(d-'0')
	}
	if seq != one.seq {
		c.b.Fatalf("event %d came in the place of %d", seq, one.seq)
	}
	if c.latencies != nil {
		from := bytes.Index(message, timeMark) + len(timeMark)
		sent, err := strconv.ParseInt(string(message[from:from+19]), 10, 64)
		if err != nil {
			c.b.Fatalf("%v in %s", err, message)
		}
		c.latencies = append(c.latencies, time.Duration(now-sent))
	}
	if c.payload == 0 {
		var m struct{ Payload json.RawMessage }
		if err := json.Unmarshal(message, &m); err != nil {
			c.b.Fatal(err)
		}
		c.payload = len(m.Payload)
	}
	c.received++
	for len(c.reached) <= seq {
		c.reached = append(c.reached, 0)
	}
	if c.reached[seq]++; c.reached[seq] == len(c.all) {
		c.newest = seq
	}
}

// frame splits off the first frame of a server.
func frame(data []byte) (payload, rest []byte, whole bool) {
	if len(data) < 2 {
		return nil, nil, false
	}
	n, from := int(data[1]), 2
	switch {
	case n == 126 && len(data) >= 4:
		n, from = int(binary.BigEndian.Uint16(data[2:])), 4
	case n == 127 && len(data) >= 10:
		n, from = int(binary.BigEndian.Uint64(data[2:])), 10
	case n >= 126:
		return nil, nil, false
	}
	if len(data) < from+n {
		return nil, nil, false
	}
	return data[from : from+n], data[from+n:], true
}

// masked is a text frame of a client, masked with zeros.
func masked(text []byte) []byte {
	b := []byte{0x81}
	if len(text) < 126 {
		b = append(b, 0x80|byte(len(text)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(text)))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}

// percentile of what was measured, in milliseconds.
func percentile(all []time.Duration, p float64) string {
	sorted := slices.Sorted(slices.Values(all))
	return fmt.Sprintf("%.1f", float64(sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Microseconds())/1000)
}
