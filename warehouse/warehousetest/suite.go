// Package warehousetest is what every driver of a warehouse must do, as one
// suite of tests written against the seam alone.
package warehousetest

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/warehouse"
)

// Fixture is a driver over data that the suite knows:
//
//   - Orders has the columns id (INTEGER 1, 2, 3), customer (STRING Ada, Bob,
//     null) and a record place with the STRING city, and three rows.
//   - its dataset has further tables, at least four in all;
//   - Secret is a table that is there and that the connection does not allow.
type Fixture struct {
	// Open returns a warehouse over the data that ends with the test.
	Open   func(t *testing.T, options Options) warehouse.Warehouse
	Orders warehouse.TableRef
	Secret warehouse.TableRef
	SQL    Statements
	// Types is the row that SQL.Types answers, as warehouse.Type says, and
	// TypeNames are its columns' types.
	Types     []any
	TypeNames []warehouse.Type
	// ParamTypes are parameters with the value that SQL.Param gives back.
	ParamTypes []ParamCase
	// Ran returns the statements that really ran since the fixture was made.
	Ran func() []string
	// Bills tells that queries cost: budgets and approvals are tried.
	Bills bool
	// Slow waits until SQL.Slow is running; nil where no query is slow.
	Slow func(t *testing.T)
}

// Options are what a test changes of a connection.
type Options struct {
	Policy func(*warehouse.Policy)
	Clock  clock.Clock
}

// Statements are the statements of the suite in the driver's dialect.
type Statements struct {
	One       string // one row, one column: 1
	Orders    string // id and customer of all orders by id
	Empty     string // the same columns, no rows
	Types     string // one row with a value of every type
	Many      string // ManyRows rows with the columns n (from 0) and text
	Twice     string // one row with two columns of the same name: 1, 2
	Param     string // gives the parameter @p back
	Slow      string // never ends
	Secret    string // reads Secret
	Dear      string // bills more than 10 GiB and less than 100 GiB
	Syntax    string // is wrong in its second line
	Column    string // asks Orders for "custmer"
	Table     string // reads a table whose name is like that of Orders
	Forbidden []string
}

// ParamCase is a parameter and what comes back of it.
type ParamCase struct {
	Param warehouse.Param
	Want  any
}

// ManyRows is how many rows Statements.Many has.
const ManyRows = 25_000

// test is one case of the suite.
type test struct {
	name  string
	needs func(Fixture) bool // nil: every driver
	run   func(*testing.T, Fixture)
}

func bills(f Fixture) bool { return f.Bills }
func slow(f Fixture) bool  { return f.Slow != nil }

// Run runs the suite. New makes a fixture for each test.
func Run(t *testing.T, fixture func(t *testing.T) Fixture) {
	var all []test
	for _, part := range [][]test{metadata, plans, forbidden, results, ends} {
		all = append(all, part...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			f := fixture(t)
			if c.needs != nil && !c.needs(f) {
				t.Skip("does not apply to this driver")
			}
			c.run(t, f)
		})
	}
}

// open opens the fixture with a policy that was changed.
func (f Fixture) open(t *testing.T, change ...func(*warehouse.Policy)) warehouse.Warehouse {
	t.Helper()
	return f.Open(t, Options{Policy: func(p *warehouse.Policy) {
		for _, c := range change {
			c(p)
		}
	}})
}

// planned plans a statement that must pass.
func planned(t *testing.T, w warehouse.Warehouse, sql string, params ...warehouse.Param) warehouse.Plan {
	t.Helper()
	plan, err := w.Plan(t.Context(), warehouse.Query{SQL: sql, Params: params})
	if err != nil {
		t.Fatalf("%q: %v", sql, err)
	}
	return plan
}

// ran plans and runs a statement that must pass.
func ran(t *testing.T, w warehouse.Warehouse, sql string, params ...warehouse.Param) warehouse.Result {
	t.Helper()
	r, err := w.Run(t.Context(), planned(t, w, sql, params...))
	if err != nil {
		t.Fatalf("%q: %v", sql, err)
	}
	t.Cleanup(func() { closed(t, r) })
	return r
}

func closed(t *testing.T, r warehouse.Result) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// rows reads all rows.
func rows(t *testing.T, r warehouse.Result) [][]any {
	t.Helper()
	var out [][]any
	for {
		row, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("after %d rows: %v", len(out), err)
		}
		out = append(out, row)
	}
}

// refused fails unless err is of the code, with a sentence for a person.
func refused(t *testing.T, err error, code warehouse.Code) {
	t.Helper()
	_ = failure(t, err, code)
}

// failure is refused, and returns the error.
func failure(t *testing.T, err error, code warehouse.Code) *warehouse.Error {
	t.Helper()
	var e *warehouse.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code {
		t.Fatalf("got %s (%v), want %s", e.Code, err, code)
	}
	if e.Message == "" {
		t.Errorf("%s says nothing", code)
	}
	return e
}

func background(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.Background())
}
