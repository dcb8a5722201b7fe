package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

// The suite of every driver, over files in real sessions. Nothing costs and nothing
// has a price: Bills is false, and the cases of budgets and approvals do not apply.
func TestWarehouse(t *testing.T) {
	warehousetest.Run(t, func(t *testing.T) warehousetest.Fixture {
		s := open(t)
		return warehousetest.Fixture{
			Open: func(t *testing.T, o warehousetest.Options) warehouse.Warehouse {
				return s.connect(t, func(c *Config) {
					if o.Policy != nil {
						o.Policy(&c.Policy)
					}
					c.Clock = o.Clock
				})
			},
			Orders: table("orders"),
			// It is there in every DuckDB, and is none of the chat's files.
			Secret: warehouse.TableRef{Project: Database, Dataset: "information_schema", Table: "tables"},
			SQL:    statements, Types: typesRow(), TypeNames: typeNames(), ParamTypes: warehousetest.Params, Ran: s.statements,
			Slow: func(t *testing.T) { s.running(t) },
		}
	})
}

func table(name string) warehouse.TableRef {
	return warehouse.TableRef{Project: Database, Dataset: Schema, Table: name}
}

var statements = warehousetest.Statements{
	One:    "SELECT 1",
	Orders: "SELECT id, customer FROM orders ORDER BY id",
	Empty:  "SELECT id, customer FROM orders WHERE false",
	Types:  typesSQL(),
	Many:   "SELECT n, text FROM many ORDER BY n;",
	Twice:  "SELECT 1 AS a, 2 AS a -- twice",
	Param:  "SELECT $p",
	Slow:   "SELECT count(*) FROM many a, many b, many c, many d WHERE a.n + b.n + c.n + d.n = 3",
	Secret: "SELECT * FROM information_schema.tables",
	Syntax: "SELECT id\nFORM orders",
	Column: "SELECT custmer FROM orders",
	Table:  "SELECT * FROM ordres",
	Forbidden: []string{
		"DROP TABLE orders", "DELETE FROM orders", "INSERT INTO orders VALUES (1)", "CREATE TABLE x AS SELECT 1", "SELECT 1; DROP TABLE orders",
		"COPY orders TO 'x.csv'", "ATTACH 'x.db'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "SET threads = 1", "CALL pragma_version()",
		"EXPORT DATABASE 'x'", "SELECT * FROM read_csv('/mnt/data/items.csv')", "SELECT * FROM '/mnt/data/items.csv'", "SELECT * FROM glob('/*')",
		"FROM orders, read_text('/etc/passwd')", "SELECT (SELECT content FROM read_text('/etc/passwd'))", "SELECT * FROM query('SELECT 1')",
		"SELECT * FROM duckdb_settings()", "/* SELECT */ UPDATE orders SET id = 1", "WITH x AS (SELECT 1) INSERT INTO orders SELECT * FROM x",
		"EXPLAIN SELECT 1", "DESCRIBE orders", "SELECT $$a$$", "WITH x AS (DELETE FROM orders RETURNING *) FROM x", "FROM (SUMMARIZE orders)", "FROM x : read_text('/etc/passwd')", "FROM x : '/mnt/data/items.csv'",
		"FROM orders, LATERAL read_text('/etc/passwd')",
	},
}

// session is a session with the files of the suite.
type session struct {
	execution.Session
	tables []Table

	mu    sync.Mutex
	ran   []string      // the statements of which the session was told to run them
	began chan struct{} // closed when the first was
}

func open(t *testing.T) *session {
	t.Helper()
	dir := t.TempDir()
	var many strings.Builder
	many.WriteString("n,text\n")
	for i := range warehousetest.ManyRows {
		fmt.Fprintf(&many, "%d,row %d\n", i, i)
	}
	s := &session{began: make(chan struct{})}
	var spec execution.Spec
	for _, f := range []struct{ name, load, text string }{
		{"orders", `pd.read_json("/mnt/data/orders.json")`, `[{"id":1,"customer":"Ada","place":{"city":"London"}},{"id":2,"customer":"Bob","place":null},{"id":3,"customer":null,"place":{"city":null}}]`},
		{"items", `pd.read_csv("/mnt/data/items.csv")`, "n\n1\n"},
		{"many", `pd.read_csv("/mnt/data/many.csv")`, many.String()},
		{"Umsätze 2026", `pd.read_csv("/mnt/data/Umsätze 2026.csv")`, "jahr,umsatz\n2026,1.5\n"},
		{"broken", `pd.read_json("/mnt/data/broken.json")`, "nothing"},
	} {
		_, file, _ := strings.Cut(f.load, "/mnt/data/")
		file = strings.TrimSuffix(file, `")`)
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
		spec.Files = append(spec.Files, execution.File{Name: file, Path: path})
		s.tables = append(s.tables, Table{Name: f.name, Load: f.load, Version: "1"})
	}
	var err error
	if s.Session, err = gvisortest.Provider(t).Open(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *session) connect(t *testing.T, change func(*Config)) *Warehouse {
	t.Helper()
	c := Config{Name: "files", Run: s.run, Tables: s.tables, Policy: DefaultPolicy()}
	if change != nil {
		change(&c)
	}
	w, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run notes what the session is told to run, and has it run.
func (s *session) run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	_, after, _ := strings.Cut(code, "__import__('json').loads(")
	var text string
	var r request
	if err := json.NewDecoder(strings.NewReader(after)).Decode(&text); err != nil {
		return execution.Result{}, err
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return execution.Result{}, err
	}
	if r.Do == "run" {
		s.mu.Lock()
		if s.ran = append(s.ran, r.SQL); len(s.ran) == 1 {
			close(s.began)
		}
		s.mu.Unlock()
	}
	return s.Session.Run(ctx, code, host)
}

func (s *session) statements() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ran...)
}

