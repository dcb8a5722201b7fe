package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
)

// headRows is how many rows of a query's result are kept with its step; the whole
// is a file.
const headRows = 100

// priced plans a query and tells what a person has to decide on; nil where it may
// run, or where it may not and run_sql is to say so.
func priced(ctx context.Context, k *work, args map[string]any) (*ApprovalRequest, error) {
	a, err := k.planQuery(ctx, text(args, "connection"), warehouse.Query{SQL: text(args, "sql")})
	k.asking = a
	if err != nil || a.plan.Verdict != warehouse.NeedsApproval {
		return nil, unlessRefused(err)
	}
	request := &ApprovalRequest{
		Reason: untrusted.Line(a.plan.Reason), SQL: a.plan.SQL,
		Bytes: a.plan.Billed, CostMicros: a.plan.CostMicros,
	}
	for _, t := range a.plan.Tables {
		request.Tables = append(request.Tables, t.String())
	}
	return request, nil
}

// unlessRefused passes on what is not the warehouse's or the guard's to say.
func unlessRefused(err error) error {
	var refused *warehouse.Error
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// runSQL runs a query that may run: its price was looked at, and approved where it
// had to be.
func runSQL(ctx context.Context, k *work, s *ent.Step, args map[string]any) (callEnd, error) {
	a := k.asking
	var err error
	k.asking = nil
	if a != nil {
		err = a.refused
	} else { // there is no such connection
		a, err = k.planQuery(ctx, text(args, "connection"), warehouse.Query{SQL: text(args, "sql")})
	}
	if ctx.Err() != nil {
		return callEnd{}, context.Cause(ctx)
	}
	if err := unlessRefused(err); err != nil {
		return callEnd{}, err
	}
	if err != nil {
		if a != nil {
			if err := k.note(s, a.detail, true); err != nil {
				return callEnd{}, err
			}
		}
		code, problem := problemOf(err)
		return failed(code, problem), nil
	}
	if k.approved != nil {
		a.plan.Approval = &warehouse.Approval{By: k.row.OwnerID, Billed: k.approved.Bytes}
		k.approved = nil
	}
	out := &stepOutput{k: k, ctx: ctx, step: s}
	err = k.runQuery(ctx, s, a, func(r warehouse.Result) error {
		return out.query(ctx, untrusted.Line(text(args, "title")), r)
	})
	end := callEnd{state: step.StateSucceeded, outputs: out.all()}
	if ctx.Err() != nil {
		return end, context.Cause(ctx)
	}
	var refused *warehouse.Error
	switch {
	case errors.As(err, &refused):
		code, problem := problemOf(err)
		end.state, end.code, end.message = step.StateFailed, code, problem
		end.result = failed(code, problem).result
		return end, nil
	case err != nil:
		return end, err
	}
	k.usage.OutputBytes += outputBytes(end.outputs)
	k.evidence.add(s, end.outputs)
	end.result = k.tellQuery(a.detail, end.outputs)
	return end, nil
}

// query keeps a result: its head as a table, all of it as a file of JSON lines.
func (o *stepOutput) query(ctx context.Context, title string, r warehouse.Result) error {
	head := &headOf{Result: r}
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := warehouse.WriteJSONLines(ctx, writer, head)
		writer.CloseWithError(err)
		written <- err
	}()
	name := outputName(o.step.Index, len(o.rich)+1)
	file := execution.Artifact{Name: name + ".jsonl", MIMEType: "application/jsonl", Open: func() (io.ReadCloser, error) { return reader, nil }}
	kept, err := o.file(file)
	reader.Close()                          //nolint:errcheck // a pipe's never fails
	if failed := <-written; failed != nil { // what the warehouse says comes first
		return failed
	}
	if err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	out := Output{Name: name, Title: clip(title, 200), MIME: execution.MIMETable, Schema: encode(r.Columns()), Artifact: kept}
	out.Table = &execution.Table{RowCount: r.TotalRows(), Truncated: r.TotalRows() > int64(len(head.rows)), Rows: head.rows}
	for _, c := range r.Columns() {
		out.Table.Columns = append(out.Table.Columns, untrusted.Line(c.Name))
	}
	if why := o.k.unfit(out); why != "" {
		out.Table.Rows, out.Table.Truncated = nil, r.TotalRows() > 0
	}
	o.rich = append(o.rich, out)
	return o.k.rec.event(KindOutputAdded, EventBody{StepID: o.step.ID, Output: &out})
}

// headOf keeps the first rows that are read from a result, as tables hold cells.
type headOf struct {
	warehouse.Result
	rows [][]any
}

func (h *headOf) Next(ctx context.Context) ([]any, error) {
	row, err := h.Result.Next(ctx)
	if err == nil && len(h.rows) < headRows {
		h.rows = append(h.rows, cells(row))
	}
	return row, err
}

// maxCell is how much of a text or a nested value a table's cell shows, characters.
const maxCell = 1_000

func cells(row []any) []any {
	out := make([]any, len(row))
	for i, v := range warehouse.JSONRow(row) {
		switch v := v.(type) {
		case nil, bool, float64:
			out[i] = v
		case int64:
			if v > 1<<53 || v < -1<<53 {
				out[i] = fmt.Sprint(v)
			} else {
				out[i] = v
			}
		case string:
			out[i] = clip(untrusted.Clean(v), maxCell)
		default:
			raw, err := json.Marshal(v)
			if err != nil {
				raw = []byte("?")
			}
			out[i] = clip(untrusted.Clean(string(raw)), maxCell)
		}
	}
	return out
}

// tellQuery is a result as the model reads it.
func (k *work) tellQuery(q QueryDetail, outputs []Output) string {
	billed := fmt.Sprintf("%d bytes billed", q.Stats.BytesBilled)
	if q.Stats.CacheHit {
		billed = "answered from the cache, nothing billed"
	}
	note := fmt.Sprintf("(%d rows; %s.", *q.Rows, billed)
	if q.Connection == FilesConnection {
		note = fmt.Sprintf("(%d rows.", *q.Rows)
	}
	if q.Truncated {
		note += " Only a part of them was read: more than is allowed. Aggregate or filter in SQL."
	}
	note += fmt.Sprintf(" In Python: import mark; df = mark.result(%q))\n", outputs[0].Name)
	return note + k.tell(outputs, false, "")
}
