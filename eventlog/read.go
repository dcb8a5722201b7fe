package eventlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// A page of the table holds at most this many events, and no more bodies
	// than the first that brings it over this many bytes.
	pageEvents = 256
	pageBytes  = 1 << 20
	// readTime bounds one look at the table, so that a database that hangs is
	// noticed and asked again.
	readTime = 5 * time.Second
)

// querier is the part of *ent.Client and *ent.Tx that reading needs.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// page reads the next events of a run after a number, at least one if there
// is one: a Snapshot where they are no longer stored.
func (l *Log) page(ctx context.Context, runID string, after int) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := l.client.QueryContext(ctx, l.sql.page, runID, after, pageEvents)
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", runID, err)
	}
	defer rows.Close()
	var events []Event
	gap := false
	for size := 0; size < pageBytes && rows.Next(); {
		e := Event{RunID: runID}
		var body []byte
		if err := rows.Scan(&e.Seq, &e.At, &e.Kind, &body); err != nil {
			return nil, fmt.Errorf("read the log of %s: %w", runID, err)
		}
		// Events are removed from the oldest on, so a gap is before the first.
		if want := after + len(events) + 1; e.Seq != want {
			if gap = len(events) == 0; gap {
				break
			}
			return nil, fmt.Errorf("read the log of %s: event %d is missing", runID, want)
		}
		e.At, e.Body = e.At.UTC(), json.RawMessage(body)
		events = append(events, e)
		size += len(body)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", runID, err)
	}
	if gap {
		e, err := l.snapshot(ctx, runID, after)
		if err != nil {
			return nil, fmt.Errorf("read the log of %s: %w", runID, err)
		}
		return []Event{e}, nil
	}
	return events, nil
}

// heads reads how far runs have come. A run that is not there is not in the
// answer.
func (l *Log) heads(ctx context.Context, q querier, ids []string) (map[string]head, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	list, err := l.sql.ids(ids)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, l.sql.heads, list)
	if err != nil {
		return nil, fmt.Errorf("look at the runs: %w", err)
	}
	defer rows.Close()
	heads := make(map[string]head, len(ids))
	for rows.Next() {
		var id string
		var h head
		if err := rows.Scan(&id, &h.seq, &h.finished); err != nil {
			return nil, fmt.Errorf("look at the runs: %w", err)
		}
		heads[id] = h
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look at the runs: %w", err)
	}
	return heads, nil
}
