package bigquery

import (
	"math/rand/v2"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse/guard"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

// readings is how many statements the short form compares; the long one takes the
// time of MARK_FUZZ_TIME.
const readings = 10_000

// TestTheGuardReadsAsGoogleSQLOnTheEmulator: of what the guard's first stage lets
// through GoogleSQL's own parser and analyzer make one query, which reads no table
// that the stage did not see. Else a comment, a string or a name would end elsewhere
// for the one than for the other.
func TestTheGuardReadsAsGoogleSQLOnTheEmulator(t *testing.T) {
	e := emulator(t)
	seed, until := warehousetest.Seed(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	queries, permitted := 0, 0
	for permitted < readings || time.Now().Before(until) {
		sql := warehousetest.Trick(rng, bases, tricks)
		text, err := guard.Lexical(sql, 0, true)
		if err != nil {
			continue
		}
		permitted++
		job, err := e.api.Jobs.Insert(e.project, &bq.Job{Configuration: &bq.JobConfiguration{DryRun: true, Query: &bq.JobConfigurationQuery{
			Query: sql, UseLegacySql: new(bool), ForceSendFields: []string{"UseLegacySql"}}}}).Context(t.Context()).Do()
		if err != nil {
			continue
		}
		queries++
		found := job.Statistics.Query
		if found.StatementType != "SELECT" {
			t.Errorf("%q is %s to GoogleSQL", sql, found.StatementType)
		}
		for _, table := range found.ReferencedTables {
			if !text.Names[table.TableId] {
				t.Errorf("%q reads %q, and the guard saw %v", sql, table.TableId, text.Names)
			}
		}
	}
	if queries < readings/30 {
		t.Errorf("only %d of %d were queries to GoogleSQL: that shows little", queries, permitted)
	}
	t.Logf("%d of %d were queries", queries, permitted)
}

// bases are queries, and tricks what is put into them anywhere.
var (
	bases = []string{
		"SELECT 1", "FROM sales.items", "SELECT n FROM sales.items", "SELECT 'a' AS a, n FROM sales.items i JOIN sales.orders o ON i.n = o.id", "WITH x AS (SELECT 1 AS n) SELECT * FROM x",
		"SELECT * FROM UNNEST([1, 2]) u, sales.items", "FROM (SELECT n FROM sales.items) |> SELECT n", "SELECT count(*) FROM `sales.items` WHERE n IN (SELECT id FROM sales.orders)",
		"FROM sales.items |> WHERE n > 1 |> AGGREGATE sum(n)", `SELECT r'\d', b"x", '''a "b" ''', x'' FROM sales.items`,
	}
	tricks = []string{
		";", " ", "\n", "\r", "\r\n", "--", "-- a\n", "#", "# a\n", "/*", "*/", "/* a */", "/**/", "'", "''", "'''", "'a'", `"`, `""`, `"""`, `"a"`, "`", "``", "`a`", `\`, `\'`, `\"`, "\\`", "r'", `r"""`, "b'", "rb'", "br'''", "R'\\'",
		"$1", "?", "@p", "@@", "@{", "(", ")", "[", "]", "{", "}", "<", ">", ",", ".", ":", "-", "|>", "|", "||", "=>", "->", "+=", "DROP TABLE sales.items", "; DROP TABLE sales.items", "CALL sales.p()", "|> DROP n", "|> CALL f()",
		"|> INSERT INTO sales.items", "|> CREATE TABLE sales.x", "|> EXPORT DATA OPTIONS(uri = 'gs://a/*', format = 'CSV')", "|> TEE", "|> FORK (|> SELECT n)", "|> SET n = 2", "|> EXTEND 1 AS z", "|> UNION ALL (SELECT 1)", "|> IF true THEN |> SELECT n END",
		"FROM", "SELECT", "SELECT 1", ", sales.items", ", sales.many", "secret.salaries", "`secret.salaries`", "`secret`.salaries", "sales.`items`", "`sales`.`items`", "sales.it*", "`sales.it*`", "TABLE sales.items", "TABLE", "sales", "items",
		"INFORMATION_SCHEMA.TABLES", "sales.INFORMATION_SCHEMA.TABLES", "UNNEST([1])", "JOIN", "CROSS JOIN", "UNION ALL", "EXCEPT DISTINCT", "INTERSECT DISTINCT", "UNION", "WITH", "AS", "RECURSIVE", "USING (n)", "ON true", "WHERE",
		"FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()", "TABLESAMPLE SYSTEM (1 PERCENT)", "PIVOT(sum(n) FOR n IN (1))", "UNPIVOT(a FOR b IN (n))", "QUALIFY", "WINDOW w AS ()", "STRUCT", "ARRAY", "EXISTS", "EXTRACT(YEAR FROM", "DATE '2026-01-01'",
		"é", "\u00a0", "\u2028", "\u200b", "1e3", "0x1F", ".5", "5.", "EXPLAIN", "BEGIN", "END", "IF", "THEN", "ASSERT", "DECLARE x INT64", "EXECUTE IMMEDIATE 'x'", "EXTERNAL_QUERY('c', 'x')", "ML.PREDICT(MODEL sales.m, TABLE sales.items)",
		"GRAPH_TABLE(g MATCH (a) RETURN a)", "DEFINE TABLE x(a = 1);", "RUN", "DESCRIBE sales.items", "SHOW TABLES", "EXPORT", "IMPORT", "HINT", "@{a=1}", "LATERAL", "AGGREGATE sum(n)", "VALUES (1)", "TABLE x", "CORRESPONDING", "BY NAME",
	}
)
