package datasets_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/column"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/warehouse"
)

// TestPeoplesDescriptionsSurvive: and what changes in the table is told, once.
func TestPeoplesDescriptionsSurvive(t *testing.T) {
	connected(t, func(t *testing.T, w *world, shop *shelf) {
		ctx := w.person(t)
		d := w.add(t, ctx)
		describe := func(name, text string) {
			t.Helper()
			if n := w.client.Column.Update().Where(column.DatasetID(d.ID), column.Name(name)).SetDescription(text).SaveX(ctx); n != 1 {
				t.Fatalf("%s: %d columns", name, n)
			}
		}
		describe("day", "In local time.")
		describe("amount", "Mine.")
		now := orders()
		now.Etag, now.Rows, now.Description = "e2", 5, "Theirs."
		now.Fields[0].Type = warehouse.String
		now.Fields[1].Description = "Theirs."
		now.Fields[5].Description = "Whose."
		now.Fields = append(now.Fields[:2], now.Fields[3:]...)
		now.Fields = append(now.Fields, warehouse.Field{Path: "extra", Type: warehouse.Boolean})
		now.Partitioning, now.Clustering, now.Modified = nil, nil, time.Time{}
		shop.put(now)
		d = w.again(t, ctx, d.ID)
		found := map[string]string{}
		for _, c := range d.Edges.Columns {
			found[c.Name] = c.Description
		}
		if d.Description != "Theirs." || found["day"] != "In local time." || found["customer.name"] != "Whose." || *d.RowCount != 5 ||
			d.Partitioning != nil || d.Clustering != nil || d.ModifiedAt != nil || d.Etag != "e2" {
			t.Errorf("%+v %v", d, found)
		}
		notes := strings.Join(d.Notes, "\n")
		for _, says := range []string{`"id" was INTEGER and is STRING`, `"amount" (NUMERIC) is gone. It was described as "Mine."`, `"extra" (BOOLEAN) is new`} {
			if !strings.Contains(notes, says) {
				t.Errorf("%q is not in %q", says, notes)
			}
		}
		if len(d.Notes) != 3 {
			t.Errorf("notes: %q", d.Notes)
		}
		// A person's word on the whole stays, an empty one too.
		for _, text := range []string{"Mine.", ""} {
			w.client.Dataset.UpdateOneID(d.ID).SetDescription(text).ExecX(ctx)
			now.Description += "."
			if d = w.again(t, ctx, d.ID); d.Description != text || len(d.Notes) != 3 {
				t.Errorf("described as %q, notes %q", d.Description, d.Notes)
			}
		}
	})
}

// TestRefreshOfOthers: a stranger's dataset is not there, and is left alone.
func TestRefreshOfOthers(t *testing.T) {
	connected(t, func(t *testing.T, w *world, shop *shelf) {
		d := w.add(t, w.person(t))
		shop.asked()
		for _, id := range []string{d.ID, ids.New(ids.Dataset), "x", ""} {
			if _, err := w.Refresh(w.person(t), id); fault.CodeOf(err) != fault.NotFound {
				t.Errorf("%q: %v", id, err)
			}
		}
		if calls := shop.asked(); len(calls) > 0 {
			t.Errorf("asked %v", calls)
		}
	})
}

// TestRefreshOfAnUpload: the file is read again, and people's words stay.
func TestRefreshOfAnUpload(t *testing.T) {
	each(t, succeeds, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
		must(t, err)
		d = w.settled(t, ctx, d.ID)
		if d.Edges.Columns[1].Description != "In the file: size" {
			t.Errorf("described as %q", d.Edges.Columns[1].Description)
		}
		w.client.Column.UpdateOneID(d.Edges.Columns[0].ID).SetDescription("Mine.").ExecX(ctx)
		d = w.again(t, ctx, d.ID)
		if d.State != dataset.StateReady || d.ProfileEpoch != 2 || d.Edges.Columns[0].Description != "Mine." ||
			d.Edges.Columns[1].Description != "In the file: size" || len(d.Notes) != 1 {
			t.Errorf("%s %d %q %q", d.State, d.ProfileEpoch, d.Edges.Columns[0].Description, d.Notes)
		}
	})
}

// TestRefreshTables: each table is looked at once, whoever has it, and what has
// not changed is left alone.
func TestRefreshTables(t *testing.T) {
	never := func() bool { return false }
	connected(t, func(t *testing.T, w *world, shop *shelf) {
		ada, bob := w.person(t), w.person(t)
		hers, his := w.add(t, ada), w.add(t, bob)
		second := orders()
		second.Ref.Table = "second"
		shop.put(second)
		other, err := w.AddTable(ada, "", "acme-data", "sales", "second", nil)
		must(t, err)
		w.settled(t, ada, other.ID)
		shop.asked()
		look := func(glances, reads int, epochs ...int) {
			t.Helper()
			must(t, w.RefreshTables(t.Context(), never))
			for i, d := range []*ent.Dataset{w.settled(t, ada, hers.ID), w.settled(t, bob, his.ID), w.settled(t, ada, other.ID)} {
				if d.ProfileEpoch != epochs[i] {
					t.Errorf("%s was read %d times, want %d", d.FileName, d.ProfileEpoch, epochs[i])
				}
			}
			if calls := shop.asked(); calls["glance"] != glances || calls["table"] != reads || calls["browse"] > 0 {
				t.Errorf("asked %v, want %d and %d", calls, glances, reads)
			}
		}
		look(2, 0, 1, 1, 1)
		now := orders()
		now.Etag = "e2"
		shop.put(now)
		look(2, 2, 2, 2, 1)
		look(2, 0, 2, 2, 1)
		shop.fail(&warehouse.Error{Code: warehouse.CodeRateLimited, Message: "Slowly."})
		look(2, 0, 2, 2, 1) // later
		shop.fail(nil)
		shop.drop(second.Ref)
		look(2, 1, 2, 2, 2)
		if d := w.client.Dataset.GetX(ada, other.ID); d.State != dataset.StateFailed {
			t.Errorf("gone, and %s", d.State)
		}
		look(2, 0, 2, 2, 2) // it is known
		shop.put(second)
		look(2, 1, 2, 2, 3)
		if d := w.client.Dataset.GetX(ada, other.ID); d.State != dataset.StateReady {
			t.Errorf("back, and %s", d.State)
		}
		must(t, w.RefreshTables(t.Context(), func() bool { return true }))
		if calls := shop.asked(); len(calls) > 0 {
			t.Errorf("stopped, and asked %v", calls)
		}
	})
}
