package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

// job is a query that runs or has run.
type job struct {
	reference *bq.JobReference
	config    *bq.JobConfiguration
	facts     *facts
	billed    int64
	created   time.Time
	cancel    context.CancelCauseFunc
	done      chan struct{}

	// What follows is protected by the mutex of jobs until done.
	ended  time.Time
	answer *answer
	failed *failure
}

var (
	errCancelled = errors.New("Job execution was cancelled: User requested cancellation") //nolint:staticcheck // as BigQuery writes it
	errTimedOut  = errors.New("Job execution was cancelled: Job timed out")               //nolint:staticcheck // as BigQuery writes it
	errClosed    = errors.New("the emulator ends")
)

// jobs are those of all projects.
type jobs struct {
	emulator *emulator
	running  sync.WaitGroup

	mu  sync.Mutex // protects what follows
	all map[string]*job
	// order is the jobs' ids as they began.
	order []string
}

func (j *jobs) close() {
	j.mu.Lock()
	for _, one := range j.all {
		one.cancel(errClosed)
	}
	j.mu.Unlock()
	j.running.Wait()
}

// job answers the calls for jobs; path is jobs, jobs/J, jobs/J/cancel or queries/J.
func (f *front) job(r *http.Request, project string, path []string) (any, error) {
	shape := r.Method + " " + path[0] + " " + strconv.Itoa(len(path))
	switch shape {
	case "POST jobs 1":
		return f.insert(r, project)
	case "GET jobs 1":
		return f.jobs.list(r, project), nil
	case "GET jobs 2", "POST jobs 3", "GET queries 2":
	default:
		return nil, &failure{http.StatusNotImplemented, "notImplemented", "This emulator has no such call: begin a job with jobs.insert."}
	}
	f.jobs.mu.Lock()
	defer f.jobs.mu.Unlock()
	one := f.jobs.all[path[1]]
	if one == nil || one.reference.ProjectId != project {
		return nil, notFound("Job %s:%s", project, path[1])
	}
	switch shape {
	case "GET jobs 2":
		return withViews(one.describe(), one.facts)
	case "POST jobs 3":
		one.cancel(errCancelled)
		return &bq.JobCancelResponse{Kind: "bigquery#jobCancelResponse", Job: one.describe()}, nil
	}
	return one.results(r)
}

// insert begins a query, or says what it would do.
func (f *front) insert(r *http.Request, project string) (any, error) {
	body := &bq.Job{}
	// The client's types do not tell a parameter that is null from one that is not
	// given: the emulator reads them as they came.
	var raw struct {
		Configuration struct {
			Query struct{ QueryParameters json.RawMessage }
		}
	}
	text, err := readJSON(r, body, &raw)
	if err != nil {
		return nil, invalid("%s: %v", text, err)
	}
	config := body.Configuration
	if config == nil || config.Query == nil {
		return nil, &failure{http.StatusNotImplemented, "notImplemented", "This emulator has no jobs but queries."}
	}
	if config.Query.UseLegacySql == nil || *config.Query.UseLegacySql {
		return nil, invalid("This emulator has no legacy SQL.")
	}
	reference := body.JobReference
	if reference == nil {
		reference = &bq.JobReference{}
	}
	reference.ProjectId = project
	if reference.Location == "" {
		reference.Location = "US"
	}
	facts, err := f.understand(r.Context(), project, reference.Location, config.Query.Query, config.Query.QueryParameters)
	if err != nil {
		return nil, err
	}
	config.JobType = "QUERY"
	if config.DryRun {
		return withViews(&bq.Job{Kind: "bigquery#job", Configuration: config, Status: &bq.JobStatus{State: "DONE"},
			JobReference: &bq.JobReference{ProjectId: project, Location: reference.Location},
			Statistics:   &bq.JobStatistics{TotalBytesProcessed: facts.bytes, Query: facts.statistics(), ForceSendFields: []string{"TotalBytesProcessed"}}}, facts)
	}
	if reference.JobId == "" {
		reference.JobId = "job_" + rand.Text()
	}
	if err := f.emulator.project(project); err != nil {
		return nil, err
	}
	return f.jobs.begin(&job{reference: reference, config: config, facts: facts}, raw.Configuration.Query.QueryParameters)
}

