package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"ariga.io/atlas/sql/migrate"
	atlaspg "ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	atlaslite "ariga.io/atlas/sql/sqlite"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"golang.org/x/sync/errgroup"

	entmigrate "github.com/mark-analyst/mark/ent/migrate"
	"github.com/mark-analyst/mark/internal/testpg"
	"github.com/mark-analyst/mark/migrations"
	"github.com/mark-analyst/mark/store"
)

var postgres testpg.Shared

func TestMain(m *testing.M) { postgres.Main(m) }

// databases opens empty databases of one kind, each several times if need be.
type databases func(t testing.TB) store.Config

func each(t *testing.T, test func(*testing.T, databases)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func(t testing.TB) store.Config { return store.Config{DataDir: t.TempDir()} })
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, func(t testing.TB) store.Config { return store.Config{URL: postgres.NewDatabase(t)} })
	})
}

func open(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	c.Guard = store.Unguarded
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestUpGivesExactlyWhatEntWants(t *testing.T) {
	each(t, func(t *testing.T, fresh databases) {
		ctx := t.Context()
		migrated, wanted := open(t, fresh(t)), open(t, fresh(t))
		if err := migrations.Up(ctx, migrated.DB, migrated.Dialect); err != nil {
			t.Fatal(err)
		}
		if err := entmigrate.NewSchema(entsql.OpenDB(wanted.Dialect, wanted.DB)).Create(ctx); err != nil {
			t.Fatal(err)
		}
		for _, change := range difference(t, migrated, wanted) {
			t.Errorf("ent wants: %s\nrun `go run ./migrations/gen name_of_the_change`", change)
		}
		// The comparison has teeth: it sees a column and an index too many.
		for _, statement := range []string{
			`CREATE INDEX stray ON chats (title)`, `ALTER TABLE chats ADD COLUMN stray text`,
		} {
			before := len(difference(t, migrated, wanted))
			if _, err := migrated.DB.ExecContext(ctx, statement); err != nil {
				t.Fatal(err)
			}
			if len(difference(t, migrated, wanted)) == before {
				t.Errorf("%q goes unnoticed", statement)
			}
		}
	})
}

// difference is the statements that would make a like b.
func difference(t testing.TB, a, b *store.Store) []string {
	t.Helper()
	ctx := t.Context()
	driver, from := inspect(t, a)
	_, to := inspect(t, b)
	from.Name, to.Name = "", ""
	changes, err := driver.SchemaDiff(from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) == 0 {
		return nil
	}
	plan, err := driver.PlanChanges(ctx, "difference", changes)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) == 0 {
		t.Fatalf("changes without statements: %v", changes)
	}
	var statements []string
	for _, c := range plan.Changes {
		statements = append(statements, c.Cmd)
	}
	return statements
}

func inspect(t testing.TB, s *store.Store) (migrate.Driver, *schema.Schema) {
	t.Helper()
	openAtlas, name := atlaslite.Open, "main"
	if s.Dialect == dialect.Postgres {
		openAtlas, name = atlaspg.Open, "public"
	}
	driver, err := openAtlas(s.DB)
	if err != nil {
		t.Fatal(err)
	}
	is, err := driver.InspectSchema(t.Context(), name, &schema.InspectOptions{Exclude: []string{migrations.Table}})
	if err != nil {
		t.Fatal(err)
	}
	return driver, is
}

func TestUpTwiceChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, fresh databases) {
		s := open(t, fresh(t))
		for range 2 {
			if err := migrations.Up(t.Context(), s.DB, s.Dialect); err != nil {
				t.Fatal(err)
			}
		}
		var applied int
		row := s.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM "+migrations.Table+" WHERE version_id = 1")
		if err := row.Scan(&applied); err != nil {
			t.Fatal(err)
		}
		if applied != 1 {
			t.Errorf("the first file was applied %d times", applied)
		}
	})
}

// Each start has its own pool, as processes have.
func TestStartsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, fresh databases) {
		c := fresh(t)
		var starts errgroup.Group
		for i := range 6 {
			s := open(t, c)
			starts.Go(func() error {
				if err := migrations.Up(t.Context(), s.DB, s.Dialect); err != nil {
					return fmt.Errorf("start %d: %w", i, err)
				}
				_, err := s.Client.User.Query().Count(t.Context())
				return err
			})
		}
		if err := starts.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestUpRefusesADatabaseFromTheFuture(t *testing.T) {
	each(t, func(t *testing.T, fresh databases) {
		s := open(t, fresh(t))
		if err := migrations.Up(t.Context(), s.DB, s.Dialect); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DB.ExecContext(t.Context(),
			"INSERT INTO "+migrations.Table+" (version_id, is_applied) VALUES (99999, true)"); err != nil {
			t.Fatal(err)
		}
		if err := migrations.Up(t.Context(), s.DB, s.Dialect); !errors.Is(err, migrations.ErrNewer) {
			t.Errorf("Up = %v, want ErrNewer", err)
		}
	})
}

func TestUpCanBeCancelled(t *testing.T) {
	each(t, func(t *testing.T, fresh databases) {
		s := open(t, fresh(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := migrations.Up(ctx, s.DB, s.Dialect); !errors.Is(err, context.Canceled) {
			t.Errorf("Up = %v, want context.Canceled", err)
		}
		if err := migrations.Up(t.Context(), s.DB, s.Dialect); err != nil {
			t.Errorf("a second attempt: %v", err)
		}
	})
}

func TestUnknownDialect(t *testing.T) {
	s := open(t, store.Config{DataDir: t.TempDir()})
	if err := migrations.Up(t.Context(), s.DB, "oracle"); err == nil {
		t.Error("no error")
	}
}

// A file that failed half-way leaves nothing behind, and names itself.
func TestAFailingFileLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, fresh databases) {
		s := open(t, fresh(t))
		err := migrations.UpFrom(t.Context(), s.DB, s.Dialect, fstest.MapFS{
			"00001_half.sql": {Data: []byte("-- +goose Up\nCREATE TABLE half (id int);\nCREATE TABLE half (id int);\n")},
		})
		if err == nil {
			t.Fatal("no error")
		}
		if want := "migrations: 00001_half.sql: "; len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
			t.Errorf("the error %q does not name the file", err)
		}
		if _, err := s.DB.ExecContext(t.Context(), "SELECT * FROM half"); err == nil {
			t.Error("half of the file was kept")
		}
	})
}

func TestFilesWereNotEdited(t *testing.T) {
	for _, folder := range []string{"sqlite", "postgres"} {
		dir, err := sqltool.NewGooseDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		files, err := dir.Files()
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", folder, len(files), err)
		}
		if err := migrate.Validate(dir); err != nil {
			t.Errorf("%s: a released file must not change; write a further one: %v", folder, err)
		}
	}
}

func BenchmarkUp(b *testing.B) {
	for _, kind := range []struct {
		name  string
		fresh func(testing.TB) store.Config
	}{
		{"sqlite", func(t testing.TB) store.Config { return store.Config{DataDir: t.TempDir()} }},
		{"postgres", func(t testing.TB) store.Config { return store.Config{URL: postgres.NewDatabase(t)} }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := open(b, kind.fresh(b))
				b.StartTimer()
				if err := migrations.Up(b.Context(), s.DB, s.Dialect); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
