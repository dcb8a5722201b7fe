package chatfeed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// maxFailures is how many reads in a row may fail, one a poll, before a follower
// gives up: a database that restarts is back before that.
const maxFailures = 30

// Follow tells how a chat of the viewer's stands, and from there on what changes:
// a Snapshot, then the other events. Whoever takes them in holds, with the last
// event of each version, the chat as it stood at that version. It ends
//
//   - after Deleted;
//   - without an error when ctx ends;
//   - with an error, the last thing it yields: ErrNoChat where the viewer has no
//     such chat, ErrClosed, or the database's when it stays away for long.
//
// A follower that takes its time holds up neither who makes the changes nor
// other followers, and costs no memory: it is told the newest state when it asks.
func (f *Feed) Follow(ctx context.Context, chatID string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		// Joining first: what is changed from here on is announced, so nothing
		// can fall between the read and the wait.
		t, leave := f.topics.join(chatID)
		defer leave()
		fo := follower{feed: f, topic: t, chatID: chatID}
		for {
			events, err := fo.next(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case f.isClosed():
				yield(nil, ErrClosed)
				return
			case err != nil:
				yield(nil, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
				if _, last := e.(Deleted); last {
					return
				}
			}
		}
	}
}

// follower is one call of Follow.
type follower struct {
	feed   *Feed
	topic  *topic
	chatID string
	seen   *view // nil: nothing yet
	// changed is closed when there may be more than what was read last: it was
	// taken before that was read.
	changed <-chan struct{}
}

// next waits until there is something to tell.
func (fo *follower) next(ctx context.Context) ([]Event, error) {
	for failures := 0; ; {
		if fo.changed != nil {
			if err := fo.wait(ctx, fo.changed, nil); err != nil {
				return nil, err
			}
		}
		version, gone, changed := fo.topic.see()
		if fo.seen != nil && version == fo.seen.version && !gone {
			fo.changed = changed
			continue
		}
		s, err := fo.feed.read(ctx, fo.chatID, fo.seen)
		if err == nil {
			failures, fo.changed = 0, changed
			if events := fo.tell(s); len(events) > 0 {
				return events, nil
			}
			continue // the hint was an old one, or what changed has changed back
		}
		if errors.Is(err, ErrNoChat) && fo.seen != nil {
			return []Event{Deleted{Version: fo.seen.version}}, nil
		}
		if failures++; errors.Is(err, ErrNoChat) || failures == maxFailures || ctx.Err() != nil {
			return nil, err
		}
		fo.feed.logger.WarnContext(ctx, "reading a chat that is followed failed", "chat", fo.chatID, "attempt", failures, "error", err)
		retry := time.NewTimer(fo.feed.poll)
		err = fo.wait(ctx, nil, retry.C)
		retry.Stop()
		if err != nil {
			return nil, err
		}
	}
}

// tell tells what differs from what was seen, and takes it for seen.
func (fo *follower) tell(s *state) []Event {
	if fo.seen == nil || s.far {
		fo.seen = newView(s)
		return []Event{Snapshot{Chat: s.chat, Runs: s.runs}}
	}
	return fo.seen.tell(s)
}

// wait returns when either channel does, or with the reason to stop.
func (fo *follower) wait(ctx context.Context, changed <-chan struct{}, timer <-chan time.Time) error {
	select {
	case <-changed:
		return nil
	case <-timer:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("follow %s: %w", fo.chatID, ctx.Err())
	case <-fo.feed.closed:
		return ErrClosed
	}
}
