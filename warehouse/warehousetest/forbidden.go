package warehousetest

import (
	"strings"
	"testing"

	"github.com/mark-analyst/mark/warehouse"
)

var forbidden = []test{
	{name: "what is no query never runs", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		if len(f.SQL.Forbidden) < 10 {
			t.Fatalf("only %d statements are tried", len(f.SQL.Forbidden))
		}
		for _, sql := range f.SQL.Forbidden {
			plan, err := w.Plan(t.Context(), warehouse.Query{SQL: sql})
			if code := warehouse.CodeOf(err); code != warehouse.CodeForbiddenSQL {
				t.Errorf("%q: %v", sql, err)
			}
			if plan.Verdict != warehouse.Refused || plan.Reason == "" || plan.SQL != sql {
				t.Errorf("%q: the record is not whole: %+v", sql, plan.Decision)
			}
			if _, err := w.Run(t.Context(), plan); err == nil {
				t.Errorf("%q ran", sql)
			}
		}
		if n := len(f.Ran()); n != 0 {
			t.Errorf("%d statements ran", n)
		}
	}},
	{name: "a table outside of the list is not read", run: func(t *testing.T, f Fixture) {
		_, err := f.open(t).Plan(t.Context(), warehouse.Query{SQL: f.SQL.Secret})
		refused(t, err, warehouse.CodeTableNotAllowed)
	}},
	{name: "an empty statement is refused", run: func(t *testing.T, f Fixture) {
		_, err := f.open(t).Plan(t.Context(), warehouse.Query{SQL: " \n"})
		refused(t, err, warehouse.CodeForbiddenSQL)
	}},
	{name: "a statement that is too long is refused", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		_, err := w.Plan(t.Context(), warehouse.Query{SQL: f.SQL.One + strings.Repeat(" ", w.Connection().Policy.MaxSQLBytes)})
		refused(t, err, warehouse.CodeSQLTooLong)
	}},
	{name: "a syntax error says where", run: func(t *testing.T, f Fixture) {
		_, err := f.open(t).Plan(t.Context(), warehouse.Query{SQL: f.SQL.Syntax})
		if e := failure(t, err, warehouse.CodeInvalidQuery); e.Position == nil || e.Position.Line != 2 {
			t.Errorf("at %+v", e.Position)
		}
	}},
	{name: "a wrong column gets the nearest", run: func(t *testing.T, f Fixture) {
		_, err := f.open(t).Plan(t.Context(), warehouse.Query{SQL: f.SQL.Column})
		if e := failure(t, err, warehouse.CodeInvalidQuery); len(e.Suggestions) == 0 || e.Suggestions[0] != "customer" {
			t.Errorf("suggestions %q", e.Suggestions)
		}
	}},
	{name: "a wrong table in a statement gets the nearest", run: func(t *testing.T, f Fixture) {
		_, err := f.open(t).Plan(t.Context(), warehouse.Query{SQL: f.SQL.Table})
		if e := failure(t, err, warehouse.CodeNotFound); len(e.Suggestions) == 0 || e.Suggestions[0] != f.Orders.Table {
			t.Errorf("suggestions %q", e.Suggestions)
		}
	}},
	{name: "a parameter that cannot be is refused", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		for _, p := range []warehouse.Param{
			{Name: "", Type: warehouse.String, Value: "x"},
			{Name: "a b", Type: warehouse.String, Value: "x"},
			{Name: "p", Type: warehouse.Integer, Value: "1; DROP TABLE x"},
			{Name: "p", Type: warehouse.Integer, Value: 1.5},
			{Name: "p", Type: warehouse.Date, Value: "yesterday"},
			{Name: "p", Type: warehouse.Struct, Value: "x"},
			{Name: "p", Type: "NONSENSE", Value: "x"},
			{Name: "p", Type: warehouse.String, Array: true, Value: "x"},
		} {
			_, err := w.Plan(t.Context(), warehouse.Query{SQL: f.SQL.Param, Params: []warehouse.Param{p}})
			if warehouse.CodeOf(err) != warehouse.CodeInvalidParameter {
				t.Errorf("%+v: %v", p, err)
			}
		}
	}},
}
