package warehousetest

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/mark-analyst/mark/warehouse"
)

var ends = []test{
	{name: "a query that is stopped says what it billed", needs: slow, run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		plan := planned(t, w, f.SQL.Slow)
		ctx, cancel := background(t)
		defer cancel()
		failed := make(chan error, 1)
		go func() {
			_, err := w.Run(ctx, plan)
			failed <- err
		}()
		f.Slow(t)
		cancel()
		e := failure(t, <-failed, warehouse.CodeCancelled)
		if e.Stats == nil || e.Stats.BilledUnknown {
			t.Errorf("it says %+v", e.Stats)
		}
	}},
	{name: "a query that takes too long is stopped", needs: slow, run: func(t *testing.T, f Fixture) {
		w := f.open(t, func(p *warehouse.Policy) { p.Timeout = 100 * time.Millisecond })
		_, err := w.Run(t.Context(), planned(t, w, f.SQL.Slow))
		if e := failure(t, err, warehouse.CodeTimeout); e.Stats == nil {
			t.Error("it does not say what it billed")
		}
	}},
	{name: "what is stopped before it begins does not run", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		plan := planned(t, w, f.SQL.One)
		ctx, cancel := background(t)
		cancel()
		if _, err := w.Run(ctx, plan); warehouse.CodeOf(err) != warehouse.CodeCancelled {
			t.Errorf("%v", err)
		}
		if _, err := w.Plan(ctx, warehouse.Query{SQL: f.SQL.One}); warehouse.CodeOf(err) != warehouse.CodeCancelled {
			t.Errorf("%v", err)
		}
	}},
	{name: "reading ends with its context", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Many)
		ctx, cancel := background(t)
		defer cancel()
		if _, err := r.Next(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		for n := 0; ; n++ {
			_, err := r.Next(ctx)
			if err == nil && n < ManyRows { // rows that were there already
				continue
			}
			refused(t, err, warehouse.CodeCancelled)
			return
		}
	}},
	{name: "a closed result has no more rows", run: func(t *testing.T, f Fixture) {
		r := ran(t, f.open(t), f.SQL.Many)
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
	}},
	{name: "closing twice is harmless", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		for range 2 {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}},
}
