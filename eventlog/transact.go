package eventlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
)

const (
	// settleTime bounds how long the outcome of a commit is asked for. A run
	// whose writer is silent for so long has lost its lease anyway.
	settleTime = 10 * time.Second
	// settlePause is how long the question rests while the database is away.
	settlePause = 100 * time.Millisecond
)

// transact writes the spans in one transaction, with a change if there is one,
// and tells followers. Spans whose claim is not the run's any more are left out
// and stay fenced. After an error nothing is written, unless it is ErrUncertain.
func (l *Log) transact(ctx context.Context, spans []*span, change Change) error {
	tx, err := l.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotBegun, err)
	}
	if err := l.fill(ctx, tx, spans, change); err != nil {
		// After a failure the rollback's own error says nothing new.
		tx.Rollback() //nolint:errcheck
		return err
	}
	if err := tx.Commit(); err != nil {
		if err := l.settle(ctx, spans, err); err != nil {
			return err
		}
	}
	for _, s := range spans {
		l.topics.publish(s.writer.RunID, s.events)
	}
	return nil
}

// fill does the transaction's work but for its end.
func (l *Log) fill(ctx context.Context, tx *ent.Tx, spans []*span, change Change) error {
	now := l.now()
	events, owners, err := l.extend(ctx, tx, spans, now)
	if err != nil {
		return err
	}
	if change != nil {
		if spans[0].fenced {
			return ErrFenced
		}
		if err := change(ctx, tx); err != nil {
			return err
		}
	}
	return l.insert(ctx, tx, events, owners, now)
}

// now is the time of events that are being written.
func (l *Log) now() time.Time { return l.clock.Now().UTC().Truncate(time.Microsecond) }

// insert writes numbered events, whose owners are given beside them.
func (l *Log) insert(ctx context.Context, tx *ent.Tx, events []Event, owners []string, now time.Time) error {
	if len(events) == 0 {
		return nil
	}
	for _, s := range l.sql.insert(events, owners, now) {
		if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// extend passes the fence and numbers the entries of those who may pass. It
// returns all events and whose each one is.
func (l *Log) extend(ctx context.Context, tx *ent.Tx, spans []*span, now time.Time) ([]Event, []string, error) {
	args, err := l.sql.extendArgs(spans, now)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.QueryContext(ctx, l.sql.extend, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	type passed struct {
		last  int
		owner string
	}
	passes := make(map[Writer]passed, len(spans))
	for rows.Next() {
		var w Writer
		var p passed
		if err := rows.Scan(&w.RunID, &w.Epoch, &p.last, &p.owner, new(string)); err != nil {
			return nil, nil, err
		}
		passes[w] = p
	}
	// The statement has run to its end only when the rows have.
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, nil, err
	}
	n := 0
	for _, s := range spans {
		n += s.n
	}
	events, owners := make([]Event, 0, n), make([]string, 0, n)
	for _, s := range spans {
		p, ok := passes[s.writer]
		if s.fenced = !ok; s.fenced {
			continue
		}
		events = s.number(events, p.last, now)
		for range s.n {
			owners = append(owners, p.owner)
		}
	}
	return events, owners, nil
}

// settle finds out what became of a transaction whose commit failed: the
// connection may have been lost before the database did it, or after. Nil: it
// was done. It was done for all spans or for none, so one that can tell is
// enough, and as long as their lanes are busy nobody else writes under their
// claims.
func (l *Log) settle(ctx context.Context, spans []*span, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for {
		done, err := l.outcome(ctx, spans)
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			return fmt.Errorf("commit: %w", cause)
		case errors.Is(err, ErrFenced), errors.Is(err, ErrUncertain):
			return fmt.Errorf("%w: commit: %w", err, cause)
		}
		l.logger.WarnContext(ctx, "asking what became of a commit failed", "error", err)
		pause := time.NewTimer(settlePause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w: commit: %w", ErrUncertain, cause)
		}
	}
}

// outcome tells whether the spans are in the table. ErrFenced: that cannot be
// told any more, because others have the runs now.
func (l *Log) outcome(ctx context.Context, spans []*span) (done bool, err error) {
	unknown := ErrFenced
	for _, s := range spans {
		if s.fenced {
			continue
		}
		if s.n == 0 {
			unknown = ErrUncertain // it has left no trace
			continue
		}
		epoch, last, err := l.position(ctx, s.writer.RunID)
		switch {
		case errors.Is(err, sql.ErrNoRows): // it was deleted meanwhile
		case err != nil:
			return false, err
		case last < s.last(): // numbers are never taken back
			return false, nil
		case epoch == s.writer.Epoch:
			return true, nil
		}
	}
	return false, unknown
}

// position reads a run's claim and newest number, after those who are writing
// to it have ended.
func (l *Log) position(ctx context.Context, runID string) (epoch, last int, err error) {
	rows, err := l.client.QueryContext(ctx, l.sql.settle, runID)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	if !rows.Next() {
		return 0, 0, errors.Join(rows.Err(), rows.Close(), sql.ErrNoRows)
	}
	if err := rows.Scan(&epoch, &last); err != nil {
		return 0, 0, err
	}
	return epoch, last, errors.Join(rows.Err(), rows.Close())
}
