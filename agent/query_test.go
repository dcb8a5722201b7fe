package agent_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/approval"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/warehouse"
)

// scriptedWarehouse prices each statement by its length, in MiB, and answers all of
// them with the same rows. Its guard is one word.
type scriptedWarehouse struct {
	hang chan struct{} // not nil: closed when a query runs, which then waits for its end

	mu    sync.Mutex
	plans []warehouse.Query
	ran   []warehouse.Plan
}

const mebi = 1 << 20

func (w *scriptedWarehouse) Connection() warehouse.Connection {
	return warehouse.Connection{Name: "lake", Dialect: warehouse.GoogleSQL, Project: "p"}
}

func (w *scriptedWarehouse) Browse(context.Context, warehouse.Place, warehouse.Page) (warehouse.Listing, error) {
	return warehouse.Listing{}, nil
}

func (w *scriptedWarehouse) Table(context.Context, warehouse.TableRef, warehouse.TableOptions) (*warehouse.Table, error) {
	return nil, &warehouse.Error{Code: warehouse.CodeNotFound, Message: "No such table."}
}

func (w *scriptedWarehouse) Plan(_ context.Context, q warehouse.Query) (warehouse.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans = append(w.plans, q)
	bytes := int64(len(q.SQL)) * mebi
	p := warehouse.Plan{Statement: "SELECT", Params: q.Params, Seal: "sealed", MaxBilled: bytes, PlannedAt: time.Now(), Decision: warehouse.Decision{
		SQL: q.SQL, Bytes: bytes, Billed: bytes, CostMicros: bytes / mebi, Verdict: warehouse.Allowed, Stage: warehouse.StagePassed,
		Tables: []warehouse.TableRef{{Project: "p", Dataset: "d", Table: "t"}},
	}}
	switch {
	case strings.Contains(q.SQL, "DROP"):
		p.Verdict, p.Stage, p.Seal = warehouse.Refused, warehouse.StageStatement, ""
		return p, &warehouse.Error{Code: warehouse.CodeForbiddenSQL, Message: "Only SELECT runs."}
	case strings.Contains(q.SQL, "dear"):
		p.Verdict, p.Reason = warehouse.NeedsApproval, "It costs more than runs at once."
	}
	return p, nil
}

func (w *scriptedWarehouse) Run(ctx context.Context, p warehouse.Plan) (warehouse.Result, error) {
	w.mu.Lock()
	w.ran = append(w.ran, p)
	w.mu.Unlock()
	if p.Verdict == warehouse.NeedsApproval && (p.Approval == nil || p.Approval.Billed < p.Billed) {
		return nil, &warehouse.Error{Code: warehouse.CodeApprovalNeeded, Message: "A person must approve."}
	}
	if w.hang != nil {
		close(w.hang)
		<-ctx.Done()
		return nil, &warehouse.Error{Code: warehouse.CodeCancelled, Message: "Cancelled.", Stats: &warehouse.Stats{JobID: "job", BytesBilled: 5 * mebi, CostMicros: 5}}
	}
	return &scriptedResult{stats: warehouse.Stats{JobID: "job", BytesProcessed: p.Bytes, BytesBilled: p.Billed, CostMicros: p.CostMicros, Duration: time.Second}}, nil
}

func (w *scriptedWarehouse) Close() error { return nil }

type scriptedResult struct {
	stats warehouse.Stats
	next  int
}

func (r *scriptedResult) Columns() []warehouse.Column {
	return []warehouse.Column{{Name: "n", Type: warehouse.Integer}, {Name: "price", Type: warehouse.Numeric}}
}

func (r *scriptedResult) Next(context.Context) ([]any, error) {
	if r.next++; r.next > 150 {
		return nil, io.EOF
	}
	return []any{int64(r.next), "1234.5"}, nil
}
func (r *scriptedResult) TotalRows() int64       { return 150 }
func (r *scriptedResult) Truncated() bool        { return false }
func (r *scriptedResult) Stats() warehouse.Stats { return r.stats }
func (r *scriptedResult) Close() error           { return nil }

func withWarehouse(w *scriptedWarehouse) func(*agent.Config) {
	return func(c *agent.Config) { c.Warehouses = []warehouse.Warehouse{w} }
}

func sqlCall(sql string) turn {
	raw, _ := json.Marshal(map[string]string{"sql": sql, "title": "Prices"})
	return calls("run_sql", string(raw))
}

func (b *bench) queries(r string) []agent.QueryDetail {
	b.t.Helper()
	var all []agent.QueryDetail
	for _, s := range b.stepsOf(b.client.Run.GetX(b.ctx, r)) {
		list, err := agent.QueriesOf(s.Queries, s.Result != nil)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, list...)
	}
	return all
}

