package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

const gibi = 1 << 30

var orders = warehouse.TableRef{Project: "acme-data", Dataset: "sales", Table: "orders"}

// shop is a fake of BigQuery with one table, and the list that connects to it.
func shop(t *testing.T) (*bqfake.Server, string) {
	t.Helper()
	fake := bqfake.New(t)
	fake.AddDataset("acme-data", "sales", "EU")
	fake.AddTable(orders, bqfake.Table{Table: &bq.Table{NumRows: 3, NumBytes: gibi, Etag: "e1", Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{
		{Name: "city", Type: "STRING"}, {Name: "total", Type: "NUMERIC"}}}}})
	path := filepath.Join(t.TempDir(), "warehouses.yaml")
	list := fmt.Sprintf("- {name: shop, kind: bigquery, project: acme-billing, location: EU, credentials: none, endpoint: %q, allow: [acme-data.sales.*],\n"+
		"   policy: {bytesPerQuery: 100 GiB, approvalBytes: 10 GiB, approvalUsd: 1}}\n", fake.URL)
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return fake, path
}

func runSQL(statement string) fakellm.Answer {
	return fakellm.Say(fakellm.Call("call_q", "run_sql", map[string]string{"sql": statement, "title": "Sales by city"}))
}

const (
	byCity = "SELECT city, SUM(total) AS total FROM `acme-data.sales.orders` GROUP BY city"
	dear   = "SELECT * FROM `acme-data.sales.orders`"
)

// answered by the fake: three rows, for so many bytes.
func cities(bytes int64) bqfake.Answer {
	rows := [][]any{{"Oslo", "100.25"}, {"Rome", "7"}, {nil, "3.5"}}
	return bqfake.Answer{
		Tables: []warehouse.TableRef{orders}, Bytes: bytes, TotalRows: len(rows), Row: func(i int) []any { return rows[i] },
		Schema: []*bq.TableFieldSchema{{Name: "city", Type: "STRING"}, {Name: "total", Type: "NUMERIC"}},
	}
}

const detailFields = `{ node(id: $id) { ... on Run { state usage { bytesBilled } queryDetails { state sql dialect connection rowCount truncated bytesBilled costUsd jobId error { code } } } } }`

// The tour of docs/bigquery.md: add a table, ask, approve across a restart, go on
// in Python, see what it cost.
func TestTablesAreAskedWithGuardedSQL(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		fake, list := shop(t)
		fake.Answer(byCity, cities(gibi))
		fake.Answer(dear, cities(50*gibi))
		model := withModel(t,
			runSQL(byCity),
			python("import mark\ndf = mark.result('s1.o1')\nprint(df.total.sum(), df.city.isna().sum(), mark.query(\""+byCity+"\").shape)\npx.bar(df, x='city', y='total', title='Sales')"),
			says("It was 110.75."),
			runSQL(dear), says("Nothing more."))
		s := start(t, url, func(c *Config, p *Parts) { model(c, p); c.Warehouses = list })
		ada := s.signUp("ada@example.org")
		added := ada.do(`mutation { addBigQueryTable(input: {project: "acme-data", dataset: "sales", table: "orders"}) { dataset { id } errors { __typename } } }`, nil)
		table := added.str("addBigQueryTable", "dataset", "id")
		ada.profiled(table)

		chat, run := ada.ask("", "What did we sell by city?", table)
		answer := ada.answered(run)
		if out := ada.stdout(run, 1); out != "110.75 1 (3, 2)" {
			t.Errorf("Python printed %q", out)
		}
		if charts := answer["charts"].([]any); len(charts) != 1 {
			t.Errorf("charts %v", charts)
		}
		got := ada.do(`query($id: ID!) `+detailFields, vars{"id": run})
		details := got.at("node", "queryDetails").([]any)
		if len(details) != 2 || dig(t, details[0], "state") != "SUCCEEDED" || dig(t, details[0], "rowCount") != "3" || got.str("node", "usage", "bytesBilled") != fmt.Sprint(2*gibi) {
			t.Errorf("details %v", got.Data)
		}

		_, second := ada.ask(chat, "Show me everything.")
		ada.next(second, "ApprovalRequested")
		waiting := ada.do(`query($id: ID!) { node(id: $id) { ... on Run { state approvals { id tool sql tables bytes costUsd reason } } } }`, vars{"id": second})
		approval := waiting.at("node", "approvals", 0)
		if dig(t, approval, "sql") != dear || dig(t, approval, "bytes") != fmt.Sprint(50*gibi) || dig(t, approval, "tables", 0) != "acme-data.sales.orders" || dig(t, approval, "costUsd").(float64) < 0.2 {
			t.Errorf("to approve: %v", approval)
		}
		ran := len(fake.Ran())
		s.down()
		s.up()
		ada.steer("decideApproval", "DecideApprovalInput", vars{"approvalId": dig(t, approval, "id"), "decision": "APPROVE"})
		ada.answered(second)
		if n := len(fake.Ran()); n != ran+1 {
			t.Errorf("%d queries ran after the approval", n-ran)
		}
		if used := ada.do(`{ viewer { usage { bytesBilled } } }`, nil).str("viewer", "usage", "bytesBilled"); used != fmt.Sprint(52*gibi) {
			t.Errorf("%s bytes are billed in the day", used)
		}
	})
}

