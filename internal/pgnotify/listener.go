// Package pgnotify hears what other processes tell through PostgreSQL's NOTIFY.
// A notification is a hint: it gets lost where a connection does, so whoever
// listens must be able to find out without it.
package pgnotify

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/lib/pq"
)

// After a lost connection a listener waits from the first to the second before
// it tries again.
const (
	minReconnect = 100 * time.Millisecond
	maxReconnect = 2 * time.Second
)

// Listener listens on one channel.
type Listener struct {
	URL     string // of the database
	Channel string
	// Take is called with each notification's payload.
	Take func(payload string)
	// Missed is called whenever notifications may have been lost: at the
	// beginning and after each new connection.
	Missed func(ctx context.Context)
	Logger *slog.Logger
}

// Run listens until ctx ends. It connects, and connects again, by itself; its
// return may take as long as such an attempt.
func (l Listener) Run(ctx context.Context) {
	report := func(_ pq.ListenerEventType, err error) {
		if err != nil && ctx.Err() == nil {
			l.Logger.WarnContext(ctx, "the connection that listens for notifications failed; polling goes on", "channel", l.Channel, "error", err)
		}
	}
	listener := pq.NewDialListener(newDialer(), l.URL, minReconnect, maxReconnect, report)
	stop := context.AfterFunc(ctx, func() {
		listener.Close() //nolint:errcheck // it fails only when closed already
	})
	defer stop()
	// Listen waits until a connection is there, or the listener is closed.
	if err := listener.Listen(l.Channel); err != nil && ctx.Err() == nil {
		l.Logger.ErrorContext(ctx, "listening for notifications failed; polling goes on", "channel", l.Channel, "error", err)
	}
	l.Missed(ctx)
	// The listener closes its channel when it has ended; until then it must
	// find a reader, or its goroutine would stay behind.
	for n := range listener.Notify {
		if n == nil {
			// A new connection: what was said meanwhile is lost.
			l.Missed(ctx)
			continue
		}
		l.Take(n.Extra)
	}
}

// dialer makes connections whose death is noticed: a listener only reads, and
// would wait for a vanished server for ever. Meanwhile the poll serves.
type dialer struct{ net.Dialer }

func newDialer() *dialer {
	return &dialer{net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}}
}

// DialTimeout implements pq.Dialer.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	limited := d.Dialer
	limited.Timeout = timeout
	return limited.Dial(network, address)
}
