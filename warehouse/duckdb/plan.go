package duckdb

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
	"github.com/mark-analyst/mark/warehouse/params"
)

// Plan implements warehouse.Warehouse. Labels are nothing to DuckDB.
func (w *Warehouse) Plan(ctx context.Context, query warehouse.Query) (warehouse.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, w.config.Policy.MetadataTimeout)
	defer cancel()
	plan := warehouse.Plan{Params: query.Params, PlannedAt: w.clock.Now()}
	decided, err := w.guard.Decide(ctx, query, func(ctx context.Context) (*guard.Facts, error) {
		return w.dryRun(ctx, query)
	})
	plan.Decision, plan.MaxBilled = decided.Decision, decided.MaxBilled
	if err != nil {
		return plan, err
	}
	plan.Statement, plan.Columns = decided.Facts.Statement, decided.Facts.Columns
	err = w.seal.Seal(&plan)
	return plan, err
}

// dryRun has DuckDB parse the statement and bind it to the tables.
func (w *Warehouse) dryRun(ctx context.Context, query warehouse.Query) (*guard.Facts, error) {
	written, err := writeParams(query.Params)
	if err != nil {
		return nil, err
	}
	a, left, err := w.ask(ctx, request{Do: "plan", SQL: query.SQL, Params: written})
	if err != nil {
		return nil, err
	}
	left.close() //nolint:errcheck // it was read only
	if a.Error != nil {
		return nil, w.explain(a)
	}
	facts := &guard.Facts{Statement: a.Statement, Exact: true, Columns: a.Columns}
	for _, parts := range a.Tables {
		facts.Tables = append(facts.Tables, w.refOf(parts))
	}
	return facts, nil
}

// refOf is the table that a name in a statement stands for.
func (w *Warehouse) refOf(parts []string) warehouse.TableRef {
	ref := warehouse.TableRef{Project: Database, Dataset: Schema, Table: parts[len(parts)-1]}
	if len(parts) > 1 {
		ref.Dataset = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		ref.Project = strings.Join(parts[:len(parts)-2], ".")
	}
	if ref.Project == Database && ref.Dataset == Schema {
		if i := w.find(ref.Table); i >= 0 { // names have no case
			ref.Table = w.config.Tables[i].Name
		}
	}
	return ref
}

// find is the index of a table, or negative.
func (w *Warehouse) find(name string) int {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	return slices.IndexFunc(w.config.Tables, func(t Table) bool { return same(t.Name) || slices.ContainsFunc(t.Aliases, same) })
}

// writeParams writes parameters of the types that DuckDB has.
func writeParams(list []warehouse.Param) ([]params.Written, error) {
	for _, p := range list {
		if p.Type == warehouse.Geography || p.Type == warehouse.Interval {
			return nil, &warehouse.Error{Code: warehouse.CodeInvalidParameter, Message: "DuckDB takes no parameters of the type " + string(p.Type) + "."}
		}
	}
	return params.Write(list)
}

// Run implements warehouse.Warehouse. The whole result is there when it returns, in a
// file.
func (w *Warehouse) Run(ctx context.Context, plan warehouse.Plan) (warehouse.Result, error) {
	if err := w.seal.Runnable(plan, w.clock.Now()); err != nil {
		return nil, err
	}
	written, err := writeParams(plan.Params)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, w.config.Policy.Timeout)
	defer cancel()
	began := time.Now()
	a, left, err := w.ask(bounded, request{Do: "run", SQL: plan.SQL, Params: written, MaxRows: w.config.Policy.MaxRows, MaxBytes: w.config.Policy.MaxBytes})
	stats := warehouse.Stats{Duration: time.Since(began)}
	if err == nil && (a.Error != nil || a.Statement != plan.Statement) {
		left.close() //nolint:errcheck // it was read only
		err = w.explain(a)
	}
	var failed *warehouse.Error
	if errors.As(err, &failed) {
		failed.Stats = &stats
	}
	if err != nil {
		return nil, err
	}
	return &result{rows: left, answer: a, stats: stats}, nil
}

// result is what a query has left.
type result struct {
	*rows
	answer *answer
	stats  warehouse.Stats
	end    error // what Next says from now on
}

func (r *result) Columns() []warehouse.Column { return r.columns }
func (r *result) TotalRows() int64            { return r.answer.Rows }
func (r *result) Truncated() bool             { return r.answer.Truncated }
func (r *result) Stats() warehouse.Stats      { return r.stats }

// Next implements warehouse.Result.
func (r *result) Next(ctx context.Context) ([]any, error) {
	if r.end != nil {
		return nil, r.end
	}
	err := ctx.Err()
	if err != nil {
		r.end = stopped(err)
		return nil, r.end
	}
	row, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		r.end = io.EOF
	case err != nil:
		r.end = internal(err)
	}
	return row, r.end
}

// Close implements warehouse.Result.
func (r *result) Close() error {
	if r.end == nil {
		r.end = io.EOF
	}
	_ = r.close() // it was read only, and perhaps is closed already
	return nil
}
