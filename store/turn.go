package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// SQLite has one writer at a time, and one that finds the database taken asks
// again and again at growing intervals: whoever came last may well be next, and
// the unlucky wait for seconds. So writers of this process queue here, before
// they take a connection from the pool. Since no connection is held while
// waiting, readers always find one, a transaction's own reads outside it
// included.

// turn is the right to write, given out in the order of asking. A nil turn
// gives it to everybody.
type turn chan struct{}

// take waits for the turn. The function it returns gives it back; calling that
// again is harmless.
func (t turn) take(ctx context.Context) (leave func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case t <- struct{}{}:
		return sync.OnceFunc(func() { <-t }), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("store: waiting to write: %w", ctx.Err())
	case <-timeout.C:
		// A nested write that does not go through its transaction ends here.
		return nil, fmt.Errorf("store: a transaction has not ended for %s", patience)
	}
}

// turnDriver is ent's driver whose writes wait for their turn.
type turnDriver struct {
	*entsql.Driver
	turn turn
}

// Exec implements dialect.Driver.
func (d *turnDriver) Exec(ctx context.Context, query string, args, v any) error {
	leave, err := d.turn.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return d.Driver.Exec(ctx, query, args, v)
}

// ExecContext is what ent's Client.ExecContext calls.
func (d *turnDriver) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	leave, err := d.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return d.Driver.ExecContext(ctx, query, args...)
}

// Query implements dialect.Driver. ent inserts with INSERT … RETURNING, which
// writes until its rows are closed.
func (d *turnDriver) Query(ctx context.Context, query string, args, v any) error {
	rows, ok := v.(*entsql.Rows)
	if !ok || !writes(query) {
		return d.Driver.Query(ctx, query, args, v)
	}
	leave, err := d.turn.take(ctx)
	if err != nil {
		return err
	}
	if err := d.Driver.Query(ctx, query, args, v); err != nil {
		leave()
		return err
	}
	rows.ColumnScanner = &turnRows{ColumnScanner: rows.ColumnScanner, leave: leave}
	return nil
}

func writes(query string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	return !strings.EqualFold(verb, "SELECT") && !strings.EqualFold(verb, "PRAGMA")
}

// Tx implements dialect.Driver.
func (d *turnDriver) Tx(ctx context.Context) (dialect.Tx, error) { return d.BeginTx(ctx, nil) }

// BeginTx is what ent's Client.BeginTx calls. A read-only transaction waits
// for nobody.
func (d *turnDriver) BeginTx(ctx context.Context, opts *entsql.TxOptions) (dialect.Tx, error) {
	if opts != nil && opts.ReadOnly {
		return d.Driver.BeginTx(ctx, opts)
	}
	leave, err := d.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := d.Driver.BeginTx(ctx, opts)
	if err != nil {
		leave()
		return nil, err
	}
	// When the context ends database/sql rolls the transaction back by itself;
	// a caller that forgets to must not stop everybody.
	stop := context.AfterFunc(ctx, leave)
	return &turnTx{Tx: tx.(*entsql.Tx), leave: func() { stop(); leave() }}, nil
}

// turnTx gives the turn back at its end.
type turnTx struct {
	*entsql.Tx
	leave func()
}

// Commit implements dialect.Tx.
func (t *turnTx) Commit() error {
	defer t.leave()
	return t.Tx.Commit()
}

// Rollback implements dialect.Tx.
func (t *turnTx) Rollback() error {
	defer t.leave()
	return t.Tx.Rollback()
}

// turnRows gives the turn back when they are closed.
type turnRows struct {
	entsql.ColumnScanner
	leave func()
}

// Close implements entsql.ColumnScanner.
func (r *turnRows) Close() error {
	defer r.leave()
	return r.ColumnScanner.Close()
}
