package guard

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// warehouseThatRuns records what it would have run.
type warehouseThatRuns struct{ ran []string }

// try takes a statement through the guard as a driver does, with a dry run that
// tells the truth, or one that always says SELECT.
func (w *warehouseThatRuns) try(g Guard, sql string, honest bool) {
	decided, err := g.Decide(context.Background(), warehouse.Query{SQL: sql}, func(context.Context) (*Facts, error) {
		facts := &Facts{Statement: "SELECT", Exact: true}
		if honest {
			facts.Statement = bqfake.StatementType(sql)
		}
		return facts, nil
	})
	if err == nil && decided.Decision.Verdict == warehouse.Allowed {
		w.ran = append(w.ran, sql)
	}
}

// check fails when something ran that is no query.
func (w *warehouseThatRuns) check(t interface{ Fatalf(string, ...any) }) {
	for _, sql := range w.ran {
		if kind := bqfake.StatementType(sql); kind != "SELECT" {
			t.Fatalf("%q ran, and is %q", sql, kind)
		}
		if strings.ContainsAny(sql, "\x00\r\u202e") && !strings.Contains(sql, "\r\n") {
			t.Fatalf("%q ran with what nobody sees", sql)
		}
	}
}

// FuzzNothingButQueriesRuns: neither stage alone lets through what is no query:
// not the first under a dry run that lies, nor both under one that is honest.
func FuzzNothingButQueriesRuns(f *testing.F) {
	for _, e := range corpus(f) {
		f.Add(e.SQL)
	}
	g := testGuard(f, entry{})
	f.Fuzz(func(t *testing.T, sql string) {
		var w warehouseThatRuns
		w.try(g, sql, true)
		w.try(g, sql, false)
		w.check(t)
	})
}

// TestPiecesNeverRunAsMoreThanAQuery puts together what tricks are made of.
func TestPiecesNeverRunAsMoreThanAQuery(t *testing.T) {
	pieces := []string{
		"SELECT 1", "DROP TABLE t", "DELETE FROM t WHERE true", ";", " ", "\n", "\r", "--", "#", "/*", "*/", "'", "\"", "`", "'''", "\"\"\"", "\\", "r", "b", "rb",
		"(", ")", "|>", "CALL p()", "INSERT INTO t", "x", "1", "FROM t", "WITH a AS (", ",", "\u2028", "\u00a0", "@", ".",
	}
	g := testGuard(t, entry{})
	ran := 0
	rapid.Check(t, func(rt *rapid.T) {
		sql := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 14).Draw(rt, "pieces"), "")
		if rapid.Bool().Draw(rt, "begins as a query") {
			sql = "SELECT 1" + sql
		}
		var w warehouseThatRuns
		w.try(g, sql, true)
		w.try(g, sql, false)
		w.check(rt)
		ran += len(w.ran)
	})
	if ran == 0 {
		t.Error("nothing ran, so nothing was shown")
	}
}
