package bigquery

import (
	"crypto/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

// emulated is a project of the emulator's with the data of the suite.
type emulated struct {
	url     string
	project string
	api     *bq.Service
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
	e := &emulated{url: url, api: api, project: "shop-" + strings.ToLower(rand.Text()[:8])}
	place := &bq.TableFieldSchema{Name: "place", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "city", Type: "STRING"}}}
	e.table(t, "sales", "orders", &bq.Table{Description: "What was sold.", Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{
		{Name: "id", Type: "INTEGER", Mode: "REQUIRED"}, {Name: "customer", Type: "STRING", Description: "Who bought."}, place,
	}}},
		map[string]bq.JsonValue{"id": "1", "customer": "Ada", "place": map[string]any{"city": "London"}},
		map[string]bq.JsonValue{"id": "2", "customer": "Bob", "place": map[string]any{"city": nil}},
		map[string]bq.JsonValue{"id": "3", "customer": nil, "place": map[string]any{"city": nil}})
	number := &bq.TableSchema{Fields: []*bq.TableFieldSchema{{Name: "n", Type: "INTEGER"}}}
	one := map[string]bq.JsonValue{"n": "1"}
	for _, name := range []string{"items", "many"} {
		e.table(t, "sales", name, &bq.Table{Schema: number}, one)
	}
	// The emulator takes a table for as large as its label says.
	e.table(t, "sales", "dear", &bq.Table{Schema: number, Labels: map[string]string{"pretend_gib": "20"}}, one)
	e.table(t, "secret", "salaries", &bq.Table{Schema: number}, one)
	return e
}

func (e *emulated) table(t *testing.T, dataset, name string, about *bq.Table, rows ...map[string]bq.JsonValue) {
	t.Helper()
	if _, err := e.api.Datasets.Get(e.project, dataset).Do(); err != nil {
		_, err := e.api.Datasets.Insert(e.project, &bq.Dataset{Location: "US",
			DatasetReference: &bq.DatasetReference{ProjectId: e.project, DatasetId: dataset}}).Do()
		if err != nil {
			t.Fatal(err)
		}
	}
	about.TableReference = &bq.TableReference{ProjectId: e.project, DatasetId: dataset, TableId: name}
	if _, err := e.api.Tables.Insert(e.project, dataset, about).Do(); err != nil {
		t.Fatal(err)
	}
	request := &bq.TableDataInsertAllRequest{}
	for _, row := range rows {
		request.Rows = append(request.Rows, &bq.TableDataInsertAllRequestRows{Json: row})
	}
	answer, err := e.api.Tabledata.InsertAll(e.project, dataset, name, request).Do()
	if err != nil || len(answer.InsertErrors) > 0 {
		t.Fatalf("%s: %+v, %v", name, answer, err)
	}
}

// ran are the statements that ran, in order.
func (e *emulated) ran(t *testing.T) []string {
	t.Helper()
	list, err := e.api.Jobs.List(e.project).Projection("full").Do()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, j := range slices.Backward(list.Jobs) { // the newest comes first
		out = append(out, j.Configuration.Query.Query)
	}
	return out
}

// running waits until a job is running.
func (e *emulated) running(t *testing.T) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := e.api.Jobs.List(e.project).StateFilter("running").Do()
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Jobs) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("no job is running")
		}
	}
}

func (e *emulated) open(t *testing.T, o warehousetest.Options) warehouse.Warehouse {
	t.Helper()
	c := Config{Name: "test", Project: e.project, Location: "US", Endpoint: e.url, Credentials: Credentials{Kind: NoCredentials},
		Allow: []string{e.project + ".sales.*"}, Policy: DefaultPolicy(), Clock: o.Clock}
	if o.Policy != nil {
		o.Policy(&c.Policy)
	}
	w, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// onTheEmulator are the suite's statements for an engine that runs them.
func onTheEmulator() warehousetest.Statements {
	s := statements
	const numbers = "UNNEST(GENERATE_ARRAY(0, 24999))"
	s.Types = typesQuery
	s.Many = "SELECT n, CONCAT('row ', CAST(n AS STRING)) AS text FROM " + numbers + " AS n ORDER BY n"
	s.Slow = "SELECT COUNT(*) FROM " + numbers + " AS a CROSS JOIN " + numbers + " AS b CROSS JOIN " + numbers + " AS c"
	return s
}

// TestWarehouseOnTheEmulator: what the driver does over a fake that is told each
// answer it does over an engine that runs the SQL.
func TestWarehouseOnTheEmulator(t *testing.T) {
	e := emulator(t)
	var row []any
	var names []warehouse.Type
	for _, c := range typesOnTheEmulator {
		row, names = append(row, c.want), append(names, c.kind)
	}
	warehousetest.Run(t, func(t *testing.T) warehousetest.Fixture {
		before := len(e.ran(t))
		return warehousetest.Fixture{
			Open:   e.open,
			Orders: warehouse.TableRef{Project: e.project, Dataset: "sales", Table: "orders"},
			Secret: warehouse.TableRef{Project: e.project, Dataset: "secret", Table: "salaries"},
			SQL:    onTheEmulator(), Types: row, TypeNames: names, ParamTypes: paramsOnTheEmulator(),
			Ran: func() []string { return e.ran(t)[before:] }, Bills: true, Slow: e.running,
		}
	})
}
