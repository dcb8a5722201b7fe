package dispatch

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"riverqueue.com/riverui"
)

const (
	// schema keeps River's tables apart from the service's own.
	schema = "river"
	// connections is how many River uses: one listens, the others fetch, complete
	// and insert.
	connections = 6
	// migrationLock is the advisory lock under which a node makes River's tables.
	migrationLock = 0x6d61726b // "mark"
)

func (d *Dispatcher) openPostgres(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(d.config.URL)
	if err != nil {
		// The URL holds a password, and the parser's error repeats parts of it.
		return fmt.Errorf("the database's URL cannot be read")
	}
	config.MaxConns = connections
	config.ConnConfig.RuntimeParams["application_name"] = "mark-jobs"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, pool.Close)
	driver := riverpgxv5.New(pool)
	if err := migratePostgres(ctx, pool, driver); err != nil {
		return fmt.Errorf("make the queue's tables: %w", err)
	}
	rc := d.riverConfig()
	rc.Schema = schema
	c, err := river.NewClient(driver, rc)
	if err != nil {
		return err
	}
	d.opened(c, riverui.NewEndpoints(c, nil))
	return nil
}

// migratePostgres makes River's tables, one node after the other.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool, driver *riverpgxv5.Driver) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema); err != nil {
			return err
		}
		migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: schema})
		if err != nil {
			return err
		}
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
}
