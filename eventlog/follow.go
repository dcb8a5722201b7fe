package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/mark-analyst/mark/internal/deep"
)

// maxFailures is how many reads in a row may fail, one a poll, before a
// follower gives up: a database that restarts is back before that.
const maxFailures = 30

// Follow yields the run's events after a number, in order, each once: first
// those that are stored, then new ones as they are appended. It ends
//
//   - after RunFinished, or at once where that lies at or before after;
//   - without an error when ctx ends;
//   - with an error, the last thing it yields: ErrNoRun, ErrNegative, ErrClosed,
//     or the database's when it stays away for long. Following again after the
//     last event that was yielded loses nothing and repeats nothing.
//
// Where events after the number are no longer stored (see Compact), an event of
// kind Snapshot comes in their place, whose Seq is the last one's: from there on
// the numbers are gapless again. That may happen in the midst of them, too.
//
// An after beyond the last event is waited for. A follower that takes its time
// holds up neither the writer nor other followers, and costs no memory: what it
// missed it reads from the table.
//
// Follow does not ask whose run it is. The caller must have loaded the run
// through ent as the viewer, or made it, before it follows.
func (l *Log) Follow(ctx context.Context, runID string, after int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if after < 0 {
			yield(Event{}, ErrNegative)
			return
		}
		// Joining first: what is appended from here on is announced, so
		// nothing can fall between the read and the wait.
		t, leave := l.topics.join(runID)
		defer leave()
		f := follower{log: l, topic: t, runID: runID, sent: after, fresh: true}
		for {
			events, err := f.next(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case l.isClosed():
				yield(Event{}, ErrClosed)
				return
			case err != nil:
				yield(Event{}, err)
				return
			case len(events) == 0:
				return
			}
			for _, e := range events {
				if !yield(e, nil) || e.Kind == RunFinished {
					return
				}
				f.sent = e.Seq
			}
		}
	}
}

// Keep has the newest events of a run kept at hand until release, as if somebody
// followed it: a person who comes to a run that this node works on is told of it
// before the tables are looked at.
func (l *Log) Keep(runID string) (release func()) {
	_, release = l.topics.join(runID)
	return release
}

// follower is one call of Follow.
type follower struct {
	log   *Log
	topic *topic
	runID string
	sent  int
	fresh bool // has not looked at the run's row yet
}

// next waits for events after sent. None and no error: the run has finished.
//
// Followers wait here for most of their lives, thousands of them at times; hence
// little stands on the stack while one does.
func (f *follower) next(ctx context.Context) (events []Event, err error) {
	for {
		var changed <-chan struct{}
		events, changed, err = f.get(ctx)
		if changed == nil {
			return events, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("follow %s: %w", f.runID, ctx.Err())
		case <-f.log.closed:
			return nil, ErrClosed
		}
	}
}

// get returns what next does, or what to wait for.
func (f *follower) get(ctx context.Context) (events []Event, changed <-chan struct{}, err error) {
	v := f.topic.after(f.sent)
	if len(v.events) > 0 {
		return v.events, nil, nil
	}
	if !f.fresh && v.head.seq <= f.sent && !v.gone && !v.head.finished {
		return nil, v.changed, nil
	}
	return f.askDeep(ctx)
}

// askDeep is ask on a stack that is not the follower's. It is apart from get, whose
// results would else be on the heap whether somebody asks or not.
func (f *follower) askDeep(ctx context.Context) (events []Event, changed <-chan struct{}, err error) {
	deep.Call(func() { events, changed, err = f.ask(ctx) })
	return events, changed, err
}

// ask is get where the tables may have to be read.
func (f *follower) ask(ctx context.Context) (events []Event, changed <-chan struct{}, err error) {
	for failures := 0; ; {
		var events []Event
		var err error
		v := f.topic.after(f.sent)
		switch {
		case len(v.events) > 0:
			return v.events, nil, nil
		case v.head.seq > f.sent:
			events, err = f.read(ctx, v.behind)
		case v.gone:
			return nil, nil, ErrNoRun
		case v.head.finished:
			return nil, nil, nil
		case f.fresh:
			if err = f.look(ctx); err == nil {
				f.fresh = false
				continue
			}
		default:
			return nil, v.changed, nil
		}
		if err == nil {
			if len(events) > 0 {
				return events, nil, nil
			}
			// The run has more than the table: it was deleted just now.
			if err = f.look(ctx); err == nil {
				err = fmt.Errorf("read the log of %s: event %d is missing", f.runID, f.sent+1)
			}
		}
		if failures++; errors.Is(err, ErrNoRun) || errors.Is(err, ErrClosed) || failures == maxFailures {
			return nil, nil, err
		}
		f.log.logger.WarnContext(ctx, "reading a run's log failed", "run", f.runID, "attempt", failures, "error", err)
		retry := time.NewTimer(f.log.poll)
		err = f.wait(ctx, retry.C)
		retry.Stop()
		if err != nil {
			return nil, nil, err
		}
	}
}

// look reads the run's row.
func (f *follower) look(ctx context.Context) error {
	heads, err := f.log.heads(ctx, f.log.client, []string{f.runID})
	if err != nil {
		return err
	}
	h, ok := heads[f.runID]
	if !ok {
		return ErrNoRun
	}
	f.topic.hint(h)
	return nil
}

// read reads the next page from the table. At the live end one follower reads
// for all: the others find it in the tail.
func (f *follower) read(ctx context.Context, behind bool) ([]Event, error) {
	if behind {
		return f.log.page(ctx, f.runID, f.sent)
	}
	select {
	case f.topic.reading <- struct{}{}:
		defer func() { <-f.topic.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.log.closed:
		return nil, ErrClosed
	}
	if v := f.topic.after(f.sent); len(v.events) > 0 {
		return v.events, nil
	}
	events, err := f.log.page(ctx, f.runID, f.sent)
	f.topic.publish(events)
	return events, err
}

// wait returns when the timer does, or with the reason to stop.
func (f *follower) wait(ctx context.Context, timer <-chan time.Time) error {
	select {
	case <-timer:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("follow %s: %w", f.runID, ctx.Err())
	case <-f.log.closed:
		return ErrClosed
	}
}
