package datasets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/warehouse"
)

var ordersRef = warehouse.TableRef{Project: "acme-data", Dataset: "sales", Table: "orders"}

// orders is a table with all that a table can have.
func orders() *warehouse.Table {
	at := func(names []string, values ...any) warehouse.Record {
		return warehouse.Record{Names: names, Values: values}
	}
	who := []string{"name", "city"}
	return &warehouse.Table{
		Ref: ordersRef, Type: warehouse.BaseTable, Label: "Orders", Description: "All orders.\x00", Rows: 1_000_000, Bytes: 1 << 40, Etag: "e1",
		Fields: []warehouse.Field{
			{Path: "id", Type: warehouse.Integer, Mode: warehouse.Required},
			{Path: "day", Type: warehouse.Date, Mode: warehouse.Nullable, Description: "Of the order."},
			{Path: "amount", Type: warehouse.Numeric, Mode: warehouse.Nullable},
			{Path: "tags", Type: warehouse.String, Mode: warehouse.Repeated, Repeated: true},
			{Path: "customer", Type: warehouse.Struct, Mode: warehouse.Nullable},
			{Path: "customer.name", Type: warehouse.String, Mode: warehouse.Nullable, Depth: 1},
			{Path: "customer.city", Type: warehouse.String, Mode: warehouse.Nullable, Depth: 1},
			{Path: "items", Type: warehouse.Struct, Mode: warehouse.Repeated, Repeated: true},
			{Path: "items.price", Type: warehouse.Float, Mode: warehouse.Nullable, Depth: 1, Repeated: true},
			{Path: "valid", Type: warehouse.Range, Mode: warehouse.Nullable},
		},
		Columns: []warehouse.Column{
			{Name: "id", Type: warehouse.Integer}, {Name: "day", Type: warehouse.Date}, {Name: "amount", Type: warehouse.Numeric},
			{Name: "tags", Type: warehouse.String, Mode: warehouse.Repeated},
			{Name: "customer", Type: warehouse.Struct, Fields: []warehouse.Column{{Name: "name", Type: warehouse.String}, {Name: "city", Type: warehouse.String}}},
			{Name: "items", Type: warehouse.Struct, Mode: warehouse.Repeated, Fields: []warehouse.Column{{Name: "price", Type: warehouse.Float}}},
			{Name: "valid", Type: warehouse.Range, Element: warehouse.Date},
		},
		Sample: [][]any{
			{int64(1), "2026-01-02", "9.5", []any{"a", "b"}, at(who, "Ada", "Oslo"), []any{at([]string{"price"}, 1.5)}, at([]string{"start", "end"}, "2026-01-01", nil)},
			{int64(1 << 60), nil, "10.25", []any{}, nil, []any{}, nil},
			{int64(3), "2025-12-31", nil, []any{}, at(who, "Bob", nil), []any{}, nil},
		},
		Partitioning: &warehouse.Partitioning{Column: "day", Type: "DAY", FilterRequired: true},
		Clustering:   []string{"id"}, Modified: time.Date(2026, 1, 31, 9, 30, 0, 123456789, time.UTC),
	}
}

