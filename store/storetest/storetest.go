// Package storetest gives tests a database with Mark's tables: each of the two
// that Mark runs on, freshly migrated, gone when the test ends.
//
//	var databases storetest.Databases
//
//	func TestMain(m *testing.M) { databases.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		databases.Each(t, func(t *testing.T, s *store.Store) {
//			auth.Guard(s.Client) // where the test is about what viewers see
//			…
//		})
//	}
package storetest

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/internal/testpg"
	"github.com/mark-analyst/mark/migrations"
	"github.com/mark-analyst/mark/store"
)

// Databases is what the tests of a test binary share: one PostgreSQL server,
// started when it is first needed. Its method Main goes into TestMain; the zero
// value is ready.
type Databases struct {
	testpg.Shared
}

// Each runs the test once on SQLite and once on PostgreSQL. The stores are
// unguarded.
func (d *Databases) Each(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, d.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, d.Postgres(t)) })
}

// SQLite opens a fresh SQLite database.
func (d *Databases) SQLite(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, store.Config{DataDir: t.TempDir()})
}

// Postgres opens a fresh database of the shared server. Where the machine has
// no PostgreSQL, and none can be had, the test is skipped, as testpg says.
func (d *Databases) Postgres(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, store.Config{URL: d.PostgresURL(t)})
}

// PostgresURL is the address of a fresh database with Mark's tables, for tests
// that open it themselves, or more than once.
func (d *Databases) PostgresURL(t testing.TB) string {
	t.Helper()
	return d.NewDatabaseFrom(t, "migrated", func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, store.Config{URL: url, Guard: store.Unguarded})
		if err != nil {
			return err
		}
		defer s.Close()
		return migrations.Up(ctx, s.DB, s.Dialect)
	})
}

// Open opens a database, unguarded unless c says otherwise, brings it up to
// date, and closes it when the test ends.
func Open(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	if c.Guard == nil {
		c.Guard = store.Unguarded
	}
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := migrations.Up(t.Context(), s.DB, s.Dialect); err != nil {
		t.Fatal(err)
	}
	return s
}
