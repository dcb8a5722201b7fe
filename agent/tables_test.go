package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/warehouse"
)

// shop is a warehouse that nobody asks anything.
type shop struct{ warehouse.Warehouse }

func (shop) Connection() warehouse.Connection {
	return warehouse.Connection{Name: "shop", Dialect: warehouse.GoogleSQL, Project: "acme-billing"}
}

func withShop(c *agent.Config) { c.Warehouses = []warehouse.Warehouse{shop{}} }

// table stores a READY table of the shop.
func (b *bench) table(name string, columns ...string) *ent.Dataset {
	b.t.Helper()
	partitioning, err := json.Marshal(warehouse.Partitioning{Column: "day", Type: "DAY", FilterRequired: true})
	if err != nil {
		b.t.Fatal(err)
	}
	d := b.client.Dataset.Create().SetSource("BIGQUERY").SetName(name).SetFileName("acme-data.sales." + name).
		SetConnection("shop").SetTableProject("acme-data").SetTableDataset("sales").SetTableName(name).SetTableType("TABLE").
		SetPartitioning(partitioning).SetClustering([]string{"id", "city"}).SetSizeBytes(1 << 40).
		SetModifiedAt(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)).
		SetOwnerID(b.user.ID).SetState("READY").SetRowCount(1000).SaveX(b.ctx)
	for i, c := range columns {
		b.client.Column.Create().SetDatasetID(d.ID).SetPosition(i).SetName(c).SetType("STRING").SetMin("1").SetMax("9").
			SetSampleValues([]string{"5"}).ExecX(b.ctx)
	}
	return d
}

// curious is a sandbox whose programs ask the host something.
type curious struct {
	*scriptedPython
	ask func(ctx context.Context, host execution.Host)
}

func (c *curious) Open(ctx context.Context, key string, spec execution.Spec) (execution.Session, execution.Origin, error) {
	session, origin, err := c.scriptedPython.Open(ctx, key, spec)
	return curiousSession{session, c.ask}, origin, err
}

type curiousSession struct {
	execution.Session
	ask func(ctx context.Context, host execution.Host)
}

func (s curiousSession) Run(ctx context.Context, _ string, host execution.Host) (execution.Result, error) {
	s.ask(ctx, host)
	return execution.Result{}, nil
}

// TestADatasetIsFoundByItsFile: no two files have one name; another dataset may be
// called by it.
func TestADatasetIsFoundByItsFile(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		found := map[string]string{}
		ask := func(ctx context.Context, host execution.Host) {
			for _, asked := range []string{"orders.csv", "Shop", "export", "ORDERS"} {
				got, err := host.Call(ctx, execution.Call{Method: "dataset", Args: json.RawMessage(fmt.Sprintf(`{"name":%q}`, asked))})
				if answer, ok := got.(map[string]string); ok {
					found[asked] = answer["path"]
				} else {
					t.Errorf("%s: %v, %v", asked, got, err)
				}
			}
		}
		b := newBench(t, s, func(c *agent.Config) {
			scripted, _ := c.Sandbox.(*scriptedPython)
			c.Sandbox = &curious{scripted, ask}
		})
		misnamed, shop := b.dataset("export.csv"), b.dataset("orders.csv")
		misnamed.Update().SetName("orders.csv").ExecX(b.ctx)
		shop.Update().SetName("Shop").ExecX(b.ctx)
		b.model.then(python("1"), says("Done."))
		b.ask(agent.Question{Text: "q", DatasetIDs: []string{misnamed.ID, shop.ID}})
		want := map[string]string{"orders.csv": "/mnt/data/orders.csv", "Shop": "/mnt/data/orders.csv", "export": "/mnt/data/export.csv", "ORDERS": "/mnt/data/orders.csv"}
		if !maps.Equal(found, want) {
			t.Errorf("found %v", found)
		}
	})
}

