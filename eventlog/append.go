package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/storable"
)

// maxEntries bounds one append: what a statement's argument and the memory of
// both ends hold with ease.
const (
	maxEntries = 10_000
	// entrySize is what an entry counts beside its body, bytes.
	entrySize = 256
	// waitBytes bounds what waits to be written, all runs together; whoever
	// comes then waits before it.
	waitBytes = 32 << 20
)

// Change is work done in the transaction of an append. It must do all of it
// through tx, and must not touch the run's last_seq or epoch.
type Change func(ctx context.Context, tx *ent.Tx) error

// Append writes the entries at the end of the run's log and returns them as
// events; without entries it only renews the lease. They are all written or none
// is, in the order of the calls. Bodies must be valid JSON; what PostgreSQL
// cannot store in it (see package storable) is replaced.
//
// Entries that are appended at about the same time, to whichever runs, share a
// transaction. Those of others do no harm: each call gets its own answer.
//
// The error is ErrFenced when the writer has lost the run, ErrUncertain when it
// cannot be told whether the entries were written, and ErrClosed after Close.
// After any other nothing was written. A ctx that ends has an effect only until
// the writing begins, which waits for room where more than the database takes is
// being appended; from then on the call returns what came of it.
func (l *Log) Append(ctx context.Context, w Writer, entries ...Entry) ([]Event, error) {
	r, err := newRequest(w, entries)
	if err != nil {
		return nil, err
	}
	if err := noEnd(entries); err != nil {
		return nil, err
	}
	events, err := l.group(ctx, r)
	return events, describe(w, err)
}

// AppendWith is Append with a change made in the same transaction, which is
// theirs alone: both are kept or neither. The change runs after the fence was
// passed, while no other writer can pass it. It keeps its place among the calls
// of Append for the run, so it must not wait for one.
func (l *Log) AppendWith(ctx context.Context, w Writer, change Change, entries ...Entry) ([]Event, error) {
	if change == nil {
		return l.Append(ctx, w, entries...)
	}
	if err := noEnd(entries); err != nil {
		return nil, err
	}
	r, err := newRequest(w, entries)
	if err != nil {
		return nil, err
	}
	events, err := l.alone(ctx, r, change)
	return events, describe(w, err)
}

// AppendFinal ends the run: the change, which must set the run's state to a
// final one, and the entries, of which the last and only the last must be of
// kind RunFinished, are kept together or not at all. It succeeds once in a
// run's life; afterwards everything is ErrFenced.
func (l *Log) AppendFinal(ctx context.Context, w Writer, change Change, entries ...Entry) ([]Event, error) {
	for i, e := range entries {
		if (e.Kind == RunFinished) != (i == len(entries)-1) {
			return nil, errors.New("eventlog: RunFinished must be the last entry of a final append")
		}
	}
	if len(entries) == 0 || change == nil {
		return nil, errors.New("eventlog: a final append needs a change and RunFinished")
	}
	r, err := newRequest(w, entries)
	if err != nil {
		return nil, err
	}
	events, err := l.alone(ctx, r, func(ctx context.Context, tx *ent.Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		heads, err := l.heads(ctx, tx, []string{w.RunID})
		if err != nil {
			return err
		}
		if !heads[w.RunID].finished {
			return errors.New("eventlog: the change of a final append left the run unfinished")
		}
		return nil
	})
	return events, describe(w, err)
}

func describe(w Writer, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("append to %s: %w", w.RunID, err)
}

func noEnd(entries []Entry) error {
	for _, e := range entries {
		if e.Kind == RunFinished {
			return errors.New("eventlog: RunFinished is written by AppendFinal only")
		}
	}
	return nil
}

// newRequest makes the entries fit to be stored.
func newRequest(w Writer, entries []Entry) (*request, error) {
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("eventlog: %d entries in one append, at most %d", len(entries), maxEntries)
	}
	r := &request{
		writer: w, size: entrySize,
		kinds: make([]string, len(entries)), bodies: make([]json.RawMessage, len(entries)),
		done: make(chan struct{}),
	}
	for i, e := range entries {
		r.kinds[i] = e.Kind
		switch {
		case e.Kind == "":
			return nil, errors.New("eventlog: an entry without a kind")
		case e.Kind == Snapshot:
			return nil, errors.New("eventlog: a Snapshot is not stored")
		case e.Body == nil:
			r.bodies[i] = json.RawMessage("{}")
		case !json.Valid(e.Body):
			return nil, fmt.Errorf("eventlog: the body of a %s is not JSON", e.Kind)
		default:
			// A copy: followers will have it when the caller's is no more.
			r.bodies[i] = bytes.Clone(storable.JSON(e.Body))
		}
		r.size += entrySize + int64(len(r.bodies[i]))
	}
	return r, nil
}
