package datasets_test

import (
	"context"
	"errors"
	"sync"

	"github.com/mark-analyst/mark/warehouse"
)

// shelf is a warehouse of tables in memory. It counts what it is asked.
type shelf struct {
	name string

	mu     sync.Mutex // protects what follows
	tables map[warehouse.TableRef]*warehouse.Table
	err    error          // of every call, where there is one
	calls  map[string]int // of "table" with rows, of "glance" without
}

func newShelf(name string, tables ...*warehouse.Table) *shelf {
	s := &shelf{name: name, tables: map[warehouse.TableRef]*warehouse.Table{}, calls: map[string]int{}}
	s.put(tables...)
	return s
}

func (s *shelf) put(tables ...*warehouse.Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tables {
		s.tables[t.Ref] = t
	}
}

func (s *shelf) drop(ref warehouse.TableRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, ref)
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// asked returns how often what was asked since the last time.
func (s *shelf) asked() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = map[string]int{}
	return calls
}

func (s *shelf) count(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
}

func (s *shelf) Connection() warehouse.Connection {
	return warehouse.Connection{Name: s.name, Dialect: warehouse.GoogleSQL, Project: "acme-billing", Location: "EU"}
}

func (s *shelf) Browse(context.Context, warehouse.Place, warehouse.Page) (warehouse.Listing, error) {
	s.count("browse")
	return warehouse.Listing{}, nil
}

func (s *shelf) Table(_ context.Context, ref warehouse.TableRef, o warehouse.TableOptions) (*warehouse.Table, error) {
	call := "table"
	if o.SampleRows == 0 {
		call = "glance"
	}
	s.count(call)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	t, ok := s.tables[ref]
	if !ok {
		return nil, &warehouse.Error{Code: warehouse.CodeNotFound, Message: "There is no table " + ref.String() + ".", Suggestions: []string{"orders"}, Err: errors.New("secret")}
	}
	out := *t
	out.Sample = t.Sample[:min(o.SampleRows, len(t.Sample))]
	return &out, nil
}

func (s *shelf) Plan(context.Context, warehouse.Query) (warehouse.Plan, error) {
	s.count("plan")
	return warehouse.Plan{}, errors.New("nobody plans here")
}

func (s *shelf) Run(context.Context, warehouse.Plan) (warehouse.Result, error) {
	s.count("run")
	return nil, errors.New("nobody runs here")
}

func (s *shelf) Close() error { return nil }
