package bigquery

import (
	"context"
	"errors"
	"io"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"

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
	ref       bq.JobReference
	columns   []warehouse.Column
	stats     warehouse.Stats
	policy    warehouse.Policy
	rows      []*bq.TableRow // of the page, that are not read yet
	size      int            // of a page, rows
	next      string         // token of the page after it; "": there is none
	total     int64
	read      int64
	bytes     int64
	truncated bool
	end       error // what Next says from now on
}

// read opens the result of a job that is done.
func (w *Warehouse) read(ctx context.Context, job *bigquery.Job, plan warehouse.Plan, stats warehouse.Stats) (warehouse.Result, error) {
	r := &result{w: w, stats: stats, policy: w.config.Policy,
		ref:  bq.JobReference{ProjectId: job.ProjectID(), JobId: job.ID(), Location: job.Location()},
		size: max(min(maxPageRows, maxPageValues/max(leaves(plan.Columns), 1)), 1)}
	if most := r.policy.MaxRows; most > 0 {
		r.size = int(min(int64(r.size), most))
	}
	first, err := r.fetch(ctx)
	if err != nil {
		failure := w.explain(ctx, err, &warehouse.Query{SQL: plan.SQL})
		failure.Stats = &stats
		return nil, failure
	}
	r.columns, r.total = columnsOf(first.Schema), int64(first.TotalRows)
	return r, nil
}

// fetch asks for the next page.
func (r *result) fetch(ctx context.Context) (*bq.GetQueryResultsResponse, error) {
	page, err := retried(ctx, func() (*bq.GetQueryResultsResponse, error) {
		return r.w.jobs.Jobs.GetQueryResults(r.ref.ProjectId, r.ref.JobId).Location(r.ref.Location).PageToken(r.next).
			MaxResults(int64(r.size)).FormatOptionsUseInt64Timestamp(true).
			Fields("jobComplete", "pageToken", "rows", "schema", "totalRows").Context(ctx).Do()
	})
	if err != nil {
		return nil, err
	}
	if !page.JobComplete {
		return nil, errors.New("bigquery: a job that was done is not complete")
	}
	r.rows, r.next = page.Rows, page.PageToken
	return page, nil
}

func (r *result) Columns() []warehouse.Column { return r.columns }
func (r *result) TotalRows() int64            { return r.total }
func (r *result) Truncated() bool             { return r.truncated }
func (r *result) Stats() warehouse.Stats      { return r.stats }

// Next implements warehouse.Result.
func (r *result) Next(ctx context.Context) ([]any, error) {
	if r.end != nil {
		return nil, r.end
	}
	if p := r.policy; p.MaxRows > 0 && r.read >= p.MaxRows || p.MaxBytes > 0 && r.bytes >= p.MaxBytes {
		r.truncated = r.read < r.total
		return nil, r.finish(io.EOF)
	}
	for len(r.rows) == 0 {
		if r.next == "" {
			return nil, r.finish(io.EOF)
		}
		if _, err := r.fetch(ctx); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, r.fail(ctx, err)
		}
	}
	row, err := values(r.rows[0], r.columns)
	if err != nil {
		return nil, r.fail(ctx, err)
	}
	r.rows[0], r.rows = nil, r.rows[1:]
	r.read++
	for _, v := range row {
		r.bytes += size(v)
	}
	r.bytes += 2
	return row, nil
}

func (r *result) fail(ctx context.Context, err error) error {
	failure := r.w.explain(ctx, err, nil)
	failure.Stats = &r.stats
	return r.finish(failure)
}

func (r *result) finish(err error) error {
	r.end, r.rows = err, nil
	return err
}

// Close implements warehouse.Result.
func (r *result) Close() error {
	if r.end == nil {
		r.end = io.EOF
	}
	r.rows = nil
	return nil
}
