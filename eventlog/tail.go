package eventlog

import "github.com/mark-analyst/mark/internal/crashpoint"

const (
	// A tail keeps at most this much of a run's newest events for all of the
	// run's followers together, and a piece; who is further behind reads the
	// table.
	tailEvents = 512
	tailBytes  = 1 << 20
	// A piece holds at most this much, or one event that alone is more.
	pieceEvents = 64
	pieceBytes  = 64 << 10
)

// tail is the newest part of a log: consecutive events, in pieces that are
// handed out as they are. What is handed out is never written to again, so
// followers need no copy, and a slow one keeps no more than one piece alive,
// which it shares with those who are as slow.
type tail struct {
	pieces []piece
	events int
	bytes  int // of the bodies
}

type piece struct {
	events []Event
	bytes  int
}

// newest is the last event's number; 0: there is none.
func (t *tail) newest() int {
	if len(t.pieces) == 0 {
		return 0
	}
	last := t.pieces[len(t.pieces)-1].events
	return last[len(last)-1].Seq
}

// add appends events that follow on the newest, and forgets the oldest pieces
// where the tail becomes too long.
func (t *tail) add(events []Event) {
	for _, e := range events {
		n := len(t.pieces)
		if n == 0 || len(t.pieces[n-1].events) == pieceEvents || t.pieces[n-1].bytes+len(e.Body) > pieceBytes {
			t.pieces = append(t.pieces, piece{})
			n++
		}
		p := &t.pieces[n-1]
		p.events, p.bytes = append(p.events, e), p.bytes+len(e.Body)
		t.events, t.bytes = t.events+1, t.bytes+len(e.Body)
	}
	for len(t.pieces) > 1 && (t.events > tailEvents || t.bytes > tailBytes) {
		t.events, t.bytes = t.events-len(t.pieces[0].events), t.bytes-t.pieces[0].bytes
		t.pieces[0] = piece{} // or the array would keep it
		t.pieces = t.pieces[1:]
	}
}

// after returns what comes next after a number, as far as it is in one piece,
// and whether it has left the tail already.
func (t *tail) after(seq int) (events []Event, behind bool) {
	// From the newest on, since that is where most followers are.
	for i := len(t.pieces) - 1; i >= 0; i-- {
		events := t.pieces[i].events
		if from := seq + 1 - events[0].Seq; from >= 0 {
			n := len(events)
			if from < n && crashpoint.Without(crashpoint.Filter) {
				from = 0
			}
			return events[min(from, n):n:n], false
		}
	}
	return nil, len(t.pieces) > 0
}