// connected runs the test on both databases with warehouses.
func connected(t *testing.T, test func(t *testing.T, w *world, shop *shelf), others ...*shelf) {
	on := func(t *testing.T, w *world) {
		shop := newShelf("shop", orders())
		w.config.Warehouses = []warehouse.Warehouse{shop}
		for _, o := range others {
			w.config.Warehouses = append(w.config.Warehouses, o)
		}
		w.start(t)
		test(t, w, shop)
		for _, s := range append(others, shop) {
			if calls := s.asked(); calls["plan"]+calls["run"] > 0 {
				t.Errorf("%s was asked what may cost: %v", s.name, calls)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { on(t, newNode(t, sqlite(t), succeeds(), datasets.Limits{})) })
	t.Run("postgres", func(t *testing.T) { on(t, newNode(t, postgres(t), succeeds(), datasets.Limits{})) })
}

// add adds the table of orders and waits for it.
func (w *world) add(t testing.TB, ctx context.Context) *ent.Dataset {
	t.Helper()
	d, err := w.AddTable(ctx, "", ordersRef.Project, ordersRef.Dataset, ordersRef.Table, nil)
	must(t, err)
	return w.settled(t, ctx, d.ID)
}

// again refreshes a dataset and waits for it.
func (w *world) again(t testing.TB, ctx context.Context, id string) *ent.Dataset {
	t.Helper()
	d, err := w.Refresh(ctx, id)
	must(t, err)
	if d.State != dataset.StatePending || d.ErrorCode != "" {
		t.Errorf("refreshed: %s %s", d.State, d.ErrorCode)
	}
	return w.settled(t, ctx, id)
}

func TestAddTable(t *testing.T) {
	connected(t, func(t *testing.T, w *world, shop *shelf) {
		ctx := w.person(t)
		c := w.client.Chat.Create().SaveX(ctx)
		d, err := w.AddTable(ctx, "shop", "acme-data", "sales", "orders", &c.ID)
		must(t, err)
		if d.State != dataset.StatePending || d.Source != dataset.SourceBigQuery || d.Name != "orders" || d.FileName != "acme-data.sales.orders" {
			t.Errorf("added: %+v", d)
		}
		d = w.settled(t, ctx, d.ID)
		if d.State != dataset.StateReady || *d.RowCount != 1_000_000 || d.SizeBytes != 1<<40 || d.Connection != "shop" || d.Etag != "e1" ||
			d.TableType != "TABLE" || d.Description != "All orders.\uFFFD" && d.Description != "All orders." || d.SyncedAt == nil || len(d.Notes) != 0 ||
			!d.ModifiedAt.Equal(time.Date(2026, 1, 31, 9, 30, 0, 123456000, time.UTC)) || d.BlobKey != "" {
			t.Errorf("read: %+v", d)
		}
		var p warehouse.Partitioning
		must(t, json.Unmarshal(d.Partitioning, &p))
		if p != *orders().Partitioning || !cmp.Equal(d.Clustering, []string{"id"}) {
			t.Errorf("partitioned %+v, clustered %v", p, d.Clustering)
		}
		var columns []string
		for _, c := range d.Edges.Columns {
			line := c.Name + " " + c.Type
			if c.Min != nil && c.Max != nil {
				line += " " + *c.Min + "…" + *c.Max
			}
			columns = append(columns, line+" "+strings.Join(c.SampleValues, ","))
			if c.NullCount != nil || c.DistinctCount != nil {
				t.Errorf("%s: counted", c.Name)
			}
		}
		want := []string{
			"id INTEGER 1…1152921504606846976 1,1152921504606846976,3",
			"day DATE 2025-12-31…2026-01-02 2026-01-02,2025-12-31",
			"amount NUMERIC 9.5…10.25 9.5,10.25",
			"tags ARRAY<STRING> ", "customer STRUCT ",
			"customer.name STRING Ada…Bob Ada,Bob", "customer.city STRING Oslo…Oslo Oslo",
			"items ARRAY<STRUCT> ", "items.price FLOAT ", "valid RANGE<DATE> ",
		}
		if diff := cmp.Diff(want, columns); diff != "" {
			t.Error(diff)
		}
		if d.Edges.Columns[1].Description != "Of the order." {
			t.Errorf("described as %q", d.Edges.Columns[1].Description)
		}
		var sample execution.Table
		must(t, json.Unmarshal(d.Sample, &sample))
		if len(sample.Columns) != 7 || len(sample.Rows) != 3 || sample.RowCount != 1_000_000 || !sample.Truncated ||
			fmt.Sprint(sample.Rows[0][4]) != "map[city:Oslo name:Ada]" {
			t.Errorf("sample: %+v", sample)
		}
		if calls := shop.asked(); !cmp.Equal(calls, map[string]int{"table": 1}) {
			t.Errorf("asked %v", calls)
		}
		// Its bytes are not the person's, and with it nothing is erased.
		if _, err := w.Upload(ctx, "", "t.csv", csv(), nil); err != nil {
			t.Error(err)
		}
		must(t, w.Delete(ctx, d.ID))
	})
}

// TestTheSameTableTwice: one dataset, read again, and in each chat once.
func TestTheSameTableTwice(t *testing.T) {
	connected(t, func(t *testing.T, w *world, shop *shelf) {
		ctx := w.person(t)
		c := w.client.Chat.Create().SaveX(ctx)
		first := w.add(t, ctx)
		for range 2 {
			d, err := w.AddTable(ctx, "", "acme-data", "sales", "orders", &c.ID)
			must(t, err)
			if d.ID != first.ID {
				t.Errorf("another dataset: %v", d)
			}
			w.settled(t, ctx, d.ID)
		}
		if n := c.QueryDatasets().CountX(ctx); n != 1 {
			t.Errorf("%d in the chat", n)
		}
		if other := w.add(t, w.person(t)); other.ID == first.ID {
			t.Error("another person has the same dataset")
		}
		if calls := shop.asked(); calls["table"] != 4 {
			t.Errorf("asked %v", calls)
		}
	})
}

func TestChoosesTheConnection(t *testing.T) {
	lab := newShelf("lab")
	connected(t, func(t *testing.T, w *world, shop *shelf) {
		ctx := w.person(t)
		there := orders()
		there.Ref.Table = "in_lab"
		lab.put(there)
		lab.fail(nil)
		d, err := w.AddTable(ctx, "", "acme-data", "sales", "in_lab", nil)
		must(t, err)
		if d = w.settled(t, ctx, d.ID); d.Connection != "lab" || d.State != dataset.StateReady {
			t.Errorf("%s %s %s", d.Connection, d.State, d.ErrorMessage)
		}
		if _, err := w.AddTable(ctx, "", "acme-data", "sales", "nowhere", nil); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("nowhere: %v", err)
		}
		lab.fail(&warehouse.Error{Code: warehouse.CodeBackend, Message: "Away."})
		if _, err := w.AddTable(ctx, "", "acme-data", "sales", "nowhere", nil); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("away: %v", err)
		}
		if d := w.add(t, ctx); d.Connection != "shop" {
			t.Errorf("chose %s", d.Connection)
		}
	}, lab)
}
