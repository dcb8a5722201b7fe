package injection

import (
	"net"
	"sync/atomic"
	"testing"
)

// sink is an address on loopback that nobody may reach.
type sink struct {
	listener net.Listener
	reached  atomic.Int64
}

// newSink listens until the test ends, which fails if anybody came.
func newSink(t *testing.T) *sink {
	t.Helper()
	var s *sink
	t.Cleanup(func() { // after what listen has it do
		if n := s.reached.Load(); n > 0 {
			t.Errorf("%d connections came out of Mark", n)
		}
	})
	s = listen(t)
	return s
}

func listen(t *testing.T) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &sink{listener: l}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.reached.Add(1)
			_ = c.Close() // what it wanted is known
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // nobody is to come any more
		<-ended
	})
	return s
}

func (s *sink) address() string { return "http://" + s.listener.Addr().String() }

func (s *sink) port() int { return s.listener.Addr().(*net.TCPAddr).Port } //nolint:forcetypeassert // it listens on TCP