func TestAQueryBringsATableAndAFile(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := &scriptedWarehouse{}
		b := newBench(t, s, withWarehouse(w))
		b.model.then(sqlCall("SELECT 1"), says("It is 1234.5."))
		r, events := b.ask(agent.Question{Text: "q"})
		if r.State != run.StateSucceeded || r.BytesBilled != 8*mebi || r.CostMicros < 8 {
			t.Fatalf("%s %s; %d bytes billed, %d micros", r.State, r.ErrorMessage, r.BytesBilled, r.CostMicros)
		}
		told := text(b.model.requests[1].Messages)
		for _, want := range []string{"150 rows", "8388608 bytes billed", `mark.result("s1.o1")`, "1234.5"} {
			if !strings.Contains(told, want) {
				t.Errorf("the model is not told %q:\n%s", want, told)
			}
		}
		detail := b.queries(r.ID)
		if len(detail) != 1 || detail[0].State != agent.QuerySucceeded || *detail[0].Rows != 150 || detail[0].Stats.JobID != "job" || detail[0].Decision.SQL != "SELECT 1" {
			t.Errorf("recorded %+v", detail)
		}
		st := b.stepsOf(r)[0]
		outputs, err := agent.Outputs(st.Outputs)
		if err != nil || len(outputs) != 1 || len(outputs[0].Table.Rows) != 100 || outputs[0].Table.RowCount != 150 {
			t.Fatalf("outputs %+v (%v)", outputs, err)
		}
		path, release, err := b.agent.Blobs.Path(b.ctx, st.QueryArtifacts().OnlyX(b.ctx).BlobKey)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if raw, err := os.ReadFile(path); err != nil || strings.Count(string(raw), "\n") != 150 || !strings.HasPrefix(string(raw), "[1,\"1234.5\"]\n") {
			t.Errorf("the file holds %.60q (%v)", raw, err)
		}
		for _, e := range events {
			if body, _ := agent.Body(e.Body); e.Kind == agent.KindToolStarted && (body.SQL != "SELECT 1" || body.Code != "") {
				t.Errorf("ToolStarted tells %+v", body)
			}
		}
		if labels := w.plans[0].Labels; labels["mark_run"] != r.ID {
			t.Errorf("labels %v", labels)
		}
	})
}

func TestWithoutAWarehouseThereIsNoSQL(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(sqlCall("SELECT 1"), says("Well."))
	b.ask(agent.Question{Text: "q"})
	for _, tool := range b.model.requests[0].Tools {
		if tool.Name == "run_sql" {
			t.Error("run_sql is offered")
		}
	}
	if told := text(b.model.requests[1].Messages); !strings.Contains(told, "no tool of that name") {
		t.Errorf("the model is told\n%s", told)
	}
}

func TestADearQueryWaitsForItsApproval(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := &scriptedWarehouse{}
		b := newBench(t, s, withWarehouse(w))
		b.model.then(sqlCall("SELECT dear"), says("Done."))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		asked := b.until(sent.Run.ID, agent.KindApprovalRequested)
		request, err := agent.RequestOf(b.client.Approval.GetX(b.ctx, asked.ApprovalID))
		if err != nil || request.SQL != "SELECT dear" || request.Bytes != 11*mebi || request.CostMicros != 11 || strings.Join(request.Tables, ",") != "p.d.t" {
			t.Errorf("to approve: %+v (%v)", request, err)
		}
		if len(w.ran) != 0 {
			t.Fatal("it ran unapproved")
		}
		// The service ends, and another node goes on.
		b.close()
		next := newBenchOf(t, s, "bob@example.org", func(c *agent.Config) { withWarehouse(w)(c); c.Models[0].LLM, c.Node = b.model, "next" })
		next.ctx = b.ctx
		if _, _, err := next.agent.DecideApproval(b.ctx, asked.ApprovalID, agent.Decision{Approve: true}); err != nil {
			t.Fatal(err)
		}
		r, _ := next.await(sent.Run.ID)
		if r.State != run.StateSucceeded || len(w.ran) != 1 || w.ran[0].Approval == nil || w.ran[0].Approval.Billed != 11*mebi {
			t.Errorf("%s %s, ran %+v", r.State, r.ErrorMessage, w.ran)
		}
		if detail := next.queries(r.ID); len(detail) != 1 || detail[0].ApprovedBy == "" {
			t.Errorf("recorded %+v", detail)
		}
	})
}

func TestARefusedApprovalRunsNothing(t *testing.T) {
	w := &scriptedWarehouse{}
	b := newBench(t, databases.SQLite(t), withWarehouse(w))
	b.model.then(sqlCall("SELECT dear"), says("Then not."))
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	asked := b.until(sent.Run.ID, agent.KindApprovalRequested)
	if a, _, err := b.agent.DecideApproval(b.ctx, asked.ApprovalID, agent.Decision{}); err != nil || a.State != approval.StateRejected {
		t.Fatal(err)
	}
	if r, _ := b.await(sent.Run.ID); r.State != run.StateSucceeded || len(w.ran) != 0 || r.BytesBilled != 0 {
		t.Errorf("%s, ran %+v, %d bytes billed", r.State, w.ran, r.BytesBilled)
	}
}

