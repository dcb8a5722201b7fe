package duckdb

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/warehouse"
)

// says runs a program of the chat's and returns what it printed.
func (s *session) says(t *testing.T, code string) string {
	t.Helper()
	var out strings.Builder
	result, err := s.Session.Run(t.Context(), code, execution.Listener(func(e execution.Event) {
		if e.Chunk != nil {
			out.WriteString(e.Chunk.Text)
		}
	}))
	if err != nil || result.Failure != nil {
		t.Fatal(err, result.Failure)
	}
	return strings.TrimSpace(out.String())
}

// What gets past the guard finds an engine that reads the tables and nothing else.
func TestTheEngineReachesNothingElse(t *testing.T) {
	s := open(t)
	w := s.connect(t, nil)
	s.says(t, "frame = pd.DataFrame({'a': [1]})")
	for sql, kind := range map[string]string{
		"SELECT * FROM read_csv('/mnt/data/items.csv')": "PermissionException",
		"SELECT * FROM '/mnt/data/items.csv'":           "PermissionException",
		"SELECT * FROM glob('/mnt/data/*')":             "PermissionException",
		"SELECT * FROM read_text('/etc/passwd')":        "PermissionException",
		"SELECT * FROM frame":                           "CatalogException", // a variable of the session's
		"SELECT * FROM frames":                          "CatalogException",
	} {
		for _, do := range []string{"plan", "run"} {
			a, left, err := w.ask(t.Context(), request{Do: do, SQL: sql, MaxRows: 1, MaxBytes: 1})
			if err != nil {
				t.Fatalf("%q: %v", sql, err)
			}
			left.close()
			if a.Error == nil || a.Error.Kind != kind {
				t.Errorf("%s %q: %+v, want %s", do, sql, a.Error, kind)
			}
		}
	}
	for _, sql := range []string{"SET enable_external_access = true", "COPY items TO '/mnt/data/x.csv'", "CREATE TABLE x AS SELECT 1", "SELECT 1; SELECT 2",
		"WITH x AS (DELETE FROM items RETURNING *) FROM x", "WITH x AS (TRUNCATE items) SELECT 1", "WITH x AS (WITH y AS (SELECT 1 AS n) INSERT INTO items FROM y RETURNING *) FROM x", "FROM (DESCRIBE items)", "FROM (SHOW TABLES)"} {
		a, left, err := w.ask(t.Context(), request{Do: "run", SQL: sql, MaxRows: 1, MaxBytes: 1})
		if err != nil {
			t.Fatalf("%q: %v", sql, err)
		}
		left.close()
		if a.Statement == "SELECT" || len(a.Columns) > 0 {
			t.Errorf("%q ran: %+v", sql, a)
		}
	}
	if got := s.says(t, "import duckdb, sys\nprint(sys.modules['_mark_sql'].session.connection.sql(\"SELECT current_setting('enable_external_access'), current_setting('lock_configuration')\").fetchall())"); got != "[(False, True)]" {
		t.Errorf("the engine is set to %s", got)
	}
}

// A query that is stopped while DuckDB computes ends alone: the session and its
// variables are there.
func TestTheSessionOutlivesAStoppedQuery(t *testing.T) {
	s := open(t)
	w := s.connect(t, func(c *Config) { c.Policy.Timeout = time.Second })
	s.says(t, "kept = 7")
	plan, err := w.Plan(t.Context(), warehouse.Query{SQL: statements.Slow})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(t.Context(), plan); warehouse.CodeOf(err) != warehouse.CodeTimeout {
		t.Errorf("%v", err)
	}
	if got := s.says(t, "import os\nprint([n for n in os.listdir() if n.startswith('mark-sql')])"); got != "[]" {
		t.Errorf("it left %s", got)
	}
	if got := s.says(t, "import threading\nprint(kept, sum(t.name == 'mark-sql' for t in threading.enumerate()))"); got != "7 0" {
		t.Errorf("it kept %s; the second is how many queries go on", got)
	}
}

