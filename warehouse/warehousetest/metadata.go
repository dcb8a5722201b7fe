package warehousetest

import (
	"reflect"
	"testing"

	"github.com/mark-analyst/mark/warehouse"
)

var metadata = []test{
	{name: "it says what it is", run: func(t *testing.T, f Fixture) {
		c := f.open(t).Connection()
		if c.Name == "" || c.Dialect == "" || c.Policy.Timeout <= 0 {
			t.Errorf("%+v", c)
		}
	}},
	{name: "browsing leads from the top to the tables", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		for _, step := range []struct {
			under warehouse.Place
			want  warehouse.Entry
		}{
			{warehouse.Place{}, warehouse.Entry{Kind: warehouse.ProjectEntry, Ref: warehouse.TableRef{Project: f.Orders.Project}}},
			{warehouse.Place{Project: f.Orders.Project}, warehouse.Entry{Kind: warehouse.DatasetEntry,
				Ref: warehouse.TableRef{Project: f.Orders.Project, Dataset: f.Orders.Dataset}}},
			{warehouse.Place{Project: f.Orders.Project, Dataset: f.Orders.Dataset}, warehouse.Entry{Kind: warehouse.TableEntry, Ref: f.Orders}},
		} {
			if !contains(listed(t, w, step.under, 0), step.want) {
				t.Errorf("under %+v there is no %+v", step.under, step.want.Ref)
			}
		}
	}},
	{name: "paging shows every table once", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		place := warehouse.Place{Project: f.Orders.Project, Dataset: f.Orders.Dataset}
		whole, byOne := listed(t, w, place, 0), listed(t, w, place, 1)
		if len(whole) < 4 || !reflect.DeepEqual(whole, byOne) {
			t.Errorf("at once %d tables, one by one %d", len(whole), len(byOne))
		}
	}},
	{name: "browsing shows nothing that is not allowed", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		if contains(listed(t, w, warehouse.Place{Project: f.Secret.Project}, 0),
			warehouse.Entry{Kind: warehouse.DatasetEntry, Ref: warehouse.TableRef{Project: f.Secret.Project, Dataset: f.Secret.Dataset}}) {
			t.Error("the dataset of the secret table is shown")
		}
		_, err := w.Browse(t.Context(), warehouse.Place{Project: f.Secret.Project, Dataset: f.Secret.Dataset}, warehouse.Page{})
		refused(t, err, warehouse.CodeNotFound)
	}},
	{name: "a table's metadata are whole", run: func(t *testing.T, f Fixture) {
		table, err := f.open(t).Table(t.Context(), f.Orders, warehouse.TableOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if table.Ref != f.Orders || table.Rows != 3 || table.Type != warehouse.BaseTable || len(table.Sample) != 0 {
			t.Errorf("%+v", table)
		}
		var paths []string
		for _, field := range table.Fields {
			paths = append(paths, field.Path+" "+string(field.Type))
		}
		if want := []string{"id INTEGER", "customer STRING", "place RECORD", "place.city STRING"}; !reflect.DeepEqual(paths, want) {
			t.Errorf("fields %q, want %q", paths, want)
		}
		if len(table.Columns) != 3 || len(table.Columns[2].Fields) != 1 {
			t.Errorf("columns %+v", table.Columns)
		}
	}},
	{name: "sample rows come without a query", run: func(t *testing.T, f Fixture) {
		table, err := f.open(t).Table(t.Context(), f.Orders, warehouse.TableOptions{SampleRows: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Sample) != 2 || table.SampleError != nil || len(table.Sample[0]) != 3 || table.Sample[0][1] != "Ada" {
			t.Errorf("%v, %v", table.Sample, table.SampleError)
		}
		if n := len(f.Ran()); n != 0 {
			t.Errorf("%d queries ran", n)
		}
	}},
	{name: "a missing table and a forbidden one answer alike", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		missing := f.Secret
		missing.Table = "nothing_like_that"
		_, err := w.Table(t.Context(), missing, warehouse.TableOptions{})
		one := failure(t, err, warehouse.CodeNotFound)
		_, err = w.Table(t.Context(), f.Secret, warehouse.TableOptions{})
		two := failure(t, err, warehouse.CodeNotFound)
		if len(one.Suggestions)+len(two.Suggestions) > 0 {
			t.Errorf("they tell %q and %q", one.Suggestions, two.Suggestions)
		}
	}},
	{name: "a wrong table name gets the nearest", run: func(t *testing.T, f Fixture) {
		ref := f.Orders
		ref.Table = "ordrs"
		_, err := f.open(t).Table(t.Context(), ref, warehouse.TableOptions{})
		if e := failure(t, err, warehouse.CodeNotFound); len(e.Suggestions) == 0 || e.Suggestions[0] != f.Orders.Table {
			t.Errorf("suggestions %q", e.Suggestions)
		}
	}},
}

// listed pages through a list.
func listed(t *testing.T, w warehouse.Warehouse, under warehouse.Place, size int) []warehouse.Entry {
	t.Helper()
	var out []warehouse.Entry
	page := warehouse.Page{Size: size}
	for range 1000 {
		part, err := w.Browse(t.Context(), under, page)
		if err != nil {
			t.Fatalf("under %+v: %v", under, err)
		}
		out = append(out, part.Entries...)
		if page.Token = part.Next; page.Token == "" {
			return out
		}
	}
	t.Fatal("the list does not end")
	return nil
}

func contains(entries []warehouse.Entry, want warehouse.Entry) bool {
	for _, e := range entries {
		if e.Kind == want.Kind && e.Ref == want.Ref {
			return true
		}
	}
	return false
}
