package bigquery

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/internal/units"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
)

// Run implements warehouse.Warehouse.
func (w *Warehouse) Run(ctx context.Context, plan warehouse.Plan) (warehouse.Result, error) {
	if err := w.seal.Runnable(plan, w.clock.Now()); err != nil {
		return nil, err
	}
	request, err := w.request(plan.SQL, plan.Params, plan.Labels)
	if err != nil {
		return nil, err
	}
	request.Configuration.Query.MaximumBytesBilled = plan.MaxBilled
	request.JobReference = &bq.JobReference{ProjectId: w.config.Project, Location: w.config.Location, JobId: "mark_" + rand.Text()}
	bounded, cancel := context.WithTimeout(ctx, w.config.Policy.Timeout)
	defer cancel()

	job, err := w.begin(bounded, request)
	if err != nil {
		return nil, w.failed(bounded, err, plan, w.lost(bounded, err, request.JobReference))
	}
	status, err := await(bounded, job)
	if err != nil {
		// Whatever the reason, nobody will read what the job answers.
		return nil, w.failed(bounded, err, plan, w.stop(bounded, job))
	}
	stats := w.stats(job, status)
	if err := status.Err(); err != nil {
		return nil, w.failed(bounded, err, plan, &stats)
	}
	return w.read(ctx, job, plan, stats)
}

// begin begins a job. The call is not cut off when ctx ends: then nobody would
// know whether the job runs. It is waited for, and the job is there to be
// stopped.
func (w *Warehouse) begin(ctx context.Context, request *bq.Job) (*bigquery.Job, error) {
	free, cancel := w.brief(context.WithoutCancel(ctx))
	defer cancel()
	done := make(chan error, 1)
	go func() {
		answer, err := retried(free, func() (*bq.Job, error) {
			return w.jobs.Jobs.Insert(w.config.Project, request).Context(free).Do()
		})
		if err == nil && answer.JobReference != nil {
			request.JobReference.Location = answer.JobReference.Location
		}
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		late := time.NewTimer(w.config.CancelWait)
		defer late.Stop()
		select {
		case err = <-done:
		case <-late.C:
			cancel()
			err = <-done
		}
	}
	if err != nil && !duplicate(err) {
		return nil, err
	}
	look, cancel := w.brief(context.WithoutCancel(ctx))
	defer cancel()
	return w.client.JobFromIDLocation(look, request.JobReference.JobId, request.JobReference.Location)
}

// lost looks after a job of which nobody knows whether it began. It returns nil
// when BigQuery refused it, so that there is none.
func (w *Warehouse) lost(ctx context.Context, err error, ref *bq.JobReference) *warehouse.Stats {
	if refused(err) {
		return nil
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.CancelWait)
	defer cancel()
	job, err := w.client.JobFromIDLocation(look, ref.JobId, ref.Location)
	if err != nil {
		return &warehouse.Stats{JobID: ref.JobId, Location: ref.Location, BilledUnknown: !refused(err)}
	}
	return w.stop(ctx, job)
}

const (
	firstPause = 30 * time.Millisecond
	lastPause  = time.Second
)

// await waits until a job is done. Asking for its state rather than for its rows
// tells a job that failed from a call that did, which may be tried again.
func await(ctx context.Context, job *bigquery.Job) (*bigquery.JobStatus, error) {
	status := job.LastStatus()
	for pause := firstPause; status == nil || !status.Done(); pause = min(pause*3/2, lastPause) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		var err error
		if status, err = job.Status(ctx); err != nil {
			return nil, err
		}
	}
	return status, nil
}

// stop cancels a job where it runs, which the end of a context does not, and
// waits to hear what it billed. It never returns nil.
func (w *Warehouse) stop(ctx context.Context, job *bigquery.Job) *warehouse.Stats {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.CancelWait)
	defer cancel()
	unknown := &warehouse.Stats{JobID: job.ID(), Location: job.Location(), BilledUnknown: true}
	if err := job.Cancel(ctx); err != nil {
		return unknown
	}
	if _, err := job.Status(ctx); err != nil {
		return unknown
	}
	status, err := await(ctx, job)
	if err != nil {
		return unknown
	}
	stats := w.stats(job, status)
	return &stats
}

// stats is what a finished job did and cost.
func (w *Warehouse) stats(job *bigquery.Job, status *bigquery.JobStatus) warehouse.Stats {
	out := warehouse.Stats{JobID: job.ID(), Location: job.Location(), BilledUnknown: true}
	s := status.Statistics
	if s == nil {
		return out
	}
	out.BytesProcessed = s.TotalBytesProcessed
	if !s.EndTime.IsZero() {
		out.Duration = s.EndTime.Sub(s.CreationTime)
	}
	if q, ok := s.Details.(*bigquery.QueryStatistics); ok {
		out.BytesBilled, out.CacheHit, out.BilledUnknown = q.TotalBytesBilled, q.CacheHit, false
		out.CostMicros = guard.Micros(q.TotalBytesBilled, w.config.Policy.MicrosPerTiB)
	}
	return out
}

// failed explains why a run failed, and says what it billed.
func (w *Warehouse) failed(ctx context.Context, err error, plan warehouse.Plan, stats *warehouse.Stats) *warehouse.Error {
	out := w.explain(ctx, err, &warehouse.Query{SQL: plan.SQL})
	out.Stats = stats
	if out.Code != warehouse.CodeCancelled && out.Code != warehouse.CodeTimeout {
		return out
	}
	out.Message = "The query was stopped"
	if out.Code == warehouse.CodeTimeout {
		out.Message = "The query took too long and was stopped"
	}
	switch {
	case stats == nil:
		out.Message += " before it began; nothing was billed."
	case stats.BilledUnknown:
		out.Message += fmt.Sprintf("; BigQuery has not said what it billed, at most %s.", units.Bytes(plan.MaxBilled))
	default:
		out.Message += fmt.Sprintf("; BigQuery billed %s (%s).", units.Bytes(stats.BytesBilled), guard.Price(stats.CostMicros))
	}
	if out.Code == warehouse.CodeTimeout {
		out.Message += " Read less: filter on the partitioning column, or aggregate first."
	}
	return out
}

// refused tells that the service answered and did not begin, or does not have,
// the job.
func refused(err error) bool {
	api := apiError(err)
	return api != nil && api.Code >= 400 && api.Code < 500 || isAuth(err)
}
