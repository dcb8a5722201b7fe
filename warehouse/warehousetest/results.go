package warehousetest

import (
	"bufio"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/warehouse"
)

var results = []test{
	{name: "rows come as they are", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Orders)
		got := rows(t, r)
		if want := [][]any{{int64(1), "Ada"}, {int64(2), "Bob"}, {int64(3), nil}}; !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if c := r.Columns(); len(c) != 2 || c[0].Name != "id" || c[0].Type != warehouse.Integer || c[1].Type != warehouse.String {
			t.Errorf("columns %+v", c)
		}
		if r.TotalRows() != 3 || r.Truncated() {
			t.Errorf("%d rows in all, truncated: %t", r.TotalRows(), r.Truncated())
		}
	}},
	{name: "no rows are a result", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Empty)
		if got := rows(t, r); len(got) != 0 || r.TotalRows() != 0 || r.Truncated() || len(r.Columns()) != 2 {
			t.Errorf("%v, %d in all", got, r.TotalRows())
		}
	}},
	{name: "values of every type arrive", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Types)
		got := rows(t, r)
		if len(got) != 1 || len(got[0]) != len(f.Types) || len(f.Types) < 10 {
			t.Fatalf("%v", got)
		}
		for i, want := range f.Types {
			c := r.Columns()[i]
			if !reflect.DeepEqual(got[0][i], want) || c.Type != f.TypeNames[i] {
				t.Errorf("%s is %s %#v, want %s %#v", c.Name, c.Type, got[0][i], f.TypeNames[i], want)
			}
		}
		if _, err := json.Marshal(warehouse.JSONRow(got[0])); err != nil {
			t.Errorf("it is not to be written as JSON: %v", err)
		}
	}},
	{name: "columns may share a name", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Twice)
		if got := rows(t, r); len(got) != 1 || !reflect.DeepEqual(got[0], []any{int64(1), int64(2)}) {
			t.Errorf("%v", got)
		}
	}},
	{name: "many rows come in order and none is lost", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Many)
		got := rows(t, r)
		if len(got) != ManyRows || r.TotalRows() != ManyRows || r.Truncated() {
			t.Fatalf("%d rows of %d, truncated: %t", len(got), r.TotalRows(), r.Truncated())
		}
		for i, row := range got {
			if row[0] != int64(i) {
				t.Fatalf("row %d is %v", i, row)
			}
		}
	}},
	{name: "beyond the cap of rows it is truncated and says so", run: func(t *testing.T, f Fixture) {
		for most, truncated := range map[int64]bool{1: true, 12_345: true, ManyRows - 1: true, ManyRows: false, ManyRows + 1: false} {
			r := ran(t, f.open(t, func(p *warehouse.Policy) { p.MaxRows = most }), f.SQL.Many)
			if n := len(rows(t, r)); n != int(min(most, ManyRows)) || r.Truncated() != truncated || r.TotalRows() != ManyRows {
				t.Errorf("capped at %d: %d rows of %d, truncated: %t", most, n, r.TotalRows(), r.Truncated())
			}
			closed(t, r)
		}
	}},
	{name: "beyond the cap of bytes it is truncated and says so", run: func(t *testing.T, f Fixture) {
		const most = 10_000
		r := ran(t, f.open(t, func(p *warehouse.Policy) { p.MaxBytes = most }), f.SQL.Many)
		var b strings.Builder
		written, err := warehouse.WriteJSONLines(t.Context(), &b, r)
		if err != nil || !written.Truncated || written.Rows == 0 || written.TotalRows != ManyRows {
			t.Fatalf("%+v, %v", written, err)
		}
		if n := int64(b.Len()); n != written.Bytes || n < most/4 || n > 2*most {
			t.Errorf("%d bytes were written, %d counted", n, written.Bytes)
		}
	}},
	{name: "rows become lines of JSON", run: func(t *testing.T, f Fixture) {
		var b strings.Builder
		written, err := warehouse.WriteJSONLines(t.Context(), &b, ran(t, f.open(t), f.SQL.Orders))
		if err != nil || written.Rows != 3 || written.Truncated || len(written.Columns) != 2 {
			t.Fatalf("%+v, %v", written, err)
		}
		if want := "[1,\"Ada\"]\n[2,\"Bob\"]\n[3,null]\n"; b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
		lines := bufio.NewScanner(strings.NewReader(b.String()))
		for lines.Scan() {
			if !json.Valid(lines.Bytes()) {
				t.Errorf("%q is no JSON", lines.Text())
			}
		}
	}},
	{name: "parameters of every type come back", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		if len(f.ParamTypes) < 8 {
			t.Fatalf("only %d parameters are tried", len(f.ParamTypes))
		}
		for _, c := range f.ParamTypes {
			got := rows(t, ran(t, w, f.SQL.Param, c.Param))
			if len(got) != 1 || !reflect.DeepEqual(got[0], []any{c.Want}) {
				t.Errorf("%+v came back as %#v, want %#v", c.Param, got, c.Want)
			}
		}
	}},
	{name: "a parameter never becomes SQL", run: func(t *testing.T, f Fixture) {
		const evil = `'; DROP TABLE x; -- "` + "`"
		got := rows(t, ran(t, f.open(t), f.SQL.Param, warehouse.Param{Name: "p", Type: warehouse.String, Value: evil}))
		if len(got) != 1 || got[0][0] != evil {
			t.Errorf("%v", got)
		}
		if all := f.Ran(); len(all) != 1 || all[0] != f.SQL.Param {
			t.Errorf("%q ran", all)
		}
	}},
	{name: "several may ask at once", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				plan, err := w.Plan(t.Context(), warehouse.Query{SQL: f.SQL.Orders})
				if err != nil {
					t.Error(err)
					return
				}
				r, err := w.Run(t.Context(), plan)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				if row, err := r.Next(t.Context()); err != nil || row[1] != "Ada" {
					t.Errorf("%v, %v", row, err)
				}
			})
		}
		wait.Wait()
	}},
}
