package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/warehouse"
)

// maxQueries is how many queries one program asks.
const maxQueries = 20

// hostQuery answers mark.query, mark.result and the pages of both, for one step.
type hostQuery struct {
	k    *work
	step *ent.Step

	mu      sync.Mutex // one call at a time: programs ask from several threads
	results []*handedOut
	asked   int
}

// answer answers a call of the step's program.
func (h *hostQuery) answer(ctx context.Context, c execution.Call) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch c.Method {
	case "query":
		return h.query(ctx, c.Args)
	case "result":
		return h.result(ctx, c.Args)
	case "rows":
		return h.rows(c.Args)
	}
	return h.k.answerCall(ctx, c)
}

// opened is what Python is told of a result before its rows.
type opened struct {
	Result    int             `json:"result"`
	Schema    json.RawMessage `json:"schema"`
	Rows      int64           `json:"rows"`
	Truncated bool            `json:"truncated"`
}

func (h *hostQuery) open(r *handedOut) opened {
	h.results = append(h.results, r)
	return opened{Result: len(h.results), Schema: r.schema, Rows: r.rows, Truncated: r.truncated}
}

// close gives back what the step's program has not taken.
func (h *hostQuery) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.results {
		r.close()
	}
	h.results = nil
}

// query runs a query that needs no approval: a program cannot wait for a person.
func (h *hostQuery) query(ctx context.Context, raw json.RawMessage) (any, error) {
	k := h.k
	if len(k.Warehouses) == 0 {
		return nil, &execution.CallError{Message: "No warehouse is configured: only the files of this chat can be analysed, with mark.dataset and mark.sql; see mark.files()."}
	}
	if h.asked++; h.asked > maxQueries {
		return nil, &execution.CallError{Message: fmt.Sprintf("A program asks a warehouse at most %d times. Ask for more at once.", maxQueries)}
	}
	var args struct {
		SQL        string
		Connection string
		Params     []queryParam
	}
	if err := json.Unmarshal(raw, &args); err != nil {
		return nil, &execution.CallError{Message: "mark.query takes a statement and named parameters."}
	}
	q := warehouse.Query{SQL: args.SQL}
	for _, p := range args.Params {
		q.Params = append(q.Params, p.param())
	}
	a, err := k.planQuery(ctx, args.Connection, q)
	if err == nil && a.plan.Verdict == warehouse.NeedsApproval {
		err = &warehouse.Error{Code: warehouse.CodeApprovalNeeded, Message: "This query needs a person's approval, for which a program cannot wait: ask with the tool run_sql, and take mark.result(name) here."}
		a.detail.State = QueryRefused
		a.detail.Error = &Failure{Code: string(warehouse.CodeApprovalNeeded), Message: "It needed a person's approval."}
	}
	if err != nil {
		if a != nil {
			if err := k.note(h.step, a.detail, true); err != nil {
				return nil, err
			}
		}
		return nil, refusal(err)
	}
	var taken *handedOut
	err = k.runQuery(ctx, h.step, a, func(r warehouse.Result) error {
		var err error
		taken, err = take(ctx, r)
		return err
	})
	k.doing = Stopped{What: DoingPython, StepID: h.step.ID}
	if err != nil {
		if taken != nil {
			taken.close()
		}
		return nil, refusal(err)
	}
	return h.open(taken), nil
}

// refusal is an error as Python reads it; what is not the warehouse's to say stays
// here.
func refusal(err error) error {
	var e *warehouse.Error
	if !errors.As(err, &e) {
		return err
	}
	_, text := problemOf(err)
	return &execution.CallError{Message: text}
}

// result gives what run_sql has brought in this run or in an earlier one of the
// chat's that the model still knows of.
func (h *hostQuery) result(ctx context.Context, raw json.RawMessage) (any, error) {
	var args struct{ Name string }
	if err := json.Unmarshal(raw, &args); err != nil {
		return nil, &execution.CallError{Message: "mark.result takes the name of an output."}
	}
	found, ok := h.k.evidence.find(args.Name)
	if !ok || found.Output == nil || len(found.Output.Schema) == 0 || found.Output.Artifact == nil {
		return nil, &execution.CallError{Message: "run_sql has brought no output of that name in this run."}
	}
	artifact, err := h.k.Client.Artifact.Get(ctx, found.Output.Artifact.ID)
	if err != nil {
		return nil, fmt.Errorf("find a result: %w", err)
	}
	path, release, err := h.k.Blobs.Path(ctx, artifact.BlobKey)
	if err != nil {
		return nil, fmt.Errorf("fetch a result: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		release()
		return nil, fmt.Errorf("open a result: %w", err)
	}
	return h.open(&handedOut{
		pages: &stored{file: file, lines: bufio.NewReaderSize(file, 64<<10)}, release: release,
		schema: found.Output.Schema, rows: found.Output.Table.RowCount,
	}), nil
}

// rows gives the next page of a result.
func (h *hostQuery) rows(raw json.RawMessage) (any, error) {
	var args struct{ Result, Page int }
	if err := json.Unmarshal(raw, &args); err != nil || args.Result < 1 || args.Result > len(h.results) {
		return nil, &execution.CallError{Message: "There is no such result (any more): ask for it in this step."}
	}
	r := h.results[args.Result-1]
	if args.Page != r.next {
		return nil, &execution.CallError{Message: "The pages of a result are taken in order, each once."}
	}
	r.next++
	page, err := r.pages.page()
	if err != nil {
		return nil, refusal(err)
	}
	return struct {
		CSV  []byte `json:"csv"` // in base 64
		Done bool   `json:"done"`
	}{append([]byte{}, page...), len(page) == 0}, nil
}

// queryParam is a parameter as Python sends it.
type queryParam struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Items string          `json:"items"`
	Value json.RawMessage `json:"value"`
}

// paramTypes are the names of types in Python's parameters that metadata call
// otherwise.
var paramTypes = map[string]warehouse.Type{"INT64": warehouse.Integer, "FLOAT64": warehouse.Float, "BOOL": warehouse.Boolean}

// param is the parameter as a warehouse takes it; what its value is worth the
// driver checks.
func (p queryParam) param() warehouse.Param {
	out := warehouse.Param{Name: p.Name, Type: warehouse.Type(p.Type)}
	if p.Type == "ARRAY" {
		out.Type, out.Array = warehouse.Type(p.Items), true
	}
	if known, ok := paramTypes[string(out.Type)]; ok {
		out.Type = known
	}
	if !out.Array {
		var text *string
		if json.Unmarshal(p.Value, &text) == nil && text != nil {
			out.Value = paramValue(out.Type, *text)
		}
		return out
	}
	var texts []*string
	if json.Unmarshal(p.Value, &texts) != nil {
		return out
	}
	list := make([]any, len(texts))
	for i, text := range texts {
		if text != nil {
			list[i] = paramValue(out.Type, *text)
		}
	}
	out.Value = list
	return out
}

func paramValue(t warehouse.Type, text string) any {
	switch t {
	case warehouse.Integer:
		return json.Number(text)
	case warehouse.Float:
		switch strings.ToLower(text) {
		case "nan":
			return "NaN"
		case "inf":
			return "Infinity"
		case "-inf":
			return "-Infinity"
		}
		var f float64
		if json.Unmarshal([]byte(text), &f) == nil {
			return f
		}
	case warehouse.Boolean:
		return text == "true"
	}
	return text
}
