// Package migrations holds the statements that bring a database's tables up to
// date, a folder for each database, and runs them. They are derived from
// ent/schema by the generator in gen (go run ./migrations/gen) and then frozen:
// a change of the schema is a further file, never an edit of an old one.
//
// There is no way down: a file that was applied is undone by restoring a copy.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Table is where the database remembers which files were applied to it.
const Table = "goose_db_version"

// ErrNewer is returned for a database that a newer version of Mark has brought
// further than this one knows.
var ErrNewer = errors.New("the database was written by a newer version of Mark")

// Up applies the files that the database has not seen, in order, each in a
// transaction of its own. Any number of processes may call it at once on the
// same database: one does the work, the others wait for it. The dialect is
// dialect.SQLite or dialect.Postgres.
func Up(ctx context.Context, db *sql.DB, name string) error {
	provider, err := newProvider(db, name)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return up(ctx, provider)
}

// Newest is the version of the last file for a dialect.
func Newest(name string) (int64, error) {
	found, err := fs.Glob(files, folderOf(name)+"/*.sql")
	if err != nil || len(found) == 0 {
		return 0, errors.Join(fmt.Errorf("migrations: no files for %q", name), err)
	}
	return goose.NumericComponent(found[len(found)-1])
}

func newProvider(db *sql.DB, name string) (*goose.Provider, error) {
	folder, err := fs.Sub(files, folderOf(name))
	if err != nil {
		return nil, err
	}
	return providerOf(db, name, folder)
}

// providerOf is newProvider for the files of any folder.
func providerOf(db *sql.DB, name string, folder fs.FS) (*goose.Provider, error) {
	var (
		kind   goose.Dialect
		locker lock.SessionLocker
		err    error
	)
	switch name {
	case dialect.SQLite:
		kind, locker = goose.DialectSQLite3, &sqliteSession{}
	case dialect.Postgres:
		kind = goose.DialectPostgres
		// Asks every second; gives up after ten minutes of somebody else's work.
		locker, err = lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	default:
		err = fmt.Errorf("unknown dialect %q", name)
	}
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(kind, db, folder,
		goose.WithSessionLocker(locker), goose.WithTableName(Table), goose.WithDisableGlobalRegistry(true))
}

func up(ctx context.Context, provider *goose.Provider) error {
	// The lock is taken first: two that both find nothing there would both
	// make the version table.
	if _, err := provider.Up(ctx); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) && partial.Failed != nil {
			return fmt.Errorf("migrations: %s: %w", partial.Failed.Source.Path, partial.Err)
		}
		return fmt.Errorf("migrations: %w", err)
	}
	has, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := provider.ListSources()
	if knows := sources[len(sources)-1].Version; has > knows {
		return fmt.Errorf("migrations: %w (it is at %d, this version knows %d)", ErrNewer, has, knows)
	}
	return nil
}

// folderOf names the folder of a dialect's files.
func folderOf(name string) string {
	if name == dialect.SQLite {
		return "sqlite"
	}
	return name
}
