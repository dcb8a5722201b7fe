package backup

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mark-analyst/mark/store"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

func statement(name string) (string, error) {
	text, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	return string(text), err
}

// copyDatabase writes the database, as it is at one moment, to a new file.
func copyDatabase(ctx context.Context, from, to string) error {
	query, err := statement("copy")
	if err != nil {
		return err
	}
	db, err := store.OpenSQLite(from)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, query, to); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// content is what is known of a copy of the database.
type content struct {
	migration int64
	blobs     []string // the keys that it refers to, in order, each once
}

// withCopy opens a copy of the database.
func withCopy(path string, do func(*sql.DB) error) error {
	if _, err := os.Stat(path); err != nil { // opening would make it
		return err
	}
	db, err := store.OpenSQLite(path)
	if err != nil {
		return err
	}
	// Closing is what brings everything into the one file.
	return errors.Join(do(db), db.Close())
}

// checkDatabase makes sure that a copy is whole.
func checkDatabase(ctx context.Context, path string) error {
	return withCopy(path, func(db *sql.DB) error {
		for _, check := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
			found, err := firstColumn(ctx, db, check)
			if err != nil {
				return fmt.Errorf("the database is damaged: %w", err)
			}
			if len(found) > 0 && found[0] != "ok" {
				return fmt.Errorf("the database is damaged: %s: %s", check, found[0])
			}
		}
		return nil
	})
}

// readDatabase tells what a copy refers to.
func readDatabase(ctx context.Context, path string) (c content, err error) {
	err = withCopy(path, func(db *sql.DB) error {
		query, err := statement("migration")
		if err != nil {
			return err
		}
		if err := db.QueryRowContext(ctx, query).Scan(&c.migration); err != nil {
			return fmt.Errorf("this is no database of Mark's: %w", err)
		}
		if query, err = statement("blob_tables"); err != nil {
			return err
		}
		tables, err := firstColumn(ctx, db, query)
		if err != nil || len(tables) == 0 {
			return errors.Join(errors.New("this is no database of Mark's: nothing in it refers to files"), err)
		}
		var selects []string
		for _, table := range tables {
			selects = append(selects, `SELECT blob_key FROM "`+strings.ReplaceAll(table, `"`, `""`)+`" WHERE blob_key <> ''`)
		}
		c.blobs, err = firstColumn(ctx, db, strings.Join(selects, " UNION ")+" ORDER BY 1")
		return err
	})
	return c, err
}

// firstColumn returns the first column of a query's rows.
func firstColumn(ctx context.Context, db *sql.DB, query string) (values []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(sql.RawBytes)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		values = append(values, string(*into[0].(*sql.RawBytes)))
	}
	return values, rows.Err()
}
