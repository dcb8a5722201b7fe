package eventlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"
)

const (
	// LeaseTime is how long a claim to a run lasts after it was made or renewed;
	// every append renews it. A worker that has not reached the database for that
	// long must stop working on the run: another may have it.
	LeaseTime = 6 * time.Second
	// claimTime bounds one claim or renewal, so that a database that hangs is
	// noticed while the lease lasts.
	claimTime = 3 * time.Second
)

// Claim makes the node the only writer of a run, for LeaseTime. The epoch is the
// one that the claim sets, one more than the run's: of all that try for the same
// one succeeds. The run must be QUEUED, or be held by a node whose lease has
// ended; else the error is ErrFenced. Times are the database's where it has a
// clock of its own, so that nodes need not agree on the time.
func (l *Log) Claim(ctx context.Context, runID string, epoch int, node string) (Writer, error) {
	w, _, err := l.claim(ctx, l.sql.claim, runID, epoch, node)
	return w, err
}

// Take is Claim where the run waits for a node, as Due has it; else the error is
// ErrFenced. It tells whose run it is.
func (l *Log) Take(ctx context.Context, perOwner int, runID string, epoch int, node string) (w Writer, ownerID string, err error) {
	return l.claim(ctx, l.sql.take, runID, epoch, node, perOwner)
}

func (l *Log) claim(ctx context.Context, statement, runID string, epoch int, node string, more ...any) (w Writer, ownerID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	args := append(append([]any{runID, epoch, node}, l.sql.lease(l.clock.Now())...), more...)
	err = l.change(ctx, statement, args, func(rows *sql.Rows) error { return rows.Scan(&ownerID) })
	switch {
	case err != nil:
		return Writer{}, "", fmt.Errorf("claim %s: %w", runID, err)
	case ownerID == "":
		return Writer{}, "", fmt.Errorf("claim %s: %w", runID, ErrFenced)
	}
	return Writer{RunID: runID, Epoch: epoch}, ownerID, nil
}

// Renewed is what Renew has found out about a run.
type Renewed struct {
	Stopped bool // somebody has asked for its end
}

