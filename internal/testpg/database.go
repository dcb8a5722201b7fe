package testpg

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq" // registers the driver "postgres"
)

// databaseTime bounds making or dropping one database: 20 to 60 ms when idle.
const databaseTime = time.Minute

// template is a database that others are copied from.
type template struct {
	once     sync.Once
	database string
	err      error
}

// NewDatabase makes an empty database and returns its address. It is dropped
// when the test ends, whoever is still connected.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	return s.newDatabase(t, "template1")
}

// NewDatabaseFrom makes a copy of a database that prepare has filled, and
// returns the copy's address. Prepare runs once for each name and server, with
// the address of an empty database; copying its work (a migrated schema, say)
// is much faster than repeating it.
func (s *Server) NewDatabaseFrom(t testing.TB, name string, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	s.mu.Lock()
	tmpl, ok := s.templates[name]
	if !ok {
		tmpl = &template{}
		s.templates[name] = tmpl
	}
	s.mu.Unlock()
	tmpl.once.Do(func() { tmpl.database, tmpl.err = s.prepare(t.Context(), prepare) })
	if tmpl.err != nil {
		t.Fatalf("testpg: prepare the database %q: %v", name, tmpl.err)
	}
	return s.newDatabase(t, tmpl.database)
}

func (s *Server) prepare(ctx context.Context, prepare func(ctx context.Context, url string) error) (string, error) {
	database, err := s.create(ctx, "template1")
	if err != nil {
		return "", err
	}
	if err := prepare(ctx, s.URL(database)); err != nil {
		return "", err
	}
	// PostgreSQL copies no database that somebody is connected to, and a
	// closed pool's connections take a moment to go.
	return database, s.exec(ctx,
		"ALTER DATABASE "+pq.QuoteIdentifier(database)+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = "+pq.QuoteLiteral(database))
}

func (s *Server) newDatabase(t testing.TB, from string) string {
	t.Helper()
	database, err := s.create(t.Context(), from)
	if err != nil {
		t.Fatalf("testpg: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx := context.WithoutCancel(t.Context())
		if err := s.exec(ctx, "DROP DATABASE "+pq.QuoteIdentifier(database)+" WITH (FORCE)"); err != nil {
			t.Errorf("testpg: drop a database: %v", err)
		}
	})
	return s.URL(database)
}

func (s *Server) create(ctx context.Context, from string) (string, error) {
	name := "t_" + strings.ToLower(rand.Text())
	return name, s.exec(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE "+pq.QuoteIdentifier(from))
}

// exec runs statements on a connection of its own to the database "postgres",
// so that no pool outlives the call.
func (s *Server) exec(ctx context.Context, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	db, err := sql.Open("postgres", s.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
