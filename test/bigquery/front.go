package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// front is BigQuery's REST API, version 2, as far as a client needs it that browses,
// reads metadata and asks. What it does itself it does because the emulator does it
// otherwise than BigQuery:
//
//   - A dry run says what the statement is, which tables and views it reads, and what
//     it processes. The emulator runs it, and calls everything a SELECT that reads
//     nothing.
//   - A job runs while others ask, can be cancelled, and does not run where it would
//     bill more than it may. The emulator answers when it has ended.
//   - Lists have pages; metadata have sizes, places, tags and times.
//   - Errors are as BigQuery words them.
type front struct {
	emulator *emulator
	analyst  *analyst
	tables   *tables
	jobs     *jobs
}

func newFront() (*front, error) {
	analyst, err := newAnalyst()
	if err != nil {
		return nil, err
	}
	e, err := newEmulator()
	if err != nil {
		return nil, err
	}
	t := &tables{emulator: e}
	return &front{emulator: e, analyst: analyst, tables: t, jobs: &jobs{emulator: e, all: map[string]*job{}}}, nil
}

func (f *front) close() error {
	f.jobs.close()
	return f.emulator.close()
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := f.answer(r)
	var failed *failure
	switch {
	case errors.As(err, &failed):
		failed.Reason = cmp.Or(failed.Reason, map[bool]string{true: "notFound", false: "internalError"}[failed.Status == http.StatusNotFound])
		failed.write(w)
	case err != nil:
		(&failure{http.StatusInternalServerError, "internalError", err.Error()}).write(w)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // a client that is gone reads nothing
	}
}

// answer answers a call: projects/P/datasets/D/tables/T/data, projects/P/jobs/J/cancel,
// projects/P/queries/J.
func (f *front) answer(r *http.Request) (any, error) {
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/bigquery/v2"), "/"), "/")
	if len(path) < 3 || path[0] != "projects" {
		return nil, notFound("URL %s", r.URL.Path)
	}
	project := path[1]
	switch path[2] {
	case "jobs", "queries":
		return f.job(r, project, path[2:])
	case "datasets":
		if r.Method == http.MethodGet {
			return f.metadata(r, project, path[3:])
		}
		return f.change(r, project)
	}
	return nil, notFound("URL %s", r.URL.Path)
}

// change has the emulator do what a call asks for.
func (f *front) change(r *http.Request, project string) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := f.emulator.project(project); err != nil {
		return nil, err
	}
	var in any
	if len(body) > 0 {
		in = json.RawMessage(body)
	}
	var out json.RawMessage
	defer f.tables.changed()
	if r.Method == http.MethodDelete { // it answers with nothing
		return map[string]string{}, f.emulator.ask(r.Context(), r.Method, strings.TrimPrefix(r.URL.Path, "/bigquery/v2"), in, nil)
	}
	return out, f.emulator.ask(r.Context(), r.Method, strings.TrimPrefix(r.URL.Path, "/bigquery/v2"), in, &out)
}

// metadata answers datasets, datasets/D, datasets/D/tables, …/T and …/T/data; path is
// what stands behind datasets.
func (f *front) metadata(r *http.Request, project string, path []string) (any, error) {
	now, err := f.tables.state(r.Context())
	if err != nil {
		return nil, err
	}
	all, there := now.datasets[project]
	if !there {
		return nil, notFound("Project %s", project)
	}
	if len(path) == 0 {
		part, next := page(r, all)
		out := &bq.DatasetList{NextPageToken: next, Kind: "bigquery#datasetList"}
		for _, d := range part {
			out.Datasets = append(out.Datasets, &bq.DatasetListDatasets{DatasetReference: d.DatasetReference, Location: d.Location, Labels: d.Labels})
		}
		return out, nil
	}
	d := now.dataset(project, path[0])
	if d == nil {
		return nil, notFound("Dataset %s:%s", project, path[0])
	}
	switch len(path) {
	case 1:
		return d, nil
	case 2:
		part, next := page(r, now.tablesOf(project, path[0]))
		out := &bq.TableList{NextPageToken: next, Kind: "bigquery#tableList"}
		for _, t := range part {
			out.Tables = append(out.Tables, &bq.TableListTables{TableReference: t.about.TableReference, Type: t.about.Type,
				FriendlyName: t.about.FriendlyName, Labels: t.about.Labels})
		}
		return out, nil
	}
	t := now.table(tableID{project, path[0], path[2]})
	switch {
	case t == nil:
		return nil, notFound("Table %s:%s.%s", project, path[0], path[2])
	case len(path) == 3:
		return t.about, nil
	}
	return f.preview(r, t)
}

// preview answers tabledata.list.
func (f *front) preview(r *http.Request, t *table) (any, error) {
	if t.isView() {
		return nil, invalid("Cannot list a table of type VIEW.")
	}
	whole, err := f.emulator.query(r.Context(), t.id.project, "SELECT * FROM `"+t.id.String()+"`", nil)
	if err != nil {
		return nil, err
	}
	rows, next := page(r, whole.Rows)
	return map[string]any{"kind": "bigquery#tableDataList", "rows": rows, "totalRows": strconv.Itoa(len(whole.Rows)), "pageToken": next}, nil
}

// page is the part of a list that a call asks for, and the token of the next one.
func page[T any](r *http.Request, all []T) (part []T, next string) {
	query := r.URL.Query()
	from, err := strconv.Atoi(cmp.Or(query.Get("pageToken"), query.Get("startIndex"), "0"))
	if err != nil || from < 0 {
		from = 0
	}
	from = min(from, len(all))
	to := len(all)
	if size, err := strconv.Atoi(query.Get("maxResults")); err == nil && size >= 0 {
		to = min(to, from+size)
	}
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next
}

// understand says what a statement is and reads, now.
func (f *front) understand(ctx context.Context, project, location, sql string, parameters []*bq.QueryParameter) (*facts, error) {
	now, err := f.tables.state(ctx)
	if err != nil {
		return nil, err
	}
	return f.analyst.understand(now, project, location, sql, parameters)
}
