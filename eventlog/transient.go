package eventlog

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// DiskFull tells whether the database had no room for what was written.
func DiskFull(err error) bool {
	var postgres *pgconn.PgError
	var lite *sqlite.Error
	return errors.As(err, &postgres) && postgres.Code == "53100" ||
		errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC)
}

// Conflict tells whether two transactions stood in each other's way, and this one
// was taken back.
func Conflict(err error) bool {
	var postgres *pgconn.PgError
	return errors.As(err, &postgres) && class(postgres) == "40"
}

// Transient tells whether an error is of a kind that goes away by itself or with
// an operator's help: the database cannot be reached, is starting or stopping,
// has no room, or gave up on a conflict. The same call may then succeed later.
func Transient(err error) bool {
	var postgres *pgconn.PgError
	var lite *sqlite.Error
	var network net.Error
	switch {
	case err == nil, errors.Is(err, ErrFenced), errors.Is(err, ErrUncertain):
		return false
	case errors.As(err, &postgres):
		switch class(postgres) {
		case "08", // connection exception
			"40", // transaction rollback: serialization, deadlock
			"53", // insufficient resources: disk full, too many connections
			"57", // operator intervention: shutdown, cannot connect now
			"58": // system error: I/O
			return true
		}
		return postgres.Code == "25006" // read-only: a standby, until it is the primary
	case errors.As(err, &lite):
		switch lite.Code() & 0xff { // the rest of an extended code says more
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
			sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT:
			return true
		}
		return false
	}
	return errors.As(err, &network) || pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// class is the sort of an error of PostgreSQL's: the first two characters of its
// code.
func class(e *pgconn.PgError) string { return e.Code[:min(2, len(e.Code))] }
