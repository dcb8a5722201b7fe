package eventlog

import (
	"context"
	"errors"
	"time"
)

// flushTime bounds one flush, the attempts to find a bad entry included.
const flushTime = 10 * time.Second

// errNotBegun: there was no transaction to be had, for these or other entries.
var errNotBegun = errors.New("no transaction could be begun")

// group has a request written together with what others append at the time.
func (l *Log) group(ctx context.Context, r *request) ([]Event, error) {
	leave, err := l.lanes.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	size := min(r.size, waitBytes)
	if err := l.room.Acquire(ctx, size); err != nil {
		return nil, err
	}
	defer l.room.Release(size)
	ln := l.lanes.add(r)
	select {
	case <-r.done:
	case <-ctx.Done():
		if l.lanes.withdraw(ln, r) {
			return nil, ctx.Err()
		}
		<-r.done // it may be written already: the caller is to know
	}
	return r.events, r.err
}

// flush writes what waits, one batch after the other, until nothing does. What
// comes while a batch is being written is the next one: alone a request goes at
// once, and under load many share a commit.
func (l *Log) flush() {
	for {
		b := l.lanes.take()
		if len(b.requests) == 0 {
			return
		}
		// Not under the callers' contexts: one that leaves must not undo what
		// the others have in the same transaction.
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		l.write(ctx, b.requests)
		cancel()
		l.lanes.release(b.lanes...)
	}
}

// write writes the requests and answers them. When the database refuses them
// together, which may be for one of them, it tries each half by itself.
func (l *Log) write(ctx context.Context, requests []*request) {
	spans := spansOf(requests)
	err := l.transact(ctx, spans, nil)
	if err != nil && len(requests) > 1 && divisible(err) {
		half := len(requests) / 2
		l.write(ctx, requests[:half])
		l.write(ctx, requests[half:])
		return
	}
	for _, s := range spans {
		s.answer(err)
	}
}

// divisible tells whether a failed flush has certainly written nothing, and may
// do better in parts.
func divisible(err error) bool {
	return !errors.Is(err, errNotBegun) && !errors.Is(err, ErrUncertain) && !errors.Is(err, ErrFenced)
}

// alone does one writer's append in a transaction of its own, when it is the
// run's turn.
func (l *Log) alone(ctx context.Context, r *request, change Change) ([]Event, error) {
	leave, err := l.lanes.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	turn := &request{writer: r.writer, alone: true, done: make(chan struct{})}
	ln := l.lanes.add(turn)
	select {
	case <-turn.done:
	case <-ctx.Done():
		if l.lanes.withdraw(ln, turn) {
			return nil, ctx.Err()
		}
		<-turn.done
	}
	defer l.lanes.release(ln)
	spans := spansOf([]*request{r})
	if err := l.transact(ctx, spans, change); err != nil {
		return nil, err
	}
	if spans[0].fenced {
		return nil, ErrFenced
	}
	return spans[0].events, nil
}
