// Package bqfake is a fake of BigQuery's REST API, version 2, for tests with the
// official client. It computes nothing: tests say what each statement answers.
// What it does do truly is what the guard relies on: a dry run runs nothing and
// says what the statement is, which tables it reads and what it would bill;
// maximumBytesBilled holds; a job's id begins one job.
package bqfake

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
)

// Server is a fake BigQuery on a loopback address. Set it up before it is asked;
// Answer, Fail and the counters may be used at any time.
type Server struct {
	URL string
	// Rows is the most rows a page of results has; 0 for as many as are asked for.
	Rows int
	// Token, when not "", is the bearer token that every call must carry.
	Token string

	mu       sync.Mutex // protects what follows
	datasets []*dataset
	answers  map[string]*Answer
	echoes   map[string]bool
	failures map[Call][]*Failure
	calls    map[Call]int
	jobs     map[string]*job
	ran      []string
	billed   int64
	maxima   []int64 // maximumBytesBilled of the jobs that ran
	requests []*bq.Job
}

type dataset struct {
	project, name, location string
	tables                  []*Table
}

// Table is a table of the fake.
type Table struct {
	*bq.Table
	// Preview are the rows of tabledata.list: cells as the API writes them.
	Preview []*bq.TableRow
}

// Call is a kind of call.
type Call string

// The kinds of calls.
const (
	DatasetsList    Call = "datasets.list"
	DatasetsGet     Call = "datasets.get"
	TablesList      Call = "tables.list"
	TablesGet       Call = "tables.get"
	TabledataList   Call = "tabledata.list"
	JobsDryRun      Call = "jobs.insert dryRun"
	JobsInsert      Call = "jobs.insert" // the one that is billed
	JobsGet         Call = "jobs.get"
	JobsCancel      Call = "jobs.cancel"
	JobsQueryResult Call = "jobs.getQueryResults"
	Unknown         Call = "unknown"
)

// Answer is what a statement does.
type Answer struct {
	// Type is StatementType's when "".
	Type      string
	Tables    []warehouse.TableRef
	Views     []warehouse.TableRef
	Routines  int
	Bytes     int64
	Accuracy  string // PRECISE when ""
	Schema    []*bq.TableFieldSchema
	TotalRows int
	Row       func(i int) []any // cells as the API writes them
	// Encoded appends a row as the API writes it, {"f":[{"v":…},…]}, where making
	// cells of many rows would take too long; nil: Row.
	Encoded  func(b []byte, i int) []byte
	Billed   int64 // Bytes in whole mebibytes when 0
	CacheHit bool
	// NoStatistics is a dry run that says nothing of the statement.
	NoStatistics bool
	// Unmarked is an answer to a dry run that does not say that it is one, as of
	// a service that does not know of dry runs.
	Unmarked bool
	// Fails is how the dry run fails, JobFails how the job does once it runs.
	Fails, JobFails *Failure
	// Never is a job that never ends by itself; Deaf is one that does not end when
	// it is cancelled either.
	Never, Deaf bool
	// BilledWhenStopped is what a cancelled job bills.
	BilledWhenStopped int64
}

// Failure is an error of the API.
type Failure struct {
	Status  int
	Reason  string
	Message string
	Header  http.Header
	// Hang keeps the call open until the client gives up.
	Hang bool
	// After does what was asked, and then fails: the answer is lost.
	After bool
}

// New starts a fake that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{answers: map[string]*Answer{}, echoes: map[string]bool{}, failures: map[Call][]*Failure{}, calls: map[Call]int{}, jobs: map[string]*job{}}
	server := httptest.NewServer(s)
	s.URL = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// AddDataset adds a dataset.
func (s *Server) AddDataset(project, name, location string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.datasets = append(s.datasets, &dataset{project: project, name: name, location: location})
}

// AddTable adds a table to a dataset that is there, or that is added in US.
func (s *Server) AddTable(ref warehouse.TableRef, t Table) {
	s.mu.Lock()
	d := s.dataset(ref.Project, ref.Dataset)
	s.mu.Unlock()
	if d == nil {
		s.AddDataset(ref.Project, ref.Dataset, "US")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d = s.dataset(ref.Project, ref.Dataset)
	t.TableReference = &bq.TableReference{ProjectId: ref.Project, DatasetId: ref.Dataset, TableId: ref.Table}
	t.Location = d.location
	if t.Type == "" {
		t.Type = "TABLE"
	}
	d.tables = append(d.tables, &t)
}

// Change changes a table that is there.
func (s *Server) Change(ref warehouse.TableRef, change func(*bq.Table)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := s.dataset(ref.Project, ref.Dataset).table(ref.Table)
	// Answers that are on their way keep what they say.
	now, schema := *table.Table, *table.Schema
	now.Schema = &schema
	change(&now)
	table.Table = &now
}

// Answer says what a statement answers, letter for letter. Other statements get
// one row, or fail where they name a table that is not there.
func (s *Server) Answer(sql string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[sql] = &a
}

// Echo lets a statement give its first parameter back.
func (s *Server) Echo(sql string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echoes[sql] = true
}

// Fail lets the next so many calls of a kind fail.
func (s *Server) Fail(call Call, times int, f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range times {
		s.failures[call] = append(s.failures[call], &f)
	}
}

// Calls is how often a kind of call was made.
func (s *Server) Calls(call Call) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

// Ran are the statements that ran, in order.
func (s *Server) Ran() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ran...)
}

// Billed is what all jobs billed.
func (s *Server) Billed() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.billed
}

// Maxima are the maximumBytesBilled of the jobs that were begun.
func (s *Server) Maxima() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int64(nil), s.maxima...)
}

// Requests are the jobs as they were asked for, dry runs too.
func (s *Server) Requests() []*bq.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*bq.Job(nil), s.requests...)
}

// Running waits until so many jobs that never end are running, and fails the
// test after ten seconds.
func (s *Server) Running(t testing.TB, n int) {
	t.Helper()
	s.until(t, "jobs are running", n, func() int {
		running := 0
		for _, j := range s.jobs {
			if j.state == "RUNNING" {
				running++
			}
		}
		return running
	})
}

// Called waits until a kind of call was made so often, and fails the test after
// ten seconds.
func (s *Server) Called(t testing.TB, call Call, n int) {
	t.Helper()
	s.until(t, "calls of "+string(call), n, func() int { return s.calls[call] })
}

// until waits until the count, which is taken under the lock, is n.
func (s *Server) until(t testing.TB, what string, n int, count func() int) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		now := count()
		s.mu.Unlock()
		if now >= n {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%d %s, not %d", now, what, n)
		}
	}
}

func (s *Server) dataset(project, name string) *dataset {
	for _, d := range s.datasets {
		if d.project == project && d.name == name {
			return d
		}
	}
	return nil
}

func (d *dataset) table(name string) *Table {
	if d == nil {
		return nil
	}
	for _, t := range d.tables {
		if t.TableReference.TableId == name {
			return t
		}
	}
	return nil
}
