package eventlog

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

const (
	// channel is where processes tell each other through PostgreSQL how far a
	// run has come.
	channel = "mark_run_events"
	// maxPayload is what PostgreSQL takes in one notification, bytes.
	maxPayload = 7999
	// After a lost connection the listener waits from the first to the second
	// before it tries again. Close may have to wait as long.
	minReconnect = 100 * time.Millisecond
	maxReconnect = 2 * time.Second
	// headsAtOnce bounds the runs of one look.
	headsAtOnce = 500
)

// pollHeads looks at the followed runs at every poll, whatever the hints say,
// until ctx ends.
func (l *Log) pollHeads(ctx context.Context) {
	ticker := time.NewTicker(l.poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.lookAtAll(ctx)
		}
	}
}

// lookAtAll gives every topic the hint that its run's row holds.
func (l *Log) lookAtAll(ctx context.Context) {
	for ids := range slices.Chunk(l.topics.ids(), headsAtOnce) {
		heads, err := l.heads(ctx, l.client, ids)
		if err != nil {
			if ctx.Err() == nil {
				l.logger.WarnContext(ctx, "polling for events failed", "error", err)
			}
			return
		}
		for _, id := range ids {
			t := l.topics.find(id)
			if t == nil {
				continue
			}
			if h, ok := heads[id]; ok {
				t.hint(h)
			} else {
				t.vanish()
			}
		}
	}
}

// newListener returns a listener that connects, and connects again, by itself.
func (l *Log) newListener(ctx context.Context, url string) *pq.Listener {
	report := func(_ pq.ListenerEventType, err error) {
		if err != nil && ctx.Err() == nil {
			l.logger.WarnContext(ctx, "the connection that listens for events failed; polling goes on", "error", err)
		}
	}
	return pq.NewDialListener(newDialer(), url, minReconnect, maxReconnect, report)
}

// listen turns notifications into hints until ctx ends.
func (l *Log) listen(ctx context.Context, listener *pq.Listener) {
	stop := context.AfterFunc(ctx, func() {
		listener.Close() //nolint:errcheck // it fails only when closed already
	})
	defer stop()
	// Listen waits until a connection is there, or the listener is closed.
	if err := listener.Listen(channel); err != nil && ctx.Err() == nil {
		l.logger.ErrorContext(ctx, "listening for events failed; polling goes on", "error", err)
	}
	l.lookAtAll(ctx)
	// The listener closes its channel when it has ended; until then it must
	// find a reader, or its goroutine would stay behind.
	for n := range listener.Notify {
		if n == nil {
			// A new connection: what was said meanwhile is lost.
			l.lookAtAll(ctx)
			continue
		}
		l.take(n.Extra)
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

// payloads are the notifications that tell of events, those of a run being
// neighbours: one, or as many as it takes where PostgreSQL's limit is less.
func payloads(events []Event) []string {
	var list []string
	var text []byte
	for i, e := range events {
		if i+1 < len(events) && events[i+1].RunID == e.RunID {
			continue
		}
		line := head{seq: e.Seq, finished: e.Kind == RunFinished}.line(e.RunID)
		if len(text) > 0 && len(text)+len(line) > maxPayload {
			list, text = append(list, string(text)), text[:0]
		}
		text = append(text, line...)
	}
	return append(list, string(text))
}

// line is the head as processes tell it each other.
func (h head) line(runID string) string {
	if h.finished {
		return fmt.Sprintf("%s %d finished\n", runID, h.seq)
	}
	return fmt.Sprintf("%s %d\n", runID, h.seq)
}

// take gives a notification's lines to the topics they are for. What it cannot
// read it leaves to the poll.
func (l *Log) take(payload string) {
	for line := range strings.Lines(payload) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		t := l.topics.find(fields[0])
		if t == nil {
			continue
		}
		seq, err := strconv.Atoi(fields[1])
		if err != nil {
			continue
		}
		t.hint(head{seq: seq, finished: len(fields) > 2 && fields[2] == "finished"})
	}
}
