package bigquery

import (
	"context"
	"errors"
	"io"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"github.com/mark-analyst/mark/warehouse"
)

// A page is what is held in memory at once. BigQuery sends at most 20 MB.
const (
	maxPageRows   = 10_000
	maxPageValues = 100_000
)

// result reads a job's rows page by page.
type result struct {
	w         *Warehouse
	rows      *bigquery.RowIterator
	columns   []warehouse.Column
	stats     warehouse.Stats
	stop      context.CancelFunc // ends the call for a page
	policy    warehouse.Policy
	read      int64
	bytes     int64
	truncated bool
	end       error // what Next says from now on
}

// read opens the result of a job that is done.
func (w *Warehouse) read(ctx context.Context, job *bigquery.Job, plan warehouse.Plan, stats warehouse.Stats) (warehouse.Result, error) {
	// The client's iterator keeps one context; Next ties its own to it.
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, cancel)
	defer release()
	rows, err := job.Read(reading)
	if err != nil {
		cancel()
		failure := w.explain(ctx, err, &warehouse.Query{SQL: plan.SQL})
		failure.Stats = &stats
		return nil, failure
	}
	policy := w.config.Policy
	page := max(min(maxPageRows, maxPageValues/max(leaves(rows.Schema), 1)), 1)
	if policy.MaxRows > 0 {
		page = min(page, int(policy.MaxRows))
	}
	rows.PageInfo().MaxSize = page
	return &result{w: w, rows: rows, columns: columns(rows.Schema), stats: stats, stop: cancel, policy: policy}, nil
}

func (r *result) Columns() []warehouse.Column { return r.columns }
func (r *result) TotalRows() int64            { return int64(r.rows.TotalRows) }
func (r *result) Truncated() bool             { return r.truncated }
func (r *result) Stats() warehouse.Stats      { return r.stats }

// Next implements warehouse.Result.
func (r *result) Next(ctx context.Context) ([]any, error) {
	if r.end != nil {
		return nil, r.end
	}
	if p := r.policy; p.MaxRows > 0 && r.read >= p.MaxRows || p.MaxBytes > 0 && r.bytes >= p.MaxBytes {
		r.truncated = r.read < r.TotalRows()
		return nil, r.finish(io.EOF)
	}
	if r.rows.PageInfo().Remaining() == 0 { // this call asks for a page
		defer context.AfterFunc(ctx, r.stop)()
	}
	var row rowLoader
	err := r.rows.Next(&row)
	switch {
	case errors.Is(err, iterator.Done):
		return nil, r.finish(io.EOF)
	case err != nil:
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		failure := r.w.explain(ctx, err, nil)
		failure.Stats = &r.stats
		return nil, r.finish(failure)
	}
	r.read++
	r.bytes += size(row.values)
	return row.values, nil
}

func (r *result) finish(err error) error {
	r.end = err
	r.stop()
	return err
}

// Close implements warehouse.Result.
func (r *result) Close() error {
	if r.end == nil {
		r.end = io.EOF
	}
	r.stop()
	return nil
}
