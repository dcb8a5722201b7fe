package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// compactEvents bounds the events that one transaction removes, so that writers
// wait for milliseconds only.
const compactEvents = 1000

// Compact removes the events of runs that finished before a time, the oldest
// first, of at most limit runs, and returns of how many: less than limit means
// that nothing is left to do. What the events said is in the steps and messages;
// of the events only the last, RunFinished, stays. Whoever follows such a run
// from the beginning gets a Snapshot in place of the others.
//
// It works in transactions of at most 1000 events, each of which leaves the run
// in order: what is interrupted goes on at the next call, and several processes
// may compact at once.
func (l *Log) Compact(ctx context.Context, finishedBefore time.Time, limit int) (n int, err error) {
	runs, err := l.compactable(ctx, finishedBefore, limit)
	if err != nil {
		return 0, fmt.Errorf("compact the log: %w", err)
	}
	for _, r := range runs {
		for r.from < r.to {
			r.from = min(r.from+compactEvents, r.to)
			if err := l.compact(ctx, r.id, r.from); err != nil {
				return n, fmt.Errorf("compact the log of %s: %w", r.id, err)
			}
		}
		n++
	}
	return n, nil
}

// stale is a run whose events after from and up to to can go.
type stale struct {
	id       string
	from, to int
}

func (l *Log) compactable(ctx context.Context, finishedBefore time.Time, limit int) ([]stale, error) {
	rows, err := l.client.QueryContext(ctx, l.sql.compactable, finishedBefore.UTC(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var runs []stale
	for rows.Next() {
		var r stale
		if err := rows.Scan(&r.id, &r.from, &r.to); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, errors.Join(rows.Err(), rows.Close())
}

// compact removes a run's events up to a number, and says so in its row in the
// same transaction: a reader finds them, or the row that tells why not.
func (l *Log) compact(ctx context.Context, runID string, upTo int) error {
	tx, err := l.client.Tx(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo, and after a failure its reason counts
	res, err := tx.ExecContext(ctx, l.sql.compactRun, runID, upTo)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err // another process was here
	}
	if _, err := tx.ExecContext(ctx, l.sql.compactEvents, runID, upTo); err != nil {
		return err
	}
	return tx.Commit()
}

// snapshot is what a reader gets in place of events after a number that are no
// longer stored. An error: they are missing for no good reason.
func (l *Log) snapshot(ctx context.Context, runID string, after int) (Event, error) {
	rows, err := l.client.QueryContext(ctx, l.sql.compacted, runID)
	if err != nil {
		return Event{}, err
	}
	defer rows.Close()
	var upTo int
	if rows.Next() {
		if err := rows.Scan(&upTo); err != nil {
			return Event{}, err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return Event{}, err
	}
	if upTo <= after {
		return Event{}, fmt.Errorf("event %d is missing", after+1)
	}
	return Event{RunID: runID, Seq: upTo, At: l.clock.Now(), Kind: Snapshot, Body: json.RawMessage("{}")}, nil
}
