package bigquery

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

func TestWarehouse(t *testing.T) {
	warehousetest.Run(t, func(t *testing.T) warehousetest.Fixture {
		fake := shop(t)
		return warehousetest.Fixture{
			Open: func(t *testing.T, o warehousetest.Options) warehouse.Warehouse {
				return open(t, fake, func(c *Config) {
					if o.Policy != nil {
						o.Policy(&c.Policy)
					}
					c.Clock = o.Clock
				})
			},
			Orders: orders, Secret: secret, SQL: statements,
			Types: typesRow, TypeNames: typeNames, ParamTypes: paramCases,
			Ran: fake.Ran, Bills: true, Slow: func(t *testing.T) { fake.Running(t, 1) },
		}
	})
}

var (
	orders = warehouse.TableRef{Project: "shop", Dataset: "sales", Table: "orders"}
	secret = warehouse.TableRef{Project: "shop", Dataset: "secret", Table: "salaries"}
)

var statements = warehousetest.Statements{
	One:    "SELECT 1",
	Orders: "SELECT id, customer FROM sales.orders ORDER BY id",
	Empty:  "SELECT id, customer FROM sales.orders WHERE false",
	Types:  "SELECT * FROM sales.types",
	Many:   "SELECT n, text FROM sales.many ORDER BY n",
	Twice:  "SELECT 1 AS a, 2 AS a",
	Param:  "SELECT @p",
	Slow:   "SELECT COUNT(*) FROM sales.many AS a CROSS JOIN sales.many AS b",
	Secret: "SELECT * FROM secret.salaries",
	Dear:   "SELECT * FROM sales.dear",
	Syntax: "SELECT id\nFORM sales.orders",
	Column: "SELECT custmer FROM sales.orders",
	Table:  "SELECT * FROM sales.ordres",
	Forbidden: []string{
		"DROP TABLE sales.orders", "DELETE FROM sales.orders WHERE true", "INSERT INTO sales.orders VALUES (1)", "CREATE TABLE sales.x AS SELECT 1",
		"SELECT 1; DROP TABLE sales.orders", "BEGIN SELECT 1; END", "CALL sales.p()", "EXECUTE IMMEDIATE 'SELECT 1'", "SET @@x = 1",
		"EXPORT DATA OPTIONS (uri = 'gs://x/*') AS SELECT 1", "SELECT * FROM EXTERNAL_QUERY('c', 'q')", "SELECT sales.send(1)", "/* SELECT */ UPDATE t SET x = 1",
		"FROM sales.orders |> EXPORT DATA OPTIONS (uri = 'x')",
	},
}

// shop is a fake with the data of the suite.
func shop(t testing.TB) *bqfake.Server {
	t.Helper()
	fake := bqfake.New(t)
	fake.AddTable(orders, bqfake.Table{
		Table: &bq.Table{NumRows: 3, NumBytes: 100, Description: "What was sold.", LastModifiedTime: 1_700_000_000_000, Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{
			{Name: "id", Type: "INTEGER", Mode: "REQUIRED"}, {Name: "customer", Type: "STRING", Description: "Who bought."},
			{Name: "place", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "city", Type: "STRING"}}},
		}}},
		Preview: []*bq.TableRow{bqfake.Row("1", "Ada", bqfake.Record{"London"}), bqfake.Row("2", "Bob", nil), bqfake.Row("3", nil, bqfake.Record{nil})},
	})
	for _, name := range []string{"items", "many", "types", "dear"} {
		fake.AddTable(warehouse.TableRef{Project: "shop", Dataset: "sales", Table: name}, bqfake.Table{Table: &bq.Table{
			NumRows: 1, NumBytes: 1 << 20, Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{{Name: "n", Type: "INTEGER"}}}}})
	}
	fake.AddTable(secret, bqfake.Table{Table: &bq.Table{NumRows: 1}})

	pair := []*bq.TableFieldSchema{{Name: "id", Type: "INTEGER"}, {Name: "customer", Type: "STRING"}}
	sales := func(name string) []warehouse.TableRef {
		return []warehouse.TableRef{{Project: "shop", Dataset: "sales", Table: name}}
	}
	fake.Answer(statements.Orders, bqfake.Answer{Tables: sales("orders"), Bytes: 100, Schema: pair, TotalRows: 3,
		Row: func(i int) []any { return [][]any{{"1", "Ada"}, {"2", "Bob"}, {"3", nil}}[i] }})
	fake.Answer(statements.Empty, bqfake.Answer{Tables: sales("orders"), Bytes: 100, Schema: pair})
	fake.Answer(statements.Many, bqfake.Answer{Tables: sales("many"), Bytes: 1 << 20, TotalRows: warehousetest.ManyRows,
		Schema: []*bq.TableFieldSchema{{Name: "n", Type: "INTEGER"}, {Name: "text", Type: "STRING"}},
		Row:    func(i int) []any { return []any{strconv.Itoa(i), fmt.Sprint("row ", i)} }})
	fake.Answer(statements.Twice, bqfake.Answer{TotalRows: 1, Row: func(int) []any { return []any{"1", "2"} },
		Schema: []*bq.TableFieldSchema{{Name: "a", Type: "INTEGER"}, {Name: "a", Type: "INTEGER"}}})
	fake.Answer(statements.Types, bqfake.Answer{Tables: sales("types"), Bytes: 100, Schema: typesSchema, TotalRows: 1, Row: func(int) []any { return typesCells }})
	fake.Answer(statements.Slow, bqfake.Answer{Tables: sales("many"), Bytes: 1 << 20, Never: true, BilledWhenStopped: 5 << 20})
	fake.Answer(statements.Dear, bqfake.Answer{Tables: sales("dear"), Bytes: 20 << 30, TotalRows: 1, Row: func(int) []any { return []any{"1"} },
		Schema: []*bq.TableFieldSchema{{Name: "n", Type: "INTEGER"}}})
	invalid := func(message string) *bqfake.Failure {
		return &bqfake.Failure{Status: 400, Reason: "invalidQuery", Message: message}
	}
	fake.Answer(statements.Syntax, bqfake.Answer{Fails: invalid("Syntax error: Expected end of input but got identifier \"FORM\" at [2:1]")})
	fake.Answer(statements.Column, bqfake.Answer{Fails: invalid("Unrecognized name: custmer at [1:8]")})
	fake.Echo(statements.Param)
	return fake
}

// open opens a connection to the fake.
func open(t testing.TB, fake *bqfake.Server, change func(*Config)) *Warehouse {
	t.Helper()
	c := Config{Name: "test", Project: "shop", Location: "US", Endpoint: fake.URL, Credentials: Credentials{Kind: NoCredentials},
		Allow: []string{"shop.sales.*"}, Policy: DefaultPolicy(), CancelWait: 2 * time.Second}
	c.Policy.MetadataTimeout = 10 * time.Second
	if change != nil {
		change(&c)
	}
	w, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}
