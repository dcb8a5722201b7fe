package migrations_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect"

	"github.com/mark-analyst/mark/migrations"
	"github.com/mark-analyst/mark/store"
)

const family = `-- +goose Up
CREATE TABLE parents (id integer PRIMARY KEY);
CREATE TABLE children (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (1, 1);
`

// The way in which atlas changes a table on SQLite.
const rebuild = `-- +goose Up
CREATE TABLE new_parents (id integer PRIMARY KEY, name text NOT NULL DEFAULT '');
INSERT INTO new_parents (id) SELECT id FROM parents;
DROP TABLE parents;
ALTER TABLE new_parents RENAME TO parents;
`

func TestRebuildingATableKeepsWhatHangsOnIt(t *testing.T) {
	s := open(t, store.Config{DataDir: t.TempDir()})
	if err := migrations.UpFrom(t.Context(), s.DB, dialect.SQLite, fstest.MapFS{
		"00001_family.sql":  {Data: []byte(family)},
		"00002_rebuild.sql": {Data: []byte(rebuild)},
	}); err != nil {
		t.Fatal(err)
	}
	var children int
	if err := s.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM children").Scan(&children); err != nil {
		t.Fatal(err)
	}
	if children != 1 {
		t.Errorf("%d children are left of 1", children)
	}
	// Foreign keys hold again, on the connection that the files ran on too.
	for range 8 {
		if _, err := s.DB.ExecContext(t.Context(), "INSERT INTO children VALUES (2, 99)"); err == nil {
			t.Fatal("foreign keys are still off")
		}
	}
}

func TestDanglingReferencesAreReported(t *testing.T) {
	s := open(t, store.Config{DataDir: t.TempDir()})
	err := migrations.UpFrom(t.Context(), s.DB, dialect.SQLite, fstest.MapFS{
		"00001_family.sql": {Data: []byte(family)},
		"00002_orphan.sql": {Data: []byte("-- +goose Up\nDELETE FROM parents;\n")},
	})
	if err == nil || !strings.Contains(err.Error(), "row 1 of children refers to a row of parents") {
		t.Errorf("error %v", err)
	}
}