// running waits until the session was told to run a statement.
func (s *session) running(t *testing.T) {
	t.Helper()
	select {
	case <-s.began:
	case <-t.Context().Done():
	}
}

// typesTable is a value of every type: as SQL writes it, and as it arrives.
var typesTable = []struct {
	sql  string
	kind warehouse.Type
	want any
}{
	{"'grüße \"猫\"' || chr(10)", warehouse.String, "grüße \"猫\"\n"},
	{"''", warehouse.String, ""},
	{"CAST(NULL AS VARCHAR)", warehouse.String, nil},
	{"'\\x00\\xFF\\x80'::BLOB", warehouse.Bytes, "AP+A"},
	{"(-9223372036854775808)::BIGINT", warehouse.Integer, int64(math.MinInt64)},
	{"200::UTINYINT", warehouse.Integer, int64(200)},
	{"sum(5)", warehouse.Integer, int64(5)}, // DuckDB's HUGEINT
	{"1.5e-7::DOUBLE", warehouse.Float, 1.5e-7},
	{"'-inf'::FLOAT", warehouse.Float, math.Inf(-1)},
	{"CAST(NULL AS DOUBLE)", warehouse.Float, nil},
	{"true", warehouse.Boolean, true},
	{"1.50", warehouse.Numeric, "1.5"},
	{"-7::DECIMAL(4, 0)", warehouse.Numeric, "-7"},
	{"0.00000000000000000000000000000000000001::DECIMAL(38, 38)", warehouse.BigNumeric, "0.00000000000000000000000000000000000001"},
	{"DATE '0001-01-01'", warehouse.Date, "0001-01-01"},
	{"TIME '14:05:06.00007'", warehouse.Time, "14:05:06.00007"},
	{"TIMESTAMP '2026-02-03 14:05:06'", warehouse.DateTime, "2026-02-03T14:05:06"},
	{"TIMESTAMP_NS '2026-02-03 14:05:06.000007'", warehouse.DateTime, "2026-02-03T14:05:06.000007"},
	{"TIMESTAMPTZ '2026-02-03 15:05:06.000007+01'", warehouse.Timestamp, "2026-02-03T14:05:06.000007Z"},
	{"INTERVAL '1 year 2 months 3 days 4 hours 5 minutes 6.789 seconds'", warehouse.Interval, "1-2 3 4:5:6.789"},
	{"'{\"a\":[1,null]}'::JSON", warehouse.JSON, `{"a":[1,null]}`},
	{"uuid '5b1e0a0c-0a0c-4e3e-8d3b-1f1e0a0c0a0c'", warehouse.String, "5b1e0a0c-0a0c-4e3e-8d3b-1f1e0a0c0a0c"},
	{"'a'::ENUM('a', 'b')", warehouse.String, "a"},
	{"[1.50, 2]", warehouse.Numeric, []any{"1.5", "2"}},
	{"[]::INTEGER[]", warehouse.Integer, []any{}},
	{"[DATE '2026-02-03', NULL]", warehouse.Date, []any{"2026-02-03", nil}},
	{"[[1], [2]]", warehouse.JSON, "[[1],[2]]"},
	{"MAP {'k': 1}", warehouse.JSON, `{"k":1}`},
	{"{'a': DATE '2026-02-03', 'xs': [1, 2], 'in': {'x': false, 't': TIMESTAMPTZ '2026-02-03 14:05:06+00'}}", warehouse.Struct,
		warehouse.Record{Names: []string{"a", "xs", "in"}, Values: []any{"2026-02-03", []any{int64(1), int64(2)},
			warehouse.Record{Names: []string{"x", "t"}, Values: []any{false, "2026-02-03T14:05:06Z"}}}}},
	{"[{'k': 'x'}, {'k': NULL}]", warehouse.Struct, []any{
		warehouse.Record{Names: []string{"k"}, Values: []any{"x"}}, warehouse.Record{Names: []string{"k"}, Values: []any{nil}}}},
	{"CAST(NULL AS STRUCT(k VARCHAR))", warehouse.Struct, nil},
}

func typesSQL() string {
	var list []string
	for i, c := range typesTable {
		list = append(list, fmt.Sprintf("%s AS c%d", c.sql, i))
	}
	return "SELECT " + strings.Join(list, ",\n  ")
}

func typesRow() (row []any) {
	for _, c := range typesTable {
		row = append(row, c.want)
	}
	return row
}

func typeNames() (names []warehouse.Type) {
	for _, c := range typesTable {
		names = append(names, c.kind)
	}
	return names
}
