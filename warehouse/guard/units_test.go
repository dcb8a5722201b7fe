package guard

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/warehouse"
)

func TestAllowList(t *testing.T) {
	list, err := NewAllowList([]string{"shop.sales.*", "shop.pub*.events_*", "example.com:old.d.t", "a-*-z.x*y.q"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"shop.sales.orders": true, "shop.sales.a": true, "shop.Sales.orders": false, "shop.sale.orders": false, "shop.sales._x": false,
		"shop.public.events_1": true, "shop.pub.events_": true, "shop.public.event": false, "shop.public.events_*": true, "shop.public.events_20*": true,
		"shop.public.event*": false, "shop.public.*": false, "shop.sales.*": true, "other.sales.orders": false, "a-b-z.xy.q": true, "a-z.xy.q": false,
		"a-b-z.x.q": false, "shop.sales.": false,
	} {
		if got := list.Table(ref(t, name)); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !list.Table(warehouse.TableRef{Project: "example.com:old", Dataset: "d", Table: "t"}) {
		t.Error("a project whose name has a dot is not found")
	}
	if !list.WholeDataset("shop", "sales") || list.WholeDataset("shop", "public") {
		t.Error("which datasets are permitted whole is wrong")
	}
	if !list.Dataset("shop", "public") || list.Dataset("shop", "secret") || !list.Project("shop") || list.Project("other") {
		t.Error("which places are shown is wrong")
	}
	if got := list.Projects(); !slices.Equal(got, []string{"shop", "example.com:old"}) {
		t.Errorf("projects %q", got)
	}
	for _, bad := range [][]string{nil, {""}, {"sales.orders"}, {"shop..x"}, {"shop.sales.`x`"}, {".a.b"}} {
		if _, err := NewAllowList(bad); err == nil {
			t.Errorf("%q is a list", bad)
		}
	}
}

func TestMicros(t *testing.T) {
	for _, c := range []struct{ bytes, perTiB, want int64 }{
		{0, 6_250_000, 0}, {-1, 6_250_000, 0}, {tib, 6_250_000, 6_250_000}, {10 * mib, 6_250_000, 60}, {1, 6_250_000, 1}, {tib, 0, 0},
		{math.MaxInt64, 6_250_000, 52_428_800_000_000}, {math.MaxInt64, math.MaxInt64, math.MaxInt64},
	} {
		if got := Micros(c.bytes, c.perTiB); got != c.want {
			t.Errorf("%d bytes at %d cost %d, want %d", c.bytes, c.perTiB, got, c.want)
		}
	}
	for _, micros := range []int64{1, 60, 6_250_000, math.MaxInt64} {
		bytes := affordable(micros, 6_250_000)
		if Micros(bytes, 6_250_000) > micros {
			t.Errorf("%d bytes are not to be had for %d", bytes, micros)
		}
	}
}

func TestBilled(t *testing.T) {
	for _, c := range []struct {
		bytes  int64
		tables int
		want   int64
	}{{0, 3, 0}, {1, 0, 10 * mib}, {1, 3, 30 * mib}, {25*mib + 1, 1, 26 * mib}, {math.MaxInt64, 1, math.MaxInt64}} {
		if got := Billed(c.bytes, c.tables); got != c.want {
			t.Errorf("%d bytes of %d tables: %d, want %d", c.bytes, c.tables, got, c.want)
		}
	}
}

// What may be billed without asking never exceeds any of the limits.
func TestMaxBilled(t *testing.T) {
	facts := &Facts{Bytes: 100 * mib, Exact: true, Tables: []warehouse.TableRef{{Table: "t"}}}
	for name, c := range map[string]struct {
		policy warehouse.Policy
		spent  warehouse.Spent
		want   int64
	}{
		"no limits: what was estimated":      {warehouse.Policy{}, warehouse.Spent{}, 100 * mib},
		"the cap":                            {warehouse.Policy{BytesPerQuery: 500 * mib}, warehouse.Spent{}, 500 * mib},
		"what is left of the run":            {warehouse.Policy{BytesPerQuery: 500 * mib, BytesPerRun: 900 * mib}, warehouse.Spent{Run: 600 * mib}, 300 * mib},
		"what is left of the day":            {warehouse.Policy{BytesPerRun: 900 * mib, BytesPerUserDay: 1000 * mib}, warehouse.Spent{UserDay: 899 * mib}, 101 * mib},
		"up to where a person must be asked": {warehouse.Policy{BytesPerQuery: 500 * mib, ApprovalBytes: 200 * mib}, warehouse.Spent{}, 200 * mib},
		"the price of it":                    {warehouse.Policy{ApprovalMicros: 6_250_000, MicrosPerTiB: 6_250_000}, warehouse.Spent{}, tib},
	} {
		e, err := Cost(facts, c.policy, c.spent)
		if err != nil || e.Verdict != warehouse.Allowed || e.MaxBilled != c.want {
			t.Errorf("%s: %+v, %v, want %d", name, e, err, c.want)
		}
	}
	e, err := Cost(facts, warehouse.Policy{ApprovalBytes: 50 * mib, BytesPerQuery: tib}, warehouse.Spent{})
	if err != nil || e.Verdict != warehouse.NeedsApproval || e.MaxBilled != 100*mib {
		t.Errorf("to approve: %+v, %v", e, err)
	}
	var cost *CostError
	if _, err := Cost(&Facts{Bytes: -1}, warehouse.Policy{}, warehouse.Spent{}); !errors.As(err, &cost) || cost.Budget != NoEstimate {
		t.Errorf("nobody knows what it costs: %v", err)
	}
	if e, err := Cost(&Facts{Exact: true}, warehouse.Policy{}, warehouse.Spent{}); err != nil || e.MaxBilled < 1 {
		t.Errorf("a free query runs without a limit: %+v, %v", e, err)
	}
}

func TestPositions(t *testing.T) {
	_, err := Lexical("SELECT 'grüße',\n  1; DROP TABLE t", 0, false)
	var lexical *LexicalError
	if !errors.As(err, &lexical) || *lexical.Position != (warehouse.Position{Line: 2, Column: 6}) || lexical.Word != "DROP" {
		t.Errorf("%+v", lexical)
	}
}

func TestFigures(t *testing.T) {
	for got, want := range map[string]string{
		Price(0): "US$ 0.00", Price(60): "US$ 0.0001", Price(6_250_000): "US$ 6.25", Price(6_300): "US$ 0.0063",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Whatever a dry run says of a statement that fails, it says nothing of tables
// that are not on the list.
func TestFailuresTellNothingOfOtherTables(t *testing.T) {
	g := testGuard(t, entry{})
	var err error
	if g.Allow, err = NewAllowList([]string{"shop.sales.*", "my-shop-2f3a1.sales.*"}); err != nil {
		t.Fatal(err)
	}
	broken := &warehouse.Error{Code: warehouse.CodeInvalidQuery, Message: "Unrecognized name: x; Did you mean salary?"}
	for sql, want := range map[string]warehouse.Code{
		"SELECT x FROM secret.salaries":                                                 warehouse.CodeTableNotAllowed,
		"SELECT x FROM sales.orders, secret.salaries":                                   warehouse.CodeTableNotAllowed,
		"SELECT x FROM sales.orders AS o JOIN `shop.secret.salaries` USING (id)":        warehouse.CodeTableNotAllowed,
		"SELECT x FROM sales.orders o JOIN sales.items i ON o.a = i.a, secret.salaries": warehouse.CodeTableNotAllowed,
		"SELECT x FROM (secret.salaries JOIN sales.orders USING (id))":                  warehouse.CodeTableNotAllowed,
		"SELECT x FROM sales.orders WHERE id IN (SELECT id FROM secret.salaries)":       warehouse.CodeTableNotAllowed,
		"FROM sales.orders |> CROSS JOIN secret.salaries |> SELECT x":                   warehouse.CodeTableNotAllowed,
		"SELECT x FROM VECTOR_SEARCH(TABLE secret.salaries, 'v', TABLE sales.orders)":   warehouse.CodeTableNotAllowed,
		"SELECT x FROM secret.INFORMATION_SCHEMA.COLUMNS":                               warehouse.CodeTableNotAllowed,
		"SELECT 1 AS secret, x FROM secret.salaries":                                    warehouse.CodeTableNotAllowed,

		"SELECT x FROM other-2-b7.sales.orders":                             warehouse.CodeTableNotAllowed,
		"SELECT x FROM sales.orders, other-2.sales.orders":                  warehouse.CodeTableNotAllowed,
		"SELECT o.x FROM my-shop-2f3a1.sales.orders AS o WHERE o.a-o.b > 0": warehouse.CodeInvalidQuery,

		"SELECT x FROM sales.orders":                                                        warehouse.CodeInvalidQuery,
		"SELECT o.x, o.y FROM sales.orders AS o, o.list AS l":                               warehouse.CodeTableNotAllowed, // an array, taken for a table
		"SELECT o.x, o.y, EXTRACT(YEAR FROM o.day) FROM sales.orders AS o":                  warehouse.CodeInvalidQuery,
		"SELECT o.x FROM sales.orders o WHERE o.a IS DISTINCT FROM o.b GROUP BY o.x, o.y":   warehouse.CodeInvalidQuery,
		"SELECT o.x FROM sales.orders o ORDER BY o.x, o.y":                                  warehouse.CodeInvalidQuery,
		"SELECT x FROM sales.orders o, UNNEST(o.list) AS l JOIN sales.items i ON o.a = i.b": warehouse.CodeInvalidQuery,
		"SELECT COUNT(o.a, o.b) FROM sales.orders o":                                        warehouse.CodeInvalidQuery,
	} {
		got, err := g.Decide(t.Context(), warehouse.Query{SQL: sql}, func(context.Context) (*Facts, error) { return nil, broken })
		if warehouse.CodeOf(err) != want || got.Decision.Verdict != warehouse.Refused {
			t.Errorf("%q: %v, want %s", sql, err, want)
		}
		if want == warehouse.CodeTableNotAllowed && strings.Contains(err.Error()+got.Decision.Reason, "salary") {
			t.Errorf("%q tells %v", sql, err)
		}
	}
}