// TestTablesAreAskedWithSQL: Python gets files only; a model is told a table's name,
// dialect and what a query must have; a program that wants it as a file is told what
// to do.
func TestTablesAreAskedWithSQL(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		answers := map[string]string{}
		ask := func(ctx context.Context, host execution.Host) {
			for _, asked := range []string{"orders", "`acme-data.sales.orders`", "prices.csv"} {
				got, err := host.Call(ctx, execution.Call{Method: "dataset", Args: json.RawMessage(fmt.Sprintf(`{"name":%q}`, asked))})
				answers[asked] = fmt.Sprint(got, err)
				var refused *execution.CallError
				if errors.As(err, &refused) != (asked != "prices.csv") {
					t.Errorf("%s: %v", asked, err)
				}
			}
			files, err := host.Call(ctx, execution.Call{Method: "files"})
			answers["files"] = fmt.Sprint(files, err)
		}
		b := newBench(t, s, func(c *agent.Config) {
			withShop(c)
			scripted, _ := c.Sandbox.(*scriptedPython)
			c.Sandbox = &curious{scripted, ask}
		})
		data := []string{b.dataset("prices.csv").ID, b.table("orders", "id", "customer.city").ID}
		b.model.then(calls("list_datasets", `{}`, "describe_dataset", `{"name":"acme-data.sales.orders"}`), python("1"), says("Done."))
		b.ask(agent.Question{Text: "q", DatasetIDs: data})
		if files := b.python.opened[0].Files; len(files) != 1 || files[0].Name != "prices.csv" {
			t.Errorf("Python has %v", files)
		}
		for _, asked := range []string{"orders", "`acme-data.sales.orders`"} {
			if !strings.Contains(answers[asked], "mark.query(\"SELECT … FROM `acme-data.sales.orders`") {
				t.Errorf("%s: %s", asked, answers[asked])
			}
		}
		if !strings.Contains(answers["prices.csv"], "/mnt/data/prices.csv") || strings.Contains(answers["files"], "orders") {
			t.Errorf("files: %v", answers)
		}
		_, catalogue, _ := strings.Cut(b.model.requests[0].Messages[0].Content, "<datasets>\n")
		want := "- name \"orders\", table `acme-data.sales.orders` in GoogleSQL, filter on \"day\" required, state READY, 1000 rows, clustered by \"id, city\", connection \"shop\"\n" +
			"  columns: \"id\" STRING, \"customer.city\" STRING\n"
		if !strings.Contains(catalogue, want) {
			t.Errorf("the catalogue is\n%s", catalogue)
		}
		messages := b.model.requests[1].Messages
		listed, told := messages[len(messages)-2].Content, messages[len(messages)-1].Content
		facts := "\"table\":\"`acme-data.sales.orders`\",\"connection\":\"shop\",\"dialect\":\"GoogleSQL\",\"bytes\":1099511627776," +
			`"partitioned":{"by":"day","filterRequired":true,"type":"DAY"},"clustered":["id","city"],"modified":"2026-01-31"`
		for what, text := range map[string]string{"list_datasets": listed, "describe_dataset": told} {
			if !strings.Contains(text, facts) {
				t.Errorf("%s: %s", what, text)
			}
		}
		if strings.Contains(told, "/mnt/data") || strings.Contains(told, `"min"`) || strings.Contains(told, `"nulls"`) || !strings.Contains(told, `"samples":["5"]`) {
			t.Errorf("described as %s", told)
		}
	})
}

// TestWhatTheQuestionSpeaksOfComesFirst: where there is no room to tell of all
// datasets at length, those that share words with the question are told of, and all
// are named; the same question has the same catalogue.
func TestWhatTheQuestionSpeaksOfComesFirst(t *testing.T) {
	for question, first := range map[string]string{
		"How many order items were returned?":   "order_items",
		"What does shipping cost by warehouse?": "shipments",
		"Was kostet das?":                       "table_00",
		"売上高の合計は?":                              "売上高",
	} {
		t.Run(first, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), withShop)
			var all []string
			for i := range 25 {
				all = append(all, b.table(fmt.Sprintf("table_%02d", i), "a", "b", "c").ID)
			}
			all = append(all, b.table("order_items", "id", "returnedAt", "amount").ID, b.table("shipments", "warehouse_id", "shipping_cost").ID,
				b.table("売上高", "金額").ID)
			b.model.then(says("Done."), says("Done."))
			r, _ := b.ask(agent.Question{Text: question, DatasetIDs: all})
			b.ask(agent.Question{Text: question, ChatID: r.ChatID})
			var catalogues []string
			for _, request := range b.model.requests {
				_, catalogue, _ := strings.Cut(request.Messages[0].Content, "<datasets>\n")
				catalogue, _, _ = strings.Cut(catalogue, "\n</datasets>")
				catalogues = append(catalogues, catalogue)
			}
			if catalogues[0] != catalogues[1] {
				t.Errorf("the catalogue was\n%s\nand is\n%s", catalogues[0], catalogues[1])
			}
			if !strings.HasPrefix(catalogues[0], fmt.Sprintf("- name %q", first)) {
				t.Errorf("the catalogue is\n%s", catalogues[0])
			}
			if entry, _, _ := strings.Cut(catalogues[0], "\n- name"); first != "table_00" && !strings.Contains(entry, "columns: ") {
				t.Errorf("the first is told as %s", entry)
			}
			if n := utf8.RuneCountInString(catalogues[0]); n > agent.DefaultLimits().ResultCharacters/2 {
				t.Errorf("%d characters", n)
			}
			if n := strings.Count(catalogues[0], "- name "); n < len(all) && !strings.Contains(catalogues[0], "more, see list_datasets") {
				t.Errorf("%d are named", n)
			}
		})
	}
}
