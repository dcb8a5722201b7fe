package duckdb

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mark-analyst/mark/warehouse/guard"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

//go:embed testdata/readings.py
var readingsProgram string

// batch is how many statements are compared at once. The short form does some
// batches, the long one takes the time of MARK_FUZZ_TIME.
const batch, batches = 1000, 3

// computing are the functions of which a query may read rows.
var computing = []string{"range", "generate_series", "unnest", "json_each", "json_tree", "repeat", "repeat_row"}

// reading is what DuckDB's parser makes of a statement.
type reading struct {
	Count     int
	Kind      string
	Tables    []string
	Functions []string
	Others    []string
}

// TestTheGuardReadsAsDuckDB: of what the guard's first stage lets through DuckDB
// makes one statement at most, which reads no table that the stage did not see and
// no function but those that compute, and has nothing else than queries in it. Else
// a comment, a string or a name would end elsewhere for the one than for the other.
func TestTheGuardReadsAsDuckDB(t *testing.T) {
	s := open(t)
	seed, until := warehousetest.Seed(t)
	queries := 0
	for n := 0; !t.Failed() && (n < batches || time.Now().Before(until)); n++ {
		queries += compare(t, s, seed+uint64(n))
	}
	if queries < batch*batches/10 {
		t.Errorf("only %d were queries to DuckDB: that shows little", queries)
	}
	t.Logf("%d were queries", queries)
}

// compare draws statements of a seed and returns how many of them DuckDB would run.
func compare(t *testing.T, s *session, seed uint64) (queries int) {
	var statements []string
	var texts []*guard.Text
	rng := rand.New(rand.NewPCG(seed, 0))
	for len(statements) < batch {
		sql := warehousetest.Trick(rng, bases, tricks)
		if text, err := guard.LexicalDuckDB(sql, 0); err == nil {
			statements, texts = append(statements, sql), append(texts, text)
		}
	}
	for i, r := range s.readings(t, statements) {
		if r == nil {
			continue
		}
		sql, text := statements[i], texts[i]
		if r.Count > 1 {
			t.Errorf("%q: %d statements, of the seed %d", sql, r.Count, seed)
		}
		if r.Kind == "SELECT" {
			queries++
		}
		if len(r.Others) > 0 {
			t.Errorf("%q has %v in it, of the seed %d", sql, r.Others, seed)
		}
		for _, name := range r.Functions {
			if !slices.Contains(computing, name) {
				t.Errorf("%q reads rows of %s(), of the seed %d", sql, name, seed)
			}
		}
		for _, name := range r.Tables {
			if !text.Names[name] {
				t.Errorf("%q reads %q, and the guard saw %v, of the seed %d", sql, name, text.Names, seed)
			}
		}
	}
	return queries
}

// readings asks DuckDB.
func (s *session) readings(t *testing.T, statements []string) (found []*reading) {
	t.Helper()
	list, err := json.Marshal(statements)
	if err != nil {
		t.Fatal(err)
	}
	code := fmt.Sprintf("import json\nstatements = json.loads(%s)\n%s", strconv.QuoteToASCII(string(list)), readingsProgram)
	if err := json.Unmarshal([]byte(s.says(t, code)), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// bases are queries, and tricks what is put into them anywhere.
var (
	bases = []string{
		"SELECT 1", "FROM items", "SELECT n FROM items", "SELECT 'a' AS a, n FROM items i JOIN orders o ON i.n = o.id", "WITH x AS (SELECT 1 AS n) SELECT * FROM x",
		"SELECT * FROM range(3) r(n), items", "FROM (SELECT n FROM items) SELECT n", "SELECT count(*) FROM items WHERE n IN (SELECT id FROM orders)",
	}
	tricks = []string{
		";", " ", "\n", "\r\n", "--", "-- a\n", "/*", "*/", "/* a */", "/**/", "'", "''", "'a'", "'x.csv'", `"`, `""`, `"a"`, `"x.csv"`, "$$", "$a$", "$a", "$1", "e'", "E'\\''", "x'", "U&'",
		`U&"`, "\\", "`", "(", ")", "[", "]", "{", "}", ",", ".", "::", ":", "@", "#1", "?", "|>", "||", "->", "=>", "DROP TABLE items", "; DROP TABLE items", "FROM 'x.csv'", "FROM read_csv('x.csv')",
		"read_text('x')", "FROM glob('*')", "query('SELECT 1')", "range(2)", "unnest([1])", "PIVOT read_csv('x.csv') ON n", "(PIVOT items ON n)", "UNPIVOT read_text('x') ON n", "(SUMMARIZE items)", "(SUMMARIZE 'x.csv')",
		"(DESCRIBE read_csv('x.csv'))", "(TABLE read_csv('x.csv'))", "(SHOW ALL TABLES)", "(SHOW TABLES)", "LATERAL read_text('x')", "x : read_text('x')", "x : 'x.csv'", "(read_text('x'))", "TABLE(read_text('x'))",
		"DELETE FROM items RETURNING *", "INSERT INTO items VALUES (1) RETURNING *", "(CALL pragma_version())", "WITH y AS (DELETE FROM items RETURNING *)", "WITH y AS (TRUNCATE items)", ", y AS (INSERT INTO items VALUES (1) RETURNING *)", "(TABLE 'x.csv')", "TABLE 'x.csv'", "(DESCRIBE)", "UPDATE items SET n = 1 RETURNING *", "NATURAL", "CROSS JOIN", "SEMI JOIN", "WITH ORDINALITY", "generate_series(1, 2)", "LATERAL", "JOIN", "UNION ALL", "UNION", "FROM", "SELECT", "SELECT 1", ", items", "TABLE",
		"items", "main.", "memory.main.", "VALUES (1)", "(VALUES (1)) v", "WITH", "AS", "AS MATERIALIZED", "RECURSIVE", "USING (n)", "ON true", "WHERE", "AT (VERSION => 1)", "TABLESAMPLE 1%",
		"PIVOT", "UNPIVOT", "POSITIONAL JOIN", "ASOF", "COLUMNS('a')", "* EXCLUDE (n)", "lambda x: x", "INTO x", "FOR UPDATE", "é", "\u00a0", "\u2028", "1e3", "0x1F", "1_000", ".5", "5.", "é\"", "QUALIFY", "SUMMARIZE", "DESCRIBE", "SHOW",
	}
)
