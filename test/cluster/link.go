package cluster

import (
	"context"
	"io"
	"net"
	"sync"
)

// Link is a TCP proxy in front of PostgreSQL that can fail.
type Link struct {
	to       string // path of PostgreSQL's socket
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex            // protects the rest
	mode   mode                  // what happens to connections
	change chan struct{}         // closed when mode changes
	conns  map[net.Conn]struct{} // both ends of all
	closed bool
}

type mode int

const (
	whole mode = iota
	cut        // connections are closed, and new ones at once
	hole       // connections stay, and nothing passes
	deaf       // everything passes but notifications
)

// NewLink listens on a free port for connections to a Unix socket.
func NewLink(ctx context.Context, to string) (*Link, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{to: to, listener: listener, change: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	l.work.Go(l.accept)
	return l, nil
}

// Addr is where it listens.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Cut ends all connections; new ones end at once.
func (l *Link) Cut() { l.set(cut) }

// BlackHole leaves connections open and lets nothing pass; new ones are taken and
// get no answer. What was on its way arrives after Mend.
func (l *Link) BlackHole() { l.set(hole) }

// Deafen lets everything pass but what NOTIFY tells, as a pooler does that gives
// each transaction another connection. What it tells meanwhile is lost.
func (l *Link) Deafen() { l.set(deaf) }

// Mend makes the link whole again.
func (l *Link) Mend() { l.set(whole) }

func (l *Link) set(m mode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.mode == m {
		return
	}
	l.mode = m
	close(l.change)
	l.change = make(chan struct{})
	if m == cut {
		l.drop()
	}
}

// drop closes all connections. It needs the lock.
func (l *Link) drop() {
	for c := range l.conns {
		_ = c.Close() // it ends, whatever that says
	}
}

// Close ends the link and all connections. Closing twice is harmless.
func (l *Link) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mode = cut
	close(l.change)
	l.drop()
	l.mu.Unlock()
	err := l.listener.Close()
	l.work.Wait()
	return err
}

func (l *Link) accept() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		l.work.Go(func() { l.serve(c) })
	}
}

// serve connects both ends.
func (l *Link) serve(client net.Conn) {
	if !l.keep(client) {
		return
	}
	defer l.leave(client)
	if !l.pass() {
		return
	}
	server, err := (&net.Dialer{}).DialContext(context.Background(), "unix", l.to)
	if err != nil || !l.keep(server) {
		return
	}
	defer l.leave(server)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		both.Go(func() {
			to := io.Writer(way[0])
			if way[0] == client {
				to = &filter{to: client, drops: l.drops}
			}
			l.copy(to, way[1])
			_ = way[0].Close() // PostgreSQL's protocol has no half-closed
			_ = way[1].Close()
		})
	}
	both.Wait()
}

// copy passes on what comes, while the link is whole.
func (l *Link) copy(to io.Writer, from io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !l.pass() {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			l.pass() // in a black hole even the end is not seen
			return
		}
	}
}

// drops tells whether a message of PostgreSQL's is to be lost, by its type.
func (l *Link) drops(kind byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mode == deaf && kind == notification
}

// pass waits while the link is a black hole, and tells whether it is whole.
func (l *Link) pass() bool {
	for {
		l.mu.Lock()
		mode, change := l.mode, l.change
		l.mu.Unlock()
		if mode != hole {
			return mode != cut
		}
		<-change
	}
}

// keep notes a connection, or closes it where there are to be none.
func (l *Link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mode == cut {
		_ = c.Close()
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

func (l *Link) leave(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	_ = c.Close() // twice is harmless
}
