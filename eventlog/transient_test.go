package eventlog_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mark-analyst/mark/eventlog"
)

func TestTransient(t *testing.T) {
	for _, c := range []struct {
		err             error
		transient, full bool
	}{
		{nil, false, false},
		{errors.New("a defect"), false, false},
		{eventlog.ErrFenced, false, false},
		{fmt.Errorf("append: %w", eventlog.ErrUncertain), false, false},
		{&pgconn.PgError{Code: "23505"}, false, false}, // a constraint
		{&pgconn.PgError{Code: "42601"}, false, false}, // a syntax error
		{&pgconn.PgError{Code: "57P01"}, true, false},  // it is shutting down
		{&pgconn.PgError{Code: "57P03"}, true, false},  // it is starting
		{&pgconn.PgError{Code: "40P01"}, true, false},  // a deadlock
		{&pgconn.PgError{Code: "53300"}, true, false},  // too many connections
		{&pgconn.PgError{Code: "53100"}, true, true},   // disk full
		{fmt.Errorf("read: %w", driver.ErrBadConn), true, false},
		{fmt.Errorf("read: %w", io.EOF), true, false},
		{syscall.ECONNREFUSED, true, false},
		{fmt.Errorf("write a file: %w", syscall.ENOSPC), true, true},
		{context.DeadlineExceeded, true, false},
		{context.Canceled, false, false},
	} {
		if got := eventlog.Transient(c.err); got != c.transient {
			t.Errorf("%v is transient: %v", c.err, got)
		}
		if got := eventlog.DiskFull(c.err); got != c.full {
			t.Errorf("%v is a full disk: %v", c.err, got)
		}
	}
}

// What SQLite itself says of a full disk: a database that may not grow.
func TestAFullSQLite(t *testing.T) {
	db := sqlite(t)
	log, w := db.log(t), db.newRun(t)
	db.DB.SetMaxOpenConns(1) // the limit is a connection's
	if _, err := db.DB.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 1000 {
		if _, err = log.Append(t.Context(), w, texts(1, 100)...); err != nil {
			break
		}
	}
	if !eventlog.DiskFull(err) || !eventlog.Transient(err) {
		t.Fatalf("a full database: %v", err)
	}
	if _, err := db.DB.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), w, texts(1, 100)...); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
