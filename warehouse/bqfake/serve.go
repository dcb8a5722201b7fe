package bqfake

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/bigquery/v2"), "/"), "/")
	var body *bq.Job
	call := kind(r, path)
	if call == JobsInsert {
		if body = read(r); body == nil {
			fail(w, &Failure{Status: 400, Reason: "parseError", Message: "Parse Error"})
			return
		}
		if body.Configuration.DryRun {
			call = JobsDryRun
		}
	}

	s.mu.Lock()
	s.calls[call]++
	var failure *Failure
	if list := s.failures[call]; len(list) > 0 {
		failure, s.failures[call] = list[0], list[1:]
	}
	token := s.Token
	s.mu.Unlock()
	if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
		failure = &Failure{Status: 401, Reason: "authError", Message: "Request had invalid authentication credentials: " + r.Header.Get("Authorization")}
	}
	if failure != nil && !failure.After {
		if failure.Hang {
			<-r.Context().Done()
			return
		}
		fail(w, failure)
		return
	}
	answer, refused := s.handle(call, path, r, body)
	if failure == nil {
		failure = refused
	} else if failure.Hang {
		<-r.Context().Done()
		return
	}
	if failure != nil {
		fail(w, failure)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if p, ok := answer.(*page); ok {
		p.write(w)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone reads nothing
}

// read reads a query's job, or returns nil. The client's types do not tell a
// parameter that is null from one that is empty, so that is looked up.
func read(r *http.Request) *bq.Job {
	data, err := io.ReadAll(r.Body)
	job := &bq.Job{}
	if err != nil || json.Unmarshal(data, job) != nil || job.Configuration == nil || job.Configuration.Query == nil {
		return nil
	}
	var raw struct {
		Configuration struct {
			Query struct {
				QueryParameters []struct{ ParameterValue map[string]any }
			}
		}
	}
	if json.Unmarshal(data, &raw) != nil {
		return nil
	}
	for i, p := range raw.Configuration.Query.QueryParameters {
		if value, there := p.ParameterValue["value"]; there && value == nil {
			job.Configuration.Query.QueryParameters[i].ParameterValue.NullFields = []string{"Value"}
		}
	}
	return job
}

// kind tells calls apart by method and path: projects/P/datasets/D/tables/T/data,
// projects/P/jobs/J/cancel, projects/P/queries/J.
func kind(r *http.Request, path []string) Call {
	if len(path) < 3 || path[0] != "projects" {
		return Unknown
	}
	shape := r.Method + " " + path[2]
	if len(path) > 4 {
		shape += " " + path[4]
	}
	switch shape + " " + strconv.Itoa(len(path)) {
	case "GET datasets 3":
		return DatasetsList
	case "GET datasets 4":
		return DatasetsGet
	case "GET datasets tables 5":
		return TablesList
	case "GET datasets tables 6":
		return TablesGet
	case "GET datasets tables 7":
		return TabledataList
	case "POST jobs 3":
		return JobsInsert
	case "GET jobs 4":
		return JobsGet
	case "POST jobs cancel 5":
		return JobsCancel
	case "GET queries 4":
		return JobsQueryResult
	}
	return Unknown
}

func fail(w http.ResponseWriter, f *Failure) {
	for key, values := range f.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": f.Status, "message": f.Message,
		"errors": []googleapi.ErrorItem{{Reason: f.Reason, Message: f.Message}},
	}})
}

func notFound(message string) *Failure {
	return &Failure{Status: 404, Reason: "notFound", Message: "Not found: " + message}
}

// handle answers a call.
func (s *Server) handle(call Call, path []string, r *http.Request, body *bq.Job) (any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch call {
	case DatasetsList:
		return s.listDatasets(path[1], r)
	case JobsInsert, JobsDryRun:
		return s.insert(path[1], body)
	case JobsGet, JobsCancel, JobsQueryResult:
		j := s.jobs[path[3]]
		if j == nil {
			return nil, notFound("Job " + path[1] + ":" + path[3])
		}
		switch call {
		case JobsGet:
			return j.describe(), nil
		case JobsCancel:
			s.cancel(j)
			return &bq.JobCancelResponse{Job: j.describe()}, nil
		}
		return s.results(j, r)
	}
	if call == Unknown {
		return nil, notFound("URL " + r.Method + " " + r.URL.Path)
	}
	d := s.dataset(path[1], path[3])
	if d == nil {
		return nil, notFound("Dataset " + path[1] + ":" + path[3])
	}
	switch call {
	case DatasetsGet:
		return &bq.Dataset{Location: d.location, DatasetReference: &bq.DatasetReference{ProjectId: d.project, DatasetId: d.name}}, nil
	case TablesList:
		return listTables(d, r)
	}
	t := d.table(path[5])
	if t == nil {
		return nil, notFound("Table " + path[1] + ":" + path[3] + "." + path[5])
	}
	if call == TablesGet {
		return t.Table, nil
	}
	from, to, next := part(r, len(t.Preview), 0)
	return &bq.TableDataList{Rows: t.Preview[from:to], TotalRows: int64(len(t.Preview)), PageToken: next}, nil
}

// part is the part of a list that a call asks for.
func part(r *http.Request, total, most int) (from, to int, next string) {
	from, _ = strconv.Atoi(r.URL.Query().Get("pageToken"))
	if start := r.URL.Query().Get("startIndex"); start != "" {
		from, _ = strconv.Atoi(start)
	}
	to = total
	if size, err := strconv.Atoi(r.URL.Query().Get("maxResults")); err == nil {
		to = min(to, from+size)
	}
	if most > 0 {
		to = min(to, from+most)
	}
	from = min(from, total)
	if to < total {
		next = strconv.Itoa(to)
	}
	return from, max(from, to), next
}

func (s *Server) listDatasets(project string, r *http.Request) (any, *Failure) {
	var all []*bq.DatasetListDatasets
	for _, d := range s.datasets {
		if d.project == project {
			all = append(all, &bq.DatasetListDatasets{Location: d.location, DatasetReference: &bq.DatasetReference{ProjectId: project, DatasetId: d.name}})
		}
	}
	from, to, next := part(r, len(all), 0)
	return &bq.DatasetList{Datasets: all[from:to], NextPageToken: next}, nil
}

func listTables(d *dataset, r *http.Request) (any, *Failure) {
	from, to, next := part(r, len(d.tables), 0)
	list := &bq.TableList{NextPageToken: next, TotalItems: int64(len(d.tables))}
	for _, t := range d.tables[from:to] {
		list.Tables = append(list.Tables, &bq.TableListTables{TableReference: t.TableReference, Type: t.Type, FriendlyName: t.FriendlyName})
	}
	return list, nil
}
