package bigquery

import (
	"context"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
)

// Plan implements warehouse.Warehouse.
func (w *Warehouse) Plan(ctx context.Context, query warehouse.Query) (warehouse.Plan, error) {
	ctx, cancel := w.brief(ctx)
	defer cancel()
	plan := warehouse.Plan{Params: query.Params, Labels: labels(query.Labels), PlannedAt: w.clock.Now()}
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

// request is the job of a query: the same for the dry run and the run.
func (w *Warehouse) request(sql string, params []warehouse.Param, labels map[string]string) (*bq.Job, error) {
	list, err := parameters(params)
	if err != nil {
		return nil, err
	}
	legacy := false
	job := &bq.Job{Configuration: &bq.JobConfiguration{
		JobTimeoutMs: w.config.Policy.Timeout.Milliseconds(),
		Labels:       labels,
		Query:        &bq.JobConfigurationQuery{Query: sql, UseLegacySql: &legacy, QueryParameters: list},
	}}
	if len(list) > 0 {
		job.Configuration.Query.ParameterMode = "NAMED"
	}
	return job, nil
}

// dryRun asks BigQuery what a query would do. Nil facts are an answer without
// statistics.
func (w *Warehouse) dryRun(ctx context.Context, query warehouse.Query) (*guard.Facts, error) {
	job, err := w.request(query.SQL, query.Params, labels(query.Labels))
	if err != nil {
		return nil, err
	}
	job.Configuration.DryRun = true
	job.JobReference = &bq.JobReference{ProjectId: w.config.Project, Location: w.config.Location}
	answer, err := retried(ctx, func() (*bq.Job, error) {
		return w.jobs.Jobs.Insert(w.config.Project, job).Context(ctx).Do()
	})
	if err != nil {
		return nil, w.explain(ctx, err, &query)
	}
	if answer.Status != nil && answer.Status.ErrorResult != nil {
		return nil, w.explain(ctx, jobError(answer.Status.ErrorResult), &query)
	}
	return facts(answer), nil
}

func facts(job *bq.Job) *guard.Facts {
	// That the job is echoed as a dry run is the only proof that it was one.
	if job.Statistics == nil || job.Statistics.Query == nil || job.Configuration == nil || !job.Configuration.DryRun {
		return nil
	}
	q := job.Statistics.Query
	out := &guard.Facts{
		Statement: q.StatementType,
		Bytes:     max(q.TotalBytesProcessed, job.Statistics.TotalBytesProcessed),
		Exact:     q.TotalBytesProcessedAccuracy != "UNKNOWN" && q.TotalBytesProcessedAccuracy != "LOWER_BOUND",
		Others:    len(q.ReferencedRoutines) + len(q.ReferencedPropertyGraphs),
		Columns:   columnsOf(q.Schema),
	}
	for _, t := range q.ReferencedTables {
		out.Tables = append(out.Tables, refOf(t))
	}
	for _, t := range q.ReferencedLogicalViews {
		out.Views = append(out.Views, refOf(t))
	}
	return out
}