func TestTheGuardsNoIsToldAndRecorded(t *testing.T) {
	w := &scriptedWarehouse{}
	b := newBench(t, databases.SQLite(t), withWarehouse(w))
	b.model.then(sqlCall("DROP TABLE t"), says("I may not."))
	r, _ := b.ask(agent.Question{Text: "q"})
	if told := text(b.model.requests[1].Messages); !strings.Contains(told, "Only SELECT runs.") {
		t.Errorf("the model is told\n%s", told)
	}
	if detail := b.queries(r.ID); len(detail) != 1 || detail[0].State != agent.QueryRefused || detail[0].Decision.Stage != warehouse.StageStatement || detail[0].Error.Code != "SQL_FORBIDDEN" {
		t.Errorf("recorded %+v", detail)
	}
	if st := b.stepsOf(r)[0]; st.ErrorCode != "SQL_FORBIDDEN" || len(w.ran) != 0 || r.BytesBilled != 0 {
		t.Errorf("the step failed with %q, ran %+v", st.ErrorCode, w.ran)
	}
}

func TestStoppingCancelsTheQueryAndSaysWhatWasBilled(t *testing.T) {
	w := &scriptedWarehouse{hang: make(chan struct{})}
	b := newBench(t, databases.SQLite(t), withWarehouse(w))
	b.model.then(sqlCall("SELECT 1"))
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-w.hang
	if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
		t.Fatal(err)
	}
	r, events := b.await(sent.Run.ID)
	body, err := agent.Body(events[len(events)-1].Body)
	if err != nil || body.Stopped == nil || body.Stopped.What != agent.DoingQuery || r.BytesBilled != 5*mebi {
		t.Errorf("stopped %+v, %d bytes billed (%v)", body.Stopped, r.BytesBilled, err)
	}
	if detail := b.queries(r.ID); len(detail) != 1 || detail[0].State != agent.QueryCancelled || detail[0].Stats.BytesBilled != 5*mebi {
		t.Errorf("recorded %+v", detail)
	}
}

// A program asks, too, and takes what run_sql has brought.
func TestProgramsAskTheWarehouse(t *testing.T) {
	w := &scriptedWarehouse{}
	b := newBench(t, databases.SQLite(t), withWarehouse(w))
	var said []string
	b.python.calls = func(ask func(method, args string) (any, error)) {
		note := func(v any, err error) {
			raw, _ := json.Marshal(v)
			var refused *execution.CallError
			if errors.As(err, &refused) {
				raw = []byte(refused.Message)
			} else if err != nil {
				raw = []byte("broken: " + err.Error())
			}
			said = append(said, string(raw))
		}
		note(ask("query", `{"sql":"SELECT 1","params":[{"name":"x","type":"INT64","value":"7"},{"name":"l","type":"ARRAY","items":"DATE","value":["2024-01-02"]}]}`))
		note(ask("rows", `{"result":1,"page":0}`))
		note(ask("rows", `{"result":1,"page":0}`))
		note(ask("query", `{"sql":"SELECT dear"}`))
		note(ask("query", `{"sql":"DROP TABLE t"}`))
		note(ask("result", `{"name":"s1.o1"}`))
		note(ask("rows", `{"result":2,"page":0}`))
		note(ask("rows", `{"result":2,"page":1}`))
		note(ask("result", `{"name":"s7.o1"}`))
	}
	b.model.then(sqlCall("SELECT 22"), python("mark"), says("Done."))
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateSucceeded || len(said) != 9 {
		t.Fatalf("%s %s, %d answers", r.State, r.ErrorMessage, len(said))
	}
	var rows []byte
	for i := range 150 {
		rows = fmt.Appendf(rows, "%d,1234.5\n", i+1)
	}
	prices := fmt.Sprintf(`{"csv":"%s","done":false}`, base64.StdEncoding.EncodeToString(rows))
	for i, want := range []string{
		`{"result":1,"schema":[{"name":"n","type":"INTEGER"`, prices, "in order",
		"needs a person's approval", "Only SELECT runs.", `{"result":2,`, prices, `{"csv":"","done":true}`, "no output of that name",
	} {
		if !strings.Contains(said[i], want) {
			t.Errorf("answer %d is %.200s, want %s", i+1, said[i], want)
		}
	}
	if p := w.plans[1].Params; len(p) != 2 || p[0].Value != json.Number("7") || !p[1].Array || p[1].Type != warehouse.Date {
		t.Errorf("parameters %+v", p)
	}
	if detail := b.queries(r.ID); len(detail) != 4 || detail[2].State != agent.QueryRefused || len(w.ran) != 2 || r.BytesBilled != 17*mebi {
		t.Errorf("recorded %+v; %d bytes billed", detail, r.BytesBilled)
	}
}
