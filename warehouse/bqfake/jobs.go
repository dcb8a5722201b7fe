package bqfake

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"

	"github.com/mark-analyst/mark/warehouse"
)

type job struct {
	ref    *bq.JobReference
	config *bq.JobConfiguration
	answer *Answer
	state  string // RUNNING or DONE
	failed *Failure
	billed int64
}

const mib = 1 << 20

// insert begins a job, or says what it would do.
func (s *Server) insert(project string, request *bq.Job) (any, *Failure) {
	s.requests = append(s.requests, request)
	sql := request.Configuration.Query.Query
	answer, failure := s.answerTo(project, sql, request)
	if failure != nil {
		return nil, failure
	}
	ref := request.JobReference
	if ref == nil {
		ref = &bq.JobReference{ProjectId: project}
	}
	if ref.Location == "" {
		ref.Location = "US"
	}
	if request.Configuration.DryRun {
		out := &bq.Job{JobReference: &bq.JobReference{ProjectId: project, Location: ref.Location}, Configuration: request.Configuration,
			Status: &bq.JobStatus{State: "DONE"}, Statistics: &bq.JobStatistics{TotalBytesProcessed: answer.Bytes, Query: answer.statistics()}}
		out.Statistics.Query.TotalBytesProcessedAccuracy = answer.Accuracy
		if answer.Accuracy == "" {
			out.Statistics.Query.TotalBytesProcessedAccuracy = "PRECISE"
		}
		if answer.NoStatistics {
			out.Statistics = nil
		}
		if answer.Unmarked {
			out.Configuration = &bq.JobConfiguration{Query: request.Configuration.Query}
		}
		return out, nil
	}
	if s.jobs[ref.JobId] != nil {
		return nil, &Failure{Status: 409, Reason: "duplicate", Message: "Already Exists: Job " + project + ":" + ref.JobId}
	}
	j := &job{ref: ref, config: request.Configuration, answer: answer, state: "DONE"}
	s.jobs[ref.JobId] = j
	most := request.Configuration.Query.MaximumBytesBilled
	s.maxima = append(s.maxima, most)
	j.billed = answer.Billed
	if j.billed == 0 {
		j.billed = (answer.Bytes + mib - 1) / mib * mib
	}
	switch {
	case most > 0 && j.billed > most:
		j.failed = &Failure{Status: 400, Reason: "bytesBilledLimitExceeded",
			Message: fmt.Sprintf("Query exceeded limit for bytes billed: %d. %d or higher required.", most, j.billed)}
		j.billed = 0
	case answer.JobFails != nil:
		j.failed, j.billed = answer.JobFails, 0
	case answer.Never:
		j.state, j.billed = "RUNNING", 0
		s.ran = append(s.ran, sql)
	default:
		s.ran = append(s.ran, sql)
	}
	s.billed += j.billed
	return j.describe(), nil
}

// answerTo is the answer that was given to a statement, or one made of it.
func (s *Server) answerTo(project, sql string, request *bq.Job) (*Answer, *Failure) {
	if a := s.answers[sql]; a != nil {
		if a.Fails != nil {
			return nil, a.Fails
		}
		out := *a
		if out.Type == "" {
			out.Type = StatementType(sql)
		}
		return &out, nil
	}
	if list := request.Configuration.Query.QueryParameters; s.echoes[sql] && len(list) > 0 {
		return echo(list[0]), nil
	}
	a := &Answer{Type: StatementType(sql), TotalRows: 1, Row: func(int) []any { return []any{"1"} },
		Schema: []*bq.TableFieldSchema{{Name: "f0_", Type: "INTEGER"}}}
	if a.Type == "" {
		return nil, &Failure{Status: 400, Reason: "invalidQuery", Message: "Syntax error: Unexpected end of script at [1:1]"}
	}
	if a.Type != "SELECT" {
		return a, nil
	}
	location := "US"
	if request.JobReference != nil && request.JobReference.Location != "" {
		location = request.JobReference.Location
	}
	for _, name := range sources(sql) {
		parts := strings.Split(name, ".")
		if len(parts) == 2 {
			parts = append([]string{project}, parts...)
		}
		d := s.dataset(parts[0], parts[1])
		if d == nil || d.location != location {
			return nil, notFound(fmt.Sprintf("Dataset %s:%s was not found in location %s", parts[0], parts[1], location))
		}
		t := d.table(parts[2])
		if t == nil {
			return nil, notFound(fmt.Sprintf("Table %s:%s.%s was not found in location %s", parts[0], parts[1], parts[2], location))
		}
		a.Tables = append(a.Tables, warehouse.TableRef{Project: parts[0], Dataset: parts[1], Table: parts[2]})
		a.Bytes += t.NumBytes
	}
	return a, nil
}

