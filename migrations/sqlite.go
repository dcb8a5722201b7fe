package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// sqliteSession prepares the connection that the files run on, and keeps other
// processes out meanwhile. It implements goose's lock.SessionLocker.
type sqliteSession struct {
	outer *sql.DB
	lock  *sql.Tx
}

// SessionLock implements lock.SessionLocker.
func (s *sqliteSession) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if err := s.keepOut(ctx, conn); err != nil {
		return errors.Join(fmt.Errorf("wait for another process: %w", err), s.letIn())
	}
	// SQLite changes most things about a table by making a new one and dropping
	// the old one, and a drop deletes the rows, and what hangs on them, first.
	// The switch does nothing within a transaction, so it cannot stand in a file.
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil {
		return errors.Join(fmt.Errorf("suspend foreign keys: %w", err), s.letIn())
	}
	return nil
}

// SessionUnlock implements lock.SessionLocker.
func (s *sqliteSession) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	err := dangling(ctx, conn)
	if _, on := conn.ExecContext(ctx, "PRAGMA foreign_keys = ON"); on != nil {
		err = errors.Join(err, fmt.Errorf("resume foreign keys: %w", on))
	}
	return errors.Join(err, s.letIn())
}

// dangling fails where a row refers to one that is not there.
func dangling(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return fmt.Errorf("check foreign keys: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		var (
			table, parent string
			row           sql.NullInt64
			key           int
		)
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return fmt.Errorf("check foreign keys: %w", err)
		}
		return fmt.Errorf("row %d of %s refers to a row of %s that is not there", row.Int64, table, parent)
	}
	return rows.Err()
}

// keepOut waits for other processes that migrate the same file. They cannot
// lock the file itself, whose lock each migration takes and gives back, so they
// lock an empty database beside it: SQLite's locks work wherever SQLite does,
// and end with the process. The wait is the connection's busy_timeout.
func (s *sqliteSession) keepOut(ctx context.Context, conn *sql.Conn) error {
	var (
		file     string
		patience int
	)
	if err := conn.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		return err
	}
	if file == "" {
		return nil // in memory: nobody else sees it
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&patience); err != nil {
		return err
	}
	var err error
	if s.outer, err = sql.Open("sqlite", fmt.Sprintf("%s-migrating?_busy_timeout=%d&_txlock=exclusive", file, patience)); err != nil {
		return err
	}
	s.lock, err = s.outer.BeginTx(context.WithoutCancel(ctx), nil)
	return err
}

func (s *sqliteSession) letIn() error {
	var err error
	if s.lock != nil {
		err = s.lock.Rollback()
	}
	if s.outer != nil {
		err = errors.Join(err, s.outer.Close())
	}
	s.lock, s.outer = nil, nil
	return err
}
