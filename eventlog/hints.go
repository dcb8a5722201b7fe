package eventlog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mark-analyst/mark/internal/crashpoint"
	"github.com/mark-analyst/mark/internal/followed"
)

const (
	// channel is where processes tell each other through PostgreSQL how far a
	// run has come.
	channel = "mark_run_events"
	// maxPayload is what PostgreSQL takes in one notification, bytes.
	maxPayload = 7999
	// headsAtOnce bounds the runs of one look.
	headsAtOnce = 500
)

// pollHeads looks at the topics' runs at every poll, whatever the hints say,
// until ctx ends.
func (l *Log) pollHeads(ctx context.Context) {
	if crashpoint.Without(crashpoint.Poll) {
		return
	}
	followed.Poll(ctx, l.poll, l.lookAtAll)
}

// lookAtAll gives every topic the hint that its run's row holds.
func (l *Log) lookAtAll(ctx context.Context) {
	for ids := range slices.Chunk(l.topics.IDs(), headsAtOnce) {
		heads, err := l.heads(ctx, l.client, ids)
		if err != nil {
			if ctx.Err() == nil {
				l.logger.WarnContext(ctx, "polling for events failed", "error", err)
			}
			return
		}
		for _, id := range ids {
			t := l.topics.Find(id)
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
		t := l.topics.Find(fields[0])
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
