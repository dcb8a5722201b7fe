package dispatch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"riverqueue.com/riverui"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// File is the name of the queue's file in the data folder. What it holds is
// derived: a copy of the data needs none of it.
const File = "jobs.db"

// sqliteDriver is River's driver for a single process. Its listener would look
// for news 20 times a second; without it River tells its own producers at once.
type sqliteDriver struct{ *riversqlite.Driver }

// SupportsListener implements riverdriver.Driver.
func (sqliteDriver) SupportsListener() bool { return false }

// openSQLite makes a file of its own: River writes at every look for jobs, and
// SQLite has one writer a file.
func (d *Dispatcher) openSQLite(ctx context.Context) error {
	path, err := filepath.Abs(filepath.Join(d.config.Dir, File))
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop the last process's queue: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	// Nothing in the file has to outlive the process, so nothing waits for the disk.
	query := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(OFF)", "busy_timeout(10000)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1) // as River's documentation asks
	d.closers = append(d.closers, func() {
		if err := db.Close(); err != nil {
			d.config.Logger.Warn("closing the job queue failed", "error", err)
		}
	})
	driver := sqliteDriver{riversqlite.New(db)}
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("make the queue's tables: %w", err)
	}
	c, err := river.NewClient(driver, d.riverConfig())
	if err != nil {
		return err
	}
	d.opened(c, riverui.NewEndpoints(c, nil))
	return nil
}
