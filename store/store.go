// Package store opens the database: SQLite in the data folder, or PostgreSQL.
// What is kept there is package ent's business, bringing the tables up to date
// is package migrations'.
//
// Both databases keep times in UTC to the microsecond: PostgreSQL rounds to
// them by itself, package clock cuts to them.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
)

// Config says which database to open and how.
type Config struct {
	// URL is postgres://… or postgresql://…; empty is SQLite in DataDir.
	URL string
	// DataDir is the folder of SQLite's file, made when it is missing.
	DataDir string
	// MaxConns bounds the connections that are open at once. 0 is 20.
	MaxConns int
	// Guard is applied to the client before anybody gets it: auth.Guard in
	// production, Unguarded where no viewer exists. It must not be nil, so that
	// a client on which one person sees another's rows cannot come about by
	// leaving something out.
	Guard func(*ent.Client)
}

// defaultMaxConns leaves room for several nodes and for other programs:
// PostgreSQL allows 100 connections by default, to all of its clients together.
const defaultMaxConns = 20

// Unguarded leaves a client as it is: it sees and changes everybody's rows.
func Unguarded(*ent.Client) {}

// Store is an open database.
type Store struct {
	// Client is ent on the database, with the Config's guard applied.
	Client *ent.Client
	// DB is the same pool of connections, for statements that ent has no words
	// for. On SQLite write through Tx and not through DB: writes of Tx and of
	// Client wait for each other in turn, those of DB compete by polling.
	DB *sql.DB
	// Dialect is dialect.SQLite or dialect.Postgres.
	Dialect string

	turn   turn    // of writers; nil where the database needs none
	checks *sql.DB // a connection of its own, so that many others' work is no failure
}

// Open opens the database and makes sure that it answers and can be written
// to. It does not touch the tables. Errors never hold the URL's password.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Guard == nil {
		return nil, errors.New("store: no guard: Config.Guard must be auth.Guard or, on purpose, Unguarded")
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	s, driver, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	one := c
	one.MaxConns = 1
	if s.checks, err = openPool(ctx, one); err != nil {
		return nil, fmt.Errorf("store: %w", errors.Join(err, s.DB.Close()))
	}
	s.Client = ent.NewClient(ent.Driver(driver))
	c.Guard(s.Client)
	return s, nil
}

func openPool(ctx context.Context, c Config) (*sql.DB, error) {
	if c.URL == "" {
		return openSQLite(ctx, c)
	}
	return openPostgres(ctx, c)
}

func open(ctx context.Context, c Config) (*Store, dialect.Driver, error) {
	if c.URL == "" {
		db, err := openPool(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		s := &Store{DB: db, Dialect: dialect.SQLite, turn: make(turn, 1)}
		return s, &turnDriver{Driver: entsql.OpenDB(dialect.SQLite, db), turn: s.turn}, nil
	}
	switch scheme, _, found := strings.Cut(c.URL, "://"); {
	case !found:
		// Nothing of it is repeated: who knows where the password is.
		return nil, nil, errors.New("the database's URL has no scheme; expected postgres://user:password@host:port/name")
	case scheme != "postgres" && scheme != "postgresql":
		return nil, nil, fmt.Errorf("the database's URL has the scheme %q; only postgres:// is known (leave it empty for SQLite)", scheme)
	}
	db, err := openPool(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return &Store{DB: db, Dialect: dialect.Postgres}, entsql.OpenDB(dialect.Postgres, db), nil
}

// Ready tells why the database does not answer, or nil.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.checks.PingContext(ctx); err != nil {
		return fmt.Errorf("store: the database does not answer: %w", err)
	}
	return nil
}

// Close closes the database. Closing twice is harmless.
func (s *Store) Close() error {
	if err := errors.Join(s.Client.Close(), s.checks.Close()); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// Tx runs fn in a transaction that commits when fn returns nil and rolls back
// otherwise, also when fn panics. It is for statements that ent has no words
// for; ent's own transactions are Client.Tx.
func (s *Store) Tx(ctx context.Context, fn func(*sql.Tx) error) (err error) {
	leave, err := s.turn.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo, and after a failure its reason counts
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

// address describes a database's URL without its secrets.
func address(u *url.URL) string {
	return fmt.Sprintf("%s://%s%s", u.Scheme, u.Host, u.Path)
}