// Renew prolongs claims by LeaseTime. A claim that is not in the answer is lost,
// as by ErrFenced.
func (l *Log) Renew(ctx context.Context, claims []Writer) (map[Writer]Renewed, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	held, err := l.sql.claims(claims)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]Renewed, len(claims))
	err = l.change(ctx, l.sql.renew, append(held, l.sql.lease(l.clock.Now())[0]), func(rows *sql.Rows) error {
		var id string
		var r Renewed
		err := rows.Scan(&id, &r.Stopped)
		byID[id] = r
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	out := make(map[Writer]Renewed, len(claims))
	for _, w := range claims {
		if r, ok := byID[w.RunID]; ok {
			out[w] = r
		}
	}
	return out, nil
}

// Release gives a run back that was not finished, so that another can claim it at
// once. It is harmless where the claim was lost.
func (l *Log) Release(ctx context.Context, w Writer) error {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	if _, err := l.client.ExecContext(ctx, l.sql.release, w.RunID, w.Epoch); err != nil {
		return fmt.Errorf("release %s: %w", w.RunID, err)
	}
	return nil
}

// Restarted ends all leases on SQLite, where a service is one process: whatever is
// held when it starts is held by one that has died. To wait for a lease's end would
// be to wait for long where the clock was put back meanwhile. It has to be called
// before anything is claimed. On PostgreSQL leases may be other nodes', and it does
// nothing.
func (l *Log) Restarted(ctx context.Context) error {
	if l.sql.postgres {
		return nil
	}
	if _, err := l.client.ExecContext(ctx, l.sql.restarted); err != nil {
		return fmt.Errorf("take up runs that were cut off: %w", err)
	}
	return nil
}

// Due is a run that waits for a node.
type Due struct {
	RunID string
	Epoch int // that a claim would set
}

// Due returns runs that wait for a node, the oldest first: those that were begun
// and that nobody holds any more, and queued ones whose turn it is. In a chat one
// run goes on at a time, in the order of its questions, and of one person at most
// perOwner do.
func (l *Log) Due(ctx context.Context, perOwner, limit int) ([]Due, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	args := []any{limit, perOwner}
	if !l.sql.postgres {
		args = append(args, l.clock.Now())
	}
	rows, err := l.client.QueryContext(ctx, l.sql.due, args...)
	if err != nil {
		return nil, fmt.Errorf("look for runs to work on: %w", err)
	}
	defer rows.Close()
	var due []Due
	for rows.Next() {
		var d Due
		if err := rows.Scan(&d.RunID, &d.Epoch); err != nil {
			return nil, fmt.Errorf("look for runs to work on: %w", err)
		}
		d.Epoch++
		due = append(due, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for runs to work on: %w", err)
	}
	return due, nil
}

// change runs a statement that changes rows and returns them.
func (l *Log) change(ctx context.Context, query string, args []any, each func(*sql.Rows) error) error {
	if l.sql.postgres {
		return changeRows(ctx, l.client, query, args, each)
	}
	// On SQLite writes wait for their turn, and of those that return rows only
	// those of a transaction do.
	tx, err := l.client.Tx(ctx)
	if err != nil {
		return err
	}
	if err := changeRows(ctx, tx, query, args, each); err != nil {
		tx.Rollback() //nolint:errcheck // after a failure the rollback's own error says nothing new
		return err
	}
	return tx.Commit()
}

func changeRows(ctx context.Context, on querier, query string, args []any, each func(*sql.Rows) error) error {
	rows, err := on.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// turn is what the databases' statements differ in.
type turn struct {
	Now, Lease string // the present, and when a lease that begins now ends
	PerOwner   string // the argument
}

// turnText is a statement about runs that wait, in words of one of the databases.
func turnText(name string, t turn) string {
	file := name + ".sql"
	var out strings.Builder
	texts := template.Must(template.ParseFS(sqlFiles, "sql/turn.sql", "sql/"+file)) // they are part of the binary
	if err := texts.ExecuteTemplate(&out, file, t); err != nil {
		panic(err)
	}
	return out.String()
}

// leases adds to s what claims need.
func (s *statements) leases(postgres bool) {
	s.release, s.restarted, s.postgres = text("release"), text("restarted"), postgres
	if postgres {
		const now, lease = "clock_timestamp()", "clock_timestamp() + $4 * interval '1 microsecond'"
		s.due = turnText("due", turn{Now: now, PerOwner: "$2"})
		s.claim = turnText("claim", turn{Now: now, Lease: lease})
		s.take = turnText("take", turn{Now: now, Lease: lease, PerOwner: "$5"})
		s.first = turnText("first", turn{Lease: fmt.Sprintf("clock_timestamp() + %d * interval '1 microsecond'", LeaseTime.Microseconds()), PerOwner: "$3"})
		s.renew = text("renew_postgres")
		s.lease = func(time.Time) []any { return []any{LeaseTime.Microseconds()} }
		s.claims = func(claims []Writer) ([]any, error) {
			ids, epochs := make([]string, len(claims)), make([]int64, len(claims))
			for i, w := range claims {
				ids[i], epochs[i] = w.RunID, int64(w.Epoch)
			}
			return []any{ids, epochs}, nil
		}
		return
	}
	s.due = turnText("due", turn{Now: "$3", PerOwner: "$2"})
	s.claim = turnText("claim", turn{Now: "$5", Lease: "$4"})
	s.take = turnText("take", turn{Now: "$5", Lease: "$4", PerOwner: "$6"})
	s.first = turnText("first", turn{Lease: "''", PerOwner: "$3"}) // the time is the caller's
	s.renew = text("renew_sqlite")
	s.lease = func(now time.Time) []any { return []any{now.Add(LeaseTime), now} }
	s.claims = func(claims []Writer) ([]any, error) {
		pairs := make([][2]any, len(claims))
		for i, w := range claims {
			pairs[i] = [2]any{w.RunID, w.Epoch}
		}
		list, err := jsonText(pairs)
		return []any{list}, err
	}
}