// echo answers with a parameter.
func echo(p *bq.QueryParameter) *Answer {
	field := &bq.TableFieldSchema{Name: "f0_", Type: p.ParameterType.Type}
	var value any = p.ParameterValue.Value
	switch {
	case p.ParameterType.ArrayType != nil:
		field.Type, field.Mode = p.ParameterType.ArrayType.Type, "REPEATED"
		list := []any{}
		for _, e := range p.ParameterValue.ArrayValues {
			list = append(list, e.Value)
		}
		value = list
	case len(p.ParameterValue.NullFields) > 0:
		value = nil
	case field.Type == "TIMESTAMP":
		at, err := time.Parse("2006-01-02 15:04:05.999999-07:00", p.ParameterValue.Value)
		if err != nil {
			value = "no timestamp: " + p.ParameterValue.Value
		} else {
			value = strconv.FormatInt(at.UnixMicro(), 10)
		}
	}
	if metadata := map[string]string{"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}[field.Type]; metadata != "" {
		field.Type = metadata
	}
	return &Answer{Type: "SELECT", TotalRows: 1, Schema: []*bq.TableFieldSchema{field}, Row: func(int) []any { return []any{value} }}
}

func (a *Answer) statistics() *bq.JobStatistics2 {
	out := &bq.JobStatistics2{StatementType: a.Type, TotalBytesProcessed: a.Bytes, CacheHit: a.CacheHit, Schema: &bq.TableSchema{Fields: a.Schema}}
	for _, t := range a.Tables {
		out.ReferencedTables = append(out.ReferencedTables, reference(t))
	}
	for _, t := range a.Views {
		out.ReferencedLogicalViews = append(out.ReferencedLogicalViews, reference(t))
	}
	for i := range a.Routines {
		out.ReferencedRoutines = append(out.ReferencedRoutines, &bq.RoutineReference{RoutineId: fmt.Sprint("r", i)})
	}
	return out
}

func reference(t warehouse.TableRef) *bq.TableReference {
	return &bq.TableReference{ProjectId: t.Project, DatasetId: t.Dataset, TableId: t.Table}
}

func (j *job) describe() *bq.Job {
	out := &bq.Job{JobReference: j.ref, Configuration: j.config, Status: &bq.JobStatus{State: j.state},
		Statistics: &bq.JobStatistics{CreationTime: 1_700_000_000_000, StartTime: 1_700_000_000_100, Query: j.answer.statistics()}}
	if j.state != "DONE" {
		return out
	}
	out.Statistics.EndTime = 1_700_000_001_500
	out.Statistics.TotalBytesProcessed = j.answer.Bytes
	out.Statistics.Query.TotalBytesBilled = j.billed
	if j.failed != nil {
		out.Status.ErrorResult = &bq.ErrorProto{Reason: j.failed.Reason, Message: j.failed.Message}
		out.Status.Errors = []*bq.ErrorProto{out.Status.ErrorResult}
	}
	return out
}

func (s *Server) cancel(j *job) {
	if j.state == "DONE" || j.answer.Deaf {
		return
	}
	j.state, j.billed = "DONE", j.answer.BilledWhenStopped
	j.failed = &Failure{Status: 400, Reason: "stopped", Message: "Job execution was cancelled: User requested cancellation"}
	s.billed += j.billed
}

// results answers getQueryResults.
func (s *Server) results(j *job, r *http.Request) (any, *Failure) {
	if j.failed != nil {
		return nil, j.failed
	}
	out := &bq.GetQueryResultsResponse{JobReference: j.ref, JobComplete: j.state == "DONE", ForceSendFields: []string{"JobComplete", "TotalRows"},
		ServerResponse: googleapi.ServerResponse{}}
	if !out.JobComplete {
		return out, nil
	}
	out.Schema, out.TotalRows = &bq.TableSchema{Fields: j.answer.Schema}, uint64(j.answer.TotalRows)
	from, to, next := part(r, j.answer.TotalRows, s.Rows)
	out.PageToken = next
	if encoded := j.answer.Encoded; encoded != nil {
		return &page{head: out, encoded: encoded, from: from, to: to}, nil
	}
	for i := from; i < to; i++ {
		out.Rows = append(out.Rows, Row(j.answer.Row(i)...))
	}
	return out, nil
}

// Row makes a row of cells: nil, strings, Record for records, []any for lists.
func Row(cells ...any) *bq.TableRow {
	out := &bq.TableRow{}
	for _, c := range cells {
		out.F = append(out.F, &bq.TableCell{V: cell(c), ForceSendFields: []string{"V"}})
	}
	return out
}

// Record is the value of a record.
type Record []any

func cell(v any) any {
	switch v := v.(type) {
	case Record:
		fields := make([]any, len(v))
		for i, f := range v {
			fields[i] = map[string]any{"v": cell(f)}
		}
		return map[string]any{"f": fields}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = map[string]any{"v": cell(e)}
		}
		return list
	}
	return v
}