// A model that does all it is told to cannot write, read outside the list, or spend
// more than is allowed.
func TestAModelThatObeysCannotPassTheGuard(t *testing.T) {
	fake, list := shop(t)
	fake.Answer("SELECT 1 FROM `acme-data.sales.orders`", func() bqfake.Answer { a := cities(500 * gibi); return a }())
	fake.Answer("SELECT * FROM `acme-data.hr.salaries`", bqfake.Answer{Tables: []warehouse.TableRef{{Project: "acme-data", Dataset: "hr", Table: "salaries"}}, Bytes: 1})
	attempts := []string{
		"DROP TABLE `acme-data.sales.orders`", "DELETE FROM `acme-data.sales.orders` WHERE true", "SELECT 1; DROP TABLE x",
		"SELECT * FROM `acme-data.hr.salaries`", "SELECT 1 FROM `acme-data.sales.orders`", "EXPORT DATA OPTIONS(uri='gs://x/*') AS SELECT 1",
		"SELECT * FROM EXTERNAL_QUERY('c', 'SELECT 1')", "CALL p()", "EXECUTE IMMEDIATE 'DROP TABLE x'",
	}
	var answers []fakellm.Answer
	for _, a := range attempts {
		answers = append(answers, runSQL(a))
	}
	answers = append(answers, says("I could not."))
	model := withModel(t, answers...)
	s := start(t, "", func(c *Config, p *Parts) { model(c, p); c.Warehouses, p.Sandbox = list, absent{} })
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "Do as the data say.")
	ada.answered(run)
	got := ada.do(`query($id: ID!) `+detailFields, vars{"id": run})
	details := got.at("node", "queryDetails").([]any)
	if len(details) != len(attempts) || len(fake.Ran()) != 0 || fake.Billed() != 0 {
		t.Errorf("%d refusals are recorded of %d; ran %v, %d bytes billed", len(details), len(attempts), fake.Ran(), fake.Billed())
	}
	for _, d := range details {
		if state, code := dig(t, d, "state"), dig(t, d, "error", "code").(string); state != "REFUSED" || !strings.HasPrefix(code, "SQL_") {
			t.Errorf("%v", d)
		}
	}
}

// stopRun cancels the job where it runs, and says what was billed.
func TestStoppingARunCancelsItsQuery(t *testing.T) {
	fake, list := shop(t)
	never := cities(gibi)
	never.Never, never.BilledWhenStopped = true, gibi/2
	fake.Answer(byCity, never)
	model := withModel(t, runSQL(byCity))
	s := start(t, "", func(c *Config, p *Parts) { model(c, p); c.Warehouses, p.Sandbox = list, absent{} })
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "What did we sell?")
	fake.Running(t, 1)
	ada.steer("stopRun", "StopRunInput", vars{"runId": run})
	events := ada.follow(run, 0)
	if state := dig(t, map[string]any(events[len(events)-1]), "run", "state"); state != "CANCELLED" {
		t.Errorf("state %v", state)
	}
	got := ada.do(`query($id: ID!) `+detailFields, vars{"id": run})
	if d := got.at("node", "queryDetails", 0); dig(t, d, "state") != "CANCELLED" || dig(t, d, "bytesBilled") != fmt.Sprint(gibi/2) || fake.Calls(bqfake.JobsCancel) == 0 {
		t.Errorf("%v, cancelled %d times", d, fake.Calls(bqfake.JobsCancel))
	}
}
