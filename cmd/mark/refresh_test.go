package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// callsOf are how often a fake was asked what.
func callsOf(fake *bqfake.Server) map[bqfake.Call]int {
	out := map[bqfake.Call]int{}
	for _, call := range []bqfake.Call{bqfake.DatasetsList, bqfake.DatasetsGet, bqfake.TablesList, bqfake.TablesGet, bqfake.TabledataList,
		bqfake.JobsDryRun, bqfake.JobsInsert, bqfake.JobsGet, bqfake.JobsCancel, bqfake.JobsQueryResult, bqfake.Unknown} {
		if n := fake.Calls(call); n > 0 {
			out[call] = n
		}
	}
	return out
}

// newly is what of the calls was not made before.
func newly(before, now map[bqfake.Call]int) map[bqfake.Call]int {
	out := map[bqfake.Call]int{}
	for call, n := range now {
		if n -= before[call]; n > 0 {
			out[call] = n
		}
	}
	return out
}

func (p *person) addTable(name string) string {
	p.t.Helper()
	return p.do(`mutation($t: String!) { addBigQueryTable(input: {project: "acme-data", dataset: "sales", table: $t}) { dataset { id } errors { __typename } } }`, vars{"t": name}).
		str("addBigQueryTable", "dataset", "id")
}

// TestTablesAreRefreshedOnlyWhereThatIsSet: as Mark comes it never looks at tables on
// its own; where an interval is set, it comes by again and again.
func TestTablesAreRefreshedOnlyWhereThatIsSet(t *testing.T) {
	var asItComes struct{ Config }
	parser, err := kong.New(&asItComes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	begin := func(every time.Duration) chan struct{} {
		looks := make(chan struct{}, 100)
		j := newJobs(Config{DataDir: t.TempDir(), Node: "node", WarehouseRefresh: every}, slog.New(slog.DiscardHandler))
		dispatch.Handle(j.Dispatcher, func(context.Context, tableRefresh) error { looks <- struct{}{}; return nil })
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close(context.Background()) })
		return looks
	}
	never := begin(asItComes.WarehouseRefresh)
	often := begin(100 * time.Millisecond)
	late := time.After(30 * time.Second)
	for range 3 {
		select {
		case <-often:
		case <-late:
			t.Fatal("nobody comes by")
		}
	}
	if n := len(never); n > 0 {
		t.Errorf("not set, and it came by %d times", n)
	}
}

// TestRefreshingTablesBillsNothing: each table is looked at once, whoever has it; what
// has changed is read again; no job is begun.
func TestRefreshingTablesBillsNothing(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		fake, list := shop(t)
		fake.AddTable(warehouse.TableRef{Project: "acme-data", Dataset: "sales", Table: "items"}, bqfake.Table{
			Table: &bq.Table{Etag: "e1", Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{{Name: "id", Type: "INTEGER"}}}}})
		var minutes atomic.Int64
		begin := time.Date(2026, 1, 30, 23, 58, 30, 0, time.UTC)
		s := start(t, url, func(c *Config, p *Parts) {
			c.Warehouses, c.WarehouseRefresh, p.Sandbox = list, 6*time.Hour, absent{}
			p.Clock = clock.Func(func() time.Time { return begin.Add(time.Duration(minutes.Load()) * time.Minute) })
		})
		if asked := callsOf(fake); len(asked) > 0 {
			t.Errorf("the start asks %v", asked)
		}
		ada, bob := s.signUp("ada@example.org"), s.signUp("bob@example.org")
		hers, his, items := ada.addTable("orders"), bob.addTable("orders"), ada.addTable("items")
		settled := func() {
			t.Helper()
			for id, p := range map[string]*person{hers: ada, his: bob, items: ada} {
				if state := p.profiled(id).str("node", "state"); state != "READY" {
					t.Fatalf("a table is %s", state)
				}
			}
		}
		settled()
		look := func(what string, want map[bqfake.Call]int) {
			t.Helper()
			before := callsOf(fake)
			minutes.Add(1)
			if err := s.app.jobs.refresh(t.Context(), tableRefresh{}); err != nil {
				t.Fatal(err)
			}
			settled()
			if got := newly(before, callsOf(fake)); !maps.Equal(got, want) {
				t.Errorf("%s: it asks %v, want %v", what, got, want)
			}
		}
		look("nothing new", map[bqfake.Call]int{bqfake.TablesGet: 2})
		fake.Change(orders, func(table *bq.Table) {
			table.Etag = "e2"
			table.Schema.Fields = append(table.Schema.Fields, &bq.TableFieldSchema{Name: "day", Type: "DATE"})
		})
		look("one has changed, and two people have it", map[bqfake.Call]int{bqfake.TablesGet: 2 + 2, bqfake.TabledataList: 2})
		if note := fmt.Sprint(ada.profiled(hers).at("node", "notes", 0)); !strings.HasPrefix(note, "2026-01-31: ") || !strings.Contains(note, "day") {
			t.Errorf("it is told as %q", note)
		}
		look("nothing new again", map[bqfake.Call]int{bqfake.TablesGet: 2})
		if n := len(fake.Requests()); n > 0 || fake.Billed() > 0 {
			t.Errorf("%d jobs were begun, %d bytes billed", n, fake.Billed())
		}
	})
}
