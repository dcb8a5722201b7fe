package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"modernc.org/sqlite" // registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// File is the name of SQLite's file in the data folder. Beside it SQLite keeps
// mark.db-wal and mark.db-shm while the database is open.
const File = "mark.db"

// patience is how long a statement waits for another's transaction to end
// before it fails. The longest that Mark makes take milliseconds.
const patience = 10 * time.Second

// OpenSQLite opens the SQLite database at path with the settings that Mark
// needs on each connection. It is exported for package migrations' generator
// and tests; everybody else wants Open.
func OpenSQLite(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	return db, nil
}

func openSQLite(ctx context.Context, c Config) (*sql.DB, error) {
	if c.DataDir == "" {
		return nil, errors.New("neither a database's URL nor a data folder is set")
	}
	folder, err := filepath.Abs(c.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data folder %q: %w", c.DataDir, err)
	}
	// The database holds people's data and password hashes: nobody else on the
	// machine reads it. SQLite gives its other files the same mode.
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(folder, File)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the database's file must be readable and writable: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("the database's file: %w", err)
	}
	db, err := OpenSQLite(path)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(c.MaxConns)
	db.SetMaxIdleConns(c.MaxConns) // opening one costs more than keeping it
	if err := probe(ctx, db); err != nil {
		return nil, errors.Join(explain(path, err), db.Close())
	}
	return db, nil
}

// sqliteDSN spells the settings out.
func sqliteDSN(path string) string {
	settings := url.Values{
		// Readers do not wait for the writer, nor it for them.
		"_journal_mode": {"WAL"},
		// With WAL: durable against a crash of the process; a power cut may lose
		// the last transactions, and never damages the file.
		"_synchronous":  {"NORMAL"},
		"_foreign_keys": {"on"},
		"_busy_timeout": {strconv.FormatInt(patience.Milliseconds(), 10)},
		// A transaction that reads and then writes would fail at once, without
		// waiting, where another wrote in between.
		"_txlock": {"immediate"},
		// UTC, with trailing zeros of the fraction cut: such texts sort as the
		// times do, since '+' < '.' < '0'.
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
		// max(created_at) has no declared type and would come back as text.
		"_texttotime": {"1"},
		"_error_rc":   {"1"},
		"_pragma": {
			// What a statement with many rows keeps in case it fails halfway goes to
			// memory and not to a file.
			"temp_store(memory)",
			// The log is copied into the database at 16 MB and not at 4: pages that
			// are written again and again, those of indexes, are copied less often.
			"wal_autocheckpoint(4000)",
		},
		// "typo" in double quotes is an error and not a string.
		"_dqs": {"0"},
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: settings.Encode()}
	return u.String()
}

// probe takes the write lock and gives it back.
func probe(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// explain says what a person can do about SQLite's error.
func explain(path string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("open %s: %w", path, err)
	}
	switch e.Code() & 0xff { // the rest tells variants apart
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is not an SQLite database, or a damaged one; move it away or restore it from a copy: %w", path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s and the folder around it must be writable: %w", path, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("no room left on the disk of %s: %w", path, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the disk of %s fails, or its file system cannot do SQLite's locks (network file systems often cannot): %w", path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another process has been writing to %s for %s: %w", path, patience, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}
