package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"
)

// emulated is a project of BigQuery's emulator with a shop's orders, which are taken
// for 40 GiB, and the list that connects to it.
type emulated struct {
	api     *bq.Service
	project string
	list    string
}

// emulator makes a project in the emulator that `make test-bigquery` starts.
func emulator(t *testing.T) *emulated {
	t.Helper()
	url := os.Getenv("MARK_TEST_BIGQUERY")
	if url == "" {
		t.Skip("make test-bigquery starts the emulator that is asked here")
	}
	api, err := bq.NewService(t.Context(), option.WithEndpoint(url), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	e := &emulated{api: api, project: "acme-" + strings.ToLower(rand.Text()[:8]), list: filepath.Join(t.TempDir(), "warehouses.yaml")}
	if _, err := api.Datasets.Insert(e.project, &bq.Dataset{Location: "EU", DatasetReference: &bq.DatasetReference{ProjectId: e.project, DatasetId: "sales"}}).Do(); err != nil {
		t.Fatal(err)
	}
	table := &bq.Table{
		TableReference: &bq.TableReference{ProjectId: e.project, DatasetId: "sales", TableId: "orders"}, Description: "All orders.",
		Labels: map[string]string{"pretend_gib": "40"}, TimePartitioning: &bq.TimePartitioning{Type: "DAY", Field: "day"},
		Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{
			{Name: "city", Type: "STRING", Description: "Where it was sent."}, {Name: "day", Type: "DATE"}, {Name: "total", Type: "NUMERIC"}, {Name: "note", Type: "STRING"},
		}},
	}
	if _, err := api.Tables.Insert(e.project, "sales", table).Do(); err != nil {
		t.Fatal(err)
	}
	request := &bq.TableDataInsertAllRequest{}
	for i := range 100 {
		request.Rows = append(request.Rows, &bq.TableDataInsertAllRequestRows{Json: map[string]bq.JsonValue{
			"city": []any{"Oslo", "Rome", nil}[i%3], "day": fmt.Sprintf("2026-01-%02d", 1+i%31), "total": fmt.Sprintf("%d.25", i), "note": strings.Repeat("gift ", 60)}})
	}
	if answer, err := api.Tabledata.InsertAll(e.project, "sales", "orders", request).Do(); err != nil || len(answer.InsertErrors) > 0 {
		t.Fatalf("%+v, %v", answer, err)
	}
	list := fmt.Sprintf("- {name: shop, kind: bigquery, project: %s, location: EU, credentials: none, endpoint: %q, allow: [%s.sales.*]}\n", e.project, url, e.project)
	if err := os.WriteFile(e.list, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// jobs are the queries that were begun, the newest first.
func (e *emulated) jobs(t *testing.T) []*bq.JobListJobs {
	t.Helper()
	list, err := e.api.Jobs.List(e.project).Projection("full").Do()
	if err != nil {
		t.Fatal(err)
	}
	return list.Jobs
}

// The tour of docs/bigquery.md over an engine that runs the SQL: add a table, ask, go
// on in Python with a chart, approve across a restart, and stop.
func TestTheTourOnTheEmulator(t *testing.T) {
	e := emulator(t)
	byCity := "SELECT city, SUM(total) AS total FROM `" + e.project + ".sales.orders` GROUP BY city ORDER BY city"
	dear := "SELECT * FROM `" + e.project + ".sales.orders`"
	const numbers = "UNNEST(GENERATE_ARRAY(0, 24999))"
	slow := "SELECT COUNT(*) AS n FROM " + numbers + " AS a CROSS JOIN " + numbers + " AS b CROSS JOIN " + numbers + " AS c"
	model := withModel(t,
		runSQL("DROP TABLE `"+e.project+".sales.orders`"),
		runSQL(byCity),
		python("import mark\nfrom datetime import date\ndf = mark.result('s2.o1')\n"+
			"late = mark.query(\"SELECT COUNT(*) AS n FROM `"+e.project+".sales.orders` WHERE day >= @day\", day=date(2026, 1, 31))\n"+
			"print(list(df.city), [str(v) for v in df.total], late.n[0])\npx.bar(df, x='city', y='total', title='Sales')"),
		says("There were three."),
		runSQL(dear), says("That is all."),
		runSQL(slow))
	s := start(t, "", func(c *Config, p *Parts) { model(c, p); c.Warehouses = e.list })
	ada := s.signUp("ada@example.org")

	added := ada.do(`mutation($p: String!) { addBigQueryTable(input: {project: $p, dataset: "sales", table: "orders"}) { dataset { id } errors { __typename } } }`, vars{"p": e.project})
	table := added.str("addBigQueryTable", "dataset", "id")
	ada.profiled(table)
	known := ada.do(`query($id: ID!) { node(id: $id) { ... on Dataset { state description rowCount columns { name type description } sample { rowCount } } } }`, vars{"id": table})
	if known.str("node", "state") != "READY" || known.str("node", "rowCount") != "100" || known.str("node", "description") != "All orders." ||
		known.str("node", "columns", 0, "description") != "Where it was sent." {
		t.Errorf("known is %v", known.Data)
	}
	if n := len(e.jobs(t)); n > 0 {
		t.Errorf("adding a table began %d jobs", n)
	}

	chat, run := ada.ask("", "What did we sell by city?", table)
	answer := ada.answered(run)
	if out := ada.stdout(run, 2); out != "[nan, 'Oslo', 'Rome'] ['1658.25', '1691.5', '1625.25'] 3" {
		t.Errorf("Python printed %q", out)
	}
	if charts := answer["charts"].([]any); len(charts) != 1 {
		t.Errorf("charts %v", charts)
	}
	got := ada.do(`query($id: ID!) `+detailFields, vars{"id": run})
	details := got.at("node", "queryDetails").([]any)
	if len(details) != 3 || dig(t, details[0], "state") != "REFUSED" || dig(t, details[1], "state") != "SUCCEEDED" || dig(t, details[2], "state") != "SUCCEEDED" {
		t.Fatalf("details %v", got.Data)
	}
	billed := int64(0)
	for _, j := range e.jobs(t) {
		billed += j.Statistics.Query.TotalBytesBilled
		if j.Configuration.Labels["mark_run"] == "" || j.Configuration.Query.MaximumBytesBilled <= 0 {
			t.Errorf("a job begins without label or limit: %+v", j.Configuration)
		}
	}
	if said := got.str("node", "usage", "bytesBilled"); said != strconv.FormatInt(billed, 10) || billed == 0 || billed > 10*gibi {
		t.Errorf("it says that %s bytes were billed, and the jobs %d", said, billed)
	}

	_, second := ada.ask(chat, "Show me everything.")
	ada.next(second, "ApprovalRequested")
	waiting := ada.do(`query($id: ID!) { node(id: $id) { ... on Run { state approvals { id sql tables bytes costUsd } } } }`, vars{"id": second})
	approval := waiting.at("node", "approvals", 0)
	if dig(t, approval, "sql") != dear || dig(t, approval, "tables", 0) != e.project+".sales.orders" || len(e.jobs(t)) != 2 {
		t.Errorf("to approve: %v; %d jobs were begun", approval, len(e.jobs(t)))
	}
	s.down()
	s.up()
	ada.steer("decideApproval", "DecideApprovalInput", vars{"approvalId": dig(t, approval, "id"), "decision": "APPROVE"})
	ada.answered(second)
	if j := e.jobs(t)[0]; j.Configuration.Query.Query != dear || strconv.FormatInt(j.Statistics.Query.TotalBytesBilled, 10) != dig(t, approval, "bytes") {
		t.Errorf("approved were %v; it ran %q for %d bytes", approval, j.Configuration.Query.Query, j.Statistics.Query.TotalBytesBilled)
	}

	_, third := ada.ask(chat, "Count for ever.")
	e.until(t, "RUNNING")
	ada.steer("stopRun", "StopRunInput", vars{"runId": third})
	events := ada.follow(third, 0)
	if state := dig(t, map[string]any(events[len(events)-1]), "run", "state"); state != "CANCELLED" {
		t.Errorf("state %v", state)
	}
	e.until(t, "DONE")
	if j := e.jobs(t)[0]; j.Status.ErrorResult == nil || j.Status.ErrorResult.Reason != "stopped" {
		t.Errorf("the job ended with %+v", j.Status)
	}
	if d := ada.do(`query($id: ID!) `+detailFields, vars{"id": third}).at("node", "queryDetails", 0); dig(t, d, "state") != "CANCELLED" || dig(t, d, "jobId") != e.jobs(t)[0].JobReference.JobId {
		t.Errorf("recorded %v", d)
	}
}

// until waits until the newest job is in a state.
func (e *emulated) until(t *testing.T, state string) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		jobs := e.jobs(t)
		if jobs[0].State == state {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("the newest job is %s, not %s", jobs[0].State, state)
		}
	}
}
