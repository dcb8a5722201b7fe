// Command gen writes the migration that leads from the files in migrations/ to
// ent/schema as it is now, for both databases, or says that there is none to
// write. It works on throwaway databases, and runs in the module's root:
//
//	go run ./migrations/gen add_column_notes
//
// Beside the files it keeps atlas.sum, by which an edit of an old file is seen.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	entmigrate "github.com/mark-analyst/mark/ent/migrate"
	"github.com/mark-analyst/mark/internal/testpg"
	"github.com/mark-analyst/mark/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1) // nothing is left for the deferred stop to do
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(args[0]) {
		return errors.New("usage: gen name_of_the_change (lower case, digits, underscores)")
	}
	folder, err := os.MkdirTemp("", "mark-migration-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	lite, err := store.OpenSQLite(filepath.Join(folder, store.File))
	if err != nil {
		return err
	}
	defer lite.Close()
	if err := write(ctx, "sqlite", args[0], entsql.OpenDB(dialect.SQLite, lite)); err != nil {
		return err
	}
	server, err := testpg.Start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop() //nolint:errcheck // it ends with this process anyway
	pg, err := entsql.Open(dialect.Postgres, server.URL("postgres"))
	if err != nil {
		return err
	}
	defer pg.Close()
	return write(ctx, "postgres", args[0], pg)
}

// write writes one database's file. The driver's database is empty, and used
// to replay the earlier files on.
func write(ctx context.Context, folder, name string, driver dialect.Driver) error {
	path := filepath.Join("migrations", folder)
	dir, err := sqltool.NewGooseDir(path)
	if err != nil {
		return fmt.Errorf("%w (gen runs in the module's root)", err)
	}
	number, err := next(dir)
	if err != nil {
		return err
	}
	atlas, err := schema.NewMigrate(driver,
		schema.WithDir(dir), schema.WithMigrationMode(schema.ModeReplay), schema.WithErrNoPlan(true),
		schema.WithFormatter(formatter{number}), schema.WithDropColumn(true), schema.WithDropIndex(true))
	if err != nil {
		return err
	}
	switch err := atlas.NamedDiff(ctx, name, entmigrate.Tables...); {
	case errors.Is(err, migrate.ErrNoPlan):
		fmt.Printf("%s is up to date\n", path)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	default:
		fmt.Printf("%s: wrote %s; read it before you commit it\n", path, fileName(number, name))
	}
	return nil
}

func next(dir migrate.Dir) (int, error) {
	files, err := dir.Files()
	if err != nil || len(files) == 0 {
		return 1, err
	}
	var last int
	if _, err := fmt.Sscanf(files[len(files)-1].Name(), "%d_", &last); err != nil {
		return 0, fmt.Errorf("%s does not begin with a number: %w", files[len(files)-1].Name(), err)
	}
	return last + 1, nil
}

func fileName(number int, name string) string { return fmt.Sprintf("%05d_%s.sql", number, name) }

// formatter writes a plan the way goose reads it. There is no way down, see
// package migrations.
type formatter struct{ number int }

// Format implements migrate.Formatter.
func (f formatter) Format(plan *migrate.Plan) ([]migrate.File, error) {
	var b strings.Builder
	b.WriteString("-- +goose Up\n")
	for _, c := range plan.Changes {
		// Up sees to that: it has no effect in a transaction.
		if strings.HasPrefix(c.Cmd, "PRAGMA foreign_keys") {
			continue
		}
		if c.Comment != "" {
			fmt.Fprintf(&b, "-- %s\n", c.Comment)
		}
		fmt.Fprintf(&b, "%s;\n", c.Cmd)
	}
	return []migrate.File{migrate.NewLocalFile(fileName(f.number, plan.Name), []byte(b.String()))}, nil
}
