package cluster

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Balancer passes TCP connections to nodes that are ready, in turn. It is what a
// real one in front of Mark must do, and no more: see docs/cluster.md.
type Balancer struct {
	listener net.Listener
	client   *http.Client
	cancel   context.CancelFunc
	work     sync.WaitGroup

	mu       sync.Mutex // protects the rest
	backends []*backend
	next     int
	closed   bool
}

// backend is a node, as the balancer sees it.
type backend struct {
	addr   string
	state  condition
	misses int                   // how often in a row it was silent
	conns  map[net.Conn]struct{} // of both sides, that lead to it
}

// lookEvery is how often nodes are asked whether they are ready.
const lookEvery = 250 * time.Millisecond

// maxMisses is how often in a row a node must be silent for its connections to be
// ended: once may be a machine that is busy.
const maxMisses = 3

// dialTime bounds how long a node that does not answer holds up a connection.
const dialTime = time.Second

// NewBalancer listens on addr, empty for a free port.
func NewBalancer(ctx context.Context, addr string, nodes []string) (*Balancer, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b := &Balancer{listener: listener, client: probe(), cancel: cancel}
	for _, node := range nodes {
		b.backends = append(b.backends, &backend{addr: node, conns: map[net.Conn]struct{}{}})
	}
	b.work.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			b.look(ctx)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	b.work.Go(func() { b.accept(ctx) })
	return b, nil
}

// Addr is where it listens.
func (b *Balancer) Addr() string { return b.listener.Addr().String() }

// URL is where the cluster answers.
func (b *Balancer) URL() string { return "http://" + b.Addr() }

// Ready lists the nodes that get new connections, by their addresses: what the
// balancer knows, a moment after it became so.
func (b *Balancer) Ready() (addrs []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.backends {
		if to.state == ready {
			addrs = append(addrs, to.addr)
		}
	}
	return addrs
}

// Close ends it and all connections. Closing twice is harmless.
func (b *Balancer) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	for _, to := range b.backends {
		to.drop()
	}
	b.mu.Unlock()
	b.cancel()
	err := b.listener.Close()
	b.work.Wait()
	b.client.CloseIdleConnections()
	return err
}

// look asks all nodes how they are.
func (b *Balancer) look(ctx context.Context) {
	var asked sync.WaitGroup
	for _, to := range b.backends {
		asked.Go(func() {
			found := state(ctx, b.client, to.addr)
			b.mu.Lock()
			defer b.mu.Unlock()
			to.state = found
			if found != silent {
				to.misses = 0
				return
			}
			// One that ends takes no more connections and ends those that it has;
			// one that stays silent never would.
			if to.misses++; to.misses >= maxMisses {
				to.drop()
			}
		})
	}
	asked.Wait()
}

// drop closes all connections. It needs the lock.
func (to *backend) drop() {
	for c := range to.conns {
		_ = c.Close() // it ends, whatever that says
	}
}

func (b *Balancer) accept(ctx context.Context) {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		b.work.Go(func() {
			defer c.Close()
			b.serve(ctx, c)
		})
	}
}

// serve connects a client to the next node that takes it.
func (b *Balancer) serve(ctx context.Context, client net.Conn) {
	for _, to := range b.turn() {
		dialer := &net.Dialer{Timeout: dialTime}
		server, err := dialer.DialContext(ctx, "tcp", to.addr)
		if err != nil {
			continue
		}
		b.join(to, client, server)
		return
	}
}

// turn lists the nodes, the next in turn first; those that are not ready come last,
// for they may have become so.
func (b *Balancer) turn() (order []*backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	var others []*backend
	for i := range b.backends {
		to := b.backends[(b.next+i)%len(b.backends)]
		if to.state == ready {
			order = append(order, to)
		} else {
			others = append(others, to)
		}
	}
	return append(order, others...)
}

// join passes on what comes from either side until both have ended.
func (b *Balancer) join(to *backend, client, server net.Conn) {
	defer server.Close()
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	to.conns[client], to.conns[server] = struct{}{}, struct{}{}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(to.conns, client)
		delete(to.conns, server)
	}()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		both.Go(func() {
			if _, err := io.Copy(way[0], way[1]); err != nil {
				_ = way[0].Close() // the other direction has nowhere to go either
				_ = way[1].Close()
				return
			}
			if half, ok := way[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite() // fails where the other side is gone
			}
		})
	}
	both.Wait()
}
