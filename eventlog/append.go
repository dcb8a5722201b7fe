package eventlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/storable"
)

// maxEntries bounds one append: what a statement's argument and the memory of
// both ends hold with ease.
const maxEntries = 10_000

// Change is work done in the transaction of an append. It must do all of it
// through tx, and must not touch the run's last_seq or epoch.
type Change func(ctx context.Context, tx *ent.Tx) error

// Append writes the entries at the end of the run's log and returns them as
// events. They are all written or none is. The error is ErrFenced when the
// writer has lost the run. Bodies must be valid JSON; what PostgreSQL cannot
// store in it (see package storable) is replaced.
func (l *Log) Append(ctx context.Context, w Writer, entries ...Entry) ([]Event, error) {
	return l.AppendWith(ctx, w, nil, entries...)
}

// AppendWith is Append with a change made in the same transaction: both are
// kept or neither. The change runs after the fence was passed, while no other
// writer can pass it.
func (l *Log) AppendWith(ctx context.Context, w Writer, change Change, entries ...Entry) ([]Event, error) {
	for _, e := range entries {
		if e.Kind == RunFinished {
			return nil, errors.New("eventlog: RunFinished is written by AppendFinal only")
		}
	}
	return l.append(ctx, w, change, entries)
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
	return l.append(ctx, w, func(ctx context.Context, tx *ent.Tx) error {
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
	}, entries)
}

func (l *Log) append(ctx context.Context, w Writer, change Change, entries []Entry) ([]Event, error) {
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("eventlog: %d entries in one append, at most %d", len(entries), maxEntries)
	}
	bodies, err := storableBodies(entries)
	if err != nil {
		return nil, err
	}
	tx, err := l.client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", w.RunID, err)
	}
	events, err := l.write(ctx, tx, w, change, entries, bodies)
	if err != nil {
		// After a failure the rollback's own error says nothing new.
		tx.Rollback() //nolint:errcheck
		return nil, fmt.Errorf("append to %s: %w", w.RunID, err)
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("append to %s: commit: %w", w.RunID, err)
	}
	l.topics.publish(w.RunID, events)
	return events, nil
}

func storableBodies(entries []Entry) ([]string, error) {
	bodies := make([]string, len(entries))
	for i, e := range entries {
		switch {
		case e.Kind == "":
			return nil, errors.New("eventlog: an entry without a kind")
		case e.Body == nil:
			bodies[i] = "{}"
		case !json.Valid(e.Body):
			return nil, fmt.Errorf("eventlog: the body of a %s is not JSON", e.Kind)
		default:
			bodies[i] = string(storable.JSON(e.Body))
		}
	}
	return bodies, nil
}

// write does the transaction's work but for its end.
func (l *Log) write(ctx context.Context, tx *ent.Tx, w Writer, change Change, entries []Entry, bodies []string) ([]Event, error) {
	first, owner, err := l.extend(ctx, tx, w, len(entries))
	if err != nil {
		return nil, err
	}
	if change != nil {
		if err := change(ctx, tx); err != nil {
			return nil, err
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}
	events := make([]Event, len(entries))
	kinds := make([]string, len(entries))
	now := l.clock.Now().UTC().Truncate(time.Microsecond)
	for i, e := range entries {
		kinds[i] = e.Kind
		events[i] = Event{RunID: w.RunID, Seq: first + i, At: now, Kind: e.Kind, Body: json.RawMessage(bodies[i])}
	}
	rows, err := l.sql.rows(kinds, bodies)
	if err != nil {
		return nil, err
	}
	args := append([]any{w.RunID, owner, first - 1, now}, rows...)
	if _, err := tx.ExecContext(ctx, l.sql.insert, args...); err != nil {
		return nil, err
	}
	if l.sql.notify != "" {
		last := events[len(events)-1]
		payload := head{seq: last.Seq, finished: last.Kind == RunFinished}.payload(w.RunID)
		if _, err := tx.ExecContext(ctx, l.sql.notify, channel, payload); err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
	}
	return events, nil
}

// extend passes the fence and returns the first of n new numbers, and the
// run's owner.
func (l *Log) extend(ctx context.Context, tx *ent.Tx, w Writer, n int) (first int, owner string, err error) {
	rows, err := tx.QueryContext(ctx, l.sql.extend, w.RunID, w.Epoch, n)
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	var last int
	err = scanOne(rows, &last, &owner)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", ErrFenced
	}
	return last - n + 1, owner, err
}

// scanOne reads the only row, or says sql.ErrNoRows.
func scanOne(rows *sql.Rows, into ...any) error {
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	// The statement has run to its end only when the rows have.
	return errors.Join(rows.Err(), rows.Close())
}