// The answer comes wherever a program of the chat's has gone.
func TestAnotherFolderIsTheCurrentOne(t *testing.T) {
	s := open(t)
	w := s.connect(t, nil)
	s.says(t, "import os\nos.mkdir('/tmp/own')\nos.chdir('/tmp/own')")
	if _, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT * FROM items"}); err != nil {
		t.Fatal(err)
	}
	if got := s.says(t, "print(os.getcwd(), os.listdir())"); got != "/tmp/own []" {
		t.Errorf("the program found %s", got)
	}
}

// A query leaves no names in the session, and no more than its last answer in its
// folder.
func TestTheSessionStaysAsItIs(t *testing.T) {
	s := open(t)
	w := s.connect(t, nil)
	const look = "import os\nprint(sorted(globals()), sum(n.startswith('mark-sql') for n in os.listdir()))"
	s.says(t, look)
	before := s.says(t, look)
	for range 3 {
		plan, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT * FROM items"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	if after := s.says(t, look); after != strings.TrimSuffix(before, "0")+"1" {
		t.Errorf("before: %s, after: %s", before, after)
	}
}

// A file that is another is loaded anew, a file that cannot be loaded says so, and a
// table goes by its other names.
func TestTables(t *testing.T) {
	s := open(t)
	ask := func(w *Warehouse, sql string) (any, error) {
		plan, err := w.Plan(t.Context(), warehouse.Query{SQL: sql})
		if err != nil {
			return nil, err
		}
		if len(plan.Tables) != 1 || plan.Tables[0] != table("items") {
			t.Errorf("%q reads %v", sql, plan.Tables)
		}
		r, err := w.Run(t.Context(), plan)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		row, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			t.Fatal("no row")
		}
		return row[0], err
	}
	s.tables[1].Aliases = []string{"Things of 2026"}
	w := s.connect(t, nil)
	for _, sql := range []string{"SELECT n FROM items", "SELECT n FROM ITEMS", "SELECT n FROM main.items", `SELECT n FROM "things of 2026"`, "WITH x AS (SELECT n FROM items) FROM x"} {
		if got, err := ask(w, sql); got != int64(1) || err != nil {
			t.Errorf("%q: %v, %v", sql, got, err)
		}
	}
	s.tables[1].Version, s.tables[1].Load = "2", `pd.DataFrame({"n": [2]})`
	if got, err := ask(s.connect(t, nil), "SELECT n FROM items"); got != int64(2) || err != nil {
		t.Errorf("of the new file: %v, %v", got, err)
	}
	// What has left the chat is gone, though it was loaded.
	all := s.tables
	s.tables = all[:1]
	if _, err := ask(s.connect(t, nil), "SELECT n FROM items"); warehouse.CodeOf(err) != warehouse.CodeNotFound || !strings.Contains(err.Error(), `There are "orders".`) {
		t.Errorf("of a file that has left the chat: %v", err)
	}
	s.tables = nil
	plan, err := s.connect(t, nil).Plan(t.Context(), warehouse.Query{SQL: "SELECT 1"})
	if err != nil || plan.Statement != "SELECT" {
		t.Errorf("without any file: %+v, %v", plan, err)
	}
	s.tables = all
	_, err = w.Plan(t.Context(), warehouse.Query{SQL: "SELECT * FROM broken"})
	if warehouse.CodeOf(err) != warehouse.CodeNotFound || !strings.Contains(err.Error(), "broken cannot be read") {
		t.Errorf("a file that cannot be loaded: %v", err)
	}
	if _, err := ask(s.connect(t, nil), "SELECT sum(n) * 9223372036854775807 FROM items"); warehouse.CodeOf(err) != warehouse.CodeInvalidQuery {
		t.Errorf("an integer beyond 64 bits: %v", err)
	}
}

// What DuckDB says at length is told in short.
func TestLongMessages(t *testing.T) {
	w := open(t).connect(t, nil)
	for _, name := range []string{strings.Repeat("a", 600), strings.Repeat("é", 400), "x"} {
		_, err := w.Plan(t.Context(), warehouse.Query{SQL: `SELECT "` + name + `" FROM items`})
		if warehouse.CodeOf(err) != warehouse.CodeInvalidQuery || len(err.Error()) > 2*maxShown || len(err.Error()) < len(name)/2 {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
	}
}