// begin begins a job and says how it stands.
func (j *jobs) begin(one *job, parameters json.RawMessage) (*bq.Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	id := one.reference.JobId
	if j.all[id] != nil {
		return nil, &failure{http.StatusConflict, "duplicate", "Already Exists: Job " + one.reference.ProjectId + ":" + id}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	one.cancel, one.created, one.done = cancel, time.Now(), make(chan struct{})
	j.all[id] = one
	j.order = append(j.order, id)
	one.billed = one.facts.billed()
	most := one.config.Query.MaximumBytesBilled
	switch {
	case one.facts.kind != selects:
		one.end(nil, &failure{http.StatusNotImplemented, "notImplemented", "This emulator runs queries alone, and this is a " + one.facts.kind + "."})
	case most > 0 && one.billed > most:
		one.end(nil, &failure{http.StatusBadRequest, "bytesBilledLimitExceeded",
			fmt.Sprintf("Query exceeded limit for bytes billed: %d. %d or higher required.", most, one.billed)})
	default:
		j.running.Go(func() { j.run(ctx, one, parameters) })
	}
	return one.describe(), nil
}

// run has the emulator run a job's query.
func (j *jobs) run(ctx context.Context, one *job, parameters json.RawMessage) {
	if limit := time.Duration(one.config.JobTimeoutMs) * time.Millisecond; limit > 0 {
		var release context.CancelFunc
		ctx, release = context.WithTimeoutCause(ctx, limit, errTimedOut)
		defer release()
	}
	answered := make(chan error, 1)
	var out *answer
	j.running.Go(func() {
		var err error
		out, err = j.emulator.query(ctx, one.reference.ProjectId, one.config.Query.Query, parameters)
		answered <- err
	})
	var err error
	select {
	case err = <-answered:
	case <-ctx.Done(): // the emulator may take a while to notice
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var said *failure
	switch {
	case ctx.Err() != nil:
		// It bills as if it had run: how far it was nobody knows.
		one.ended = time.Now()
		one.failed = &failure{http.StatusBadRequest, "stopped", context.Cause(ctx).Error()}
		close(one.done)
	case errors.As(err, &said):
		one.end(nil, wrong(errors.New(said.Message)))
	case err != nil:
		one.end(nil, &failure{http.StatusInternalServerError, "internalError", err.Error()})
	default:
		one.end(out, nil)
	}
	one.cancel(nil)
}

// end ends a job; one that fails bills nothing.
func (one *job) end(out *answer, failed *failure) {
	one.ended, one.answer, one.failed = time.Now(), out, failed
	if failed != nil {
		one.billed = 0
	}
	close(one.done)
}

// describe is the job as jobs.get tells of it.
func (one *job) describe() *bq.Job {
	out := &bq.Job{Kind: "bigquery#job", Id: one.reference.ProjectId + ":" + one.reference.Location + "." + one.reference.JobId,
		JobReference: one.reference, Configuration: one.config, Status: &bq.JobStatus{State: "RUNNING"},
		Statistics: &bq.JobStatistics{CreationTime: one.created.UnixMilli(), StartTime: one.created.UnixMilli(), Query: one.facts.statistics()}}
	if one.ended.IsZero() {
		return out
	}
	out.Status.State, out.Statistics.EndTime = "DONE", one.ended.UnixMilli()
	out.Statistics.TotalBytesProcessed, out.Statistics.Query.TotalBytesBilled = one.facts.bytes, one.billed
	if one.failed != nil {
		out.Status.ErrorResult, out.Status.Errors = one.failed.proto(), []*bq.ErrorProto{one.failed.proto()}
	}
	return out
}

// statistics are the facts as a job has them.
func (f *facts) statistics() *bq.JobStatistics2 {
	out := &bq.JobStatistics2{StatementType: f.kind, TotalBytesProcessed: f.bytes, TotalBytesProcessedAccuracy: "PRECISE",
		ForceSendFields: []string{"TotalBytesProcessed"}}
	for _, t := range f.tables {
		out.ReferencedTables = append(out.ReferencedTables, t.reference())
	}
	if len(f.schema) > 0 {
		out.Schema = &bq.TableSchema{Fields: f.schema}
	}
	return out
}

// withViews adds the views that a job reads, which the client's types of this module
// do not have yet.
func withViews(j *bq.Job, f *facts) (any, error) {
	if len(f.views) == 0 {
		return j, nil
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, err
	}
	statistics, _ := out["statistics"].(map[string]any)
	if query, ok := statistics["query"].(map[string]any); ok {
		var views []*bq.TableReference
		for _, v := range f.views {
			views = append(views, v.reference())
		}
		query["referencedLogicalViews"] = views
	}
	return out, nil
}

// results answers getQueryResults.
func (one *job) results(r *http.Request) (any, error) {
	switch {
	case one.ended.IsZero():
		return map[string]any{"kind": "bigquery#getQueryResultsResponse", "jobReference": one.reference, "jobComplete": false}, nil
	case one.failed != nil:
		return nil, one.failed
	}
	rows, next := page(r, one.answer.Rows)
	return map[string]any{"kind": "bigquery#getQueryResultsResponse", "jobReference": one.reference, "jobComplete": true,
		"schema": &bq.TableSchema{Fields: one.facts.schema}, "rows": rows, "totalRows": strconv.Itoa(len(one.answer.Rows)), "pageToken": next}, nil
}

// list answers jobs.list, the newest first.
func (j *jobs) list(r *http.Request, project string) any {
	j.mu.Lock()
	defer j.mu.Unlock()
	state := r.URL.Query().Get("stateFilter")
	var found []*bq.JobListJobs
	for _, id := range slices.Backward(j.order) {
		d := j.all[id].describe()
		if d.JobReference.ProjectId == project && (state == "" || strings.EqualFold(state, d.Status.State)) {
			found = append(found, &bq.JobListJobs{Id: d.Id, JobReference: d.JobReference, Configuration: d.Configuration,
				State: d.Status.State, Status: d.Status, Statistics: d.Statistics})
		}
	}
	part, next := page(r, found)
	return &bq.JobList{Kind: "bigquery#jobList", Jobs: part, NextPageToken: next}
}

// readJSON reads a call's body into several values.
func readJSON(r *http.Request, into ...any) (string, error) {
	var text json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&text); err != nil {
		return "Parse Error", err
	}
	for _, v := range into {
		if err := json.Unmarshal(text, v); err != nil {
			return "Invalid JSON payload", err
		}
	}
	return "", nil
}
