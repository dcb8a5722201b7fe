package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
)

// asking is a query that was planned, on its way to being run.
type asking struct {
	warehouse warehouse.Warehouse
	plan      warehouse.Plan
	detail    QueryDetail
	refused   error // why it may not run; nil: it may
}

// warehouseOf finds a connection by its name; "" is the only one, or the one that
// all of the chat's tables are of: of warehouses, or where there are none, the
// chat's files.
func (k *work) warehouseOf(name string) (warehouse.Warehouse, *warehouse.Error) {
	if name == "" && len(k.Warehouses) > 1 {
		name = k.onlyConnection()
	}
	var names []string
	if files, broken := k.files(); files != nil || broken != nil {
		if name == FilesConnection || name == "" && len(k.Warehouses) == 0 {
			return files, broken
		}
		names = append(names, FilesConnection)
	}
	for _, w := range k.Warehouses {
		c := w.Connection()
		if c.Name == name || name == "" && len(k.Warehouses) == 1 {
			return w, nil
		}
		names = append(names, c.Name)
	}
	return nil, &warehouse.Error{Code: warehouse.CodeNotFound, Message: "Say which connection: " + strings.Join(names, ", ") + "."}
}

// onlyConnection is the connection that all of the chat's tables are of; "" where
// there are none, or several.
func (k *work) onlyConnection() string {
	only := ""
	for _, d := range k.datasets {
		switch {
		case !isTable(d):
		case only != "" && only != d.Connection:
			return ""
		default:
			only = d.Connection
		}
	}
	return only
}

// planQuery takes a statement through the guard. A refusal is an *warehouse.Error
// and an asking whose detail says so.
func (k *work) planQuery(ctx context.Context, connection string, q warehouse.Query) (*asking, error) {
	w, unknown := k.warehouseOf(connection)
	if unknown != nil {
		return nil, unknown
	}
	today, err := k.usedToday(ctx, k.Client)
	if err != nil {
		return nil, err
	}
	q.Spent = warehouse.Spent{Run: k.usage.BytesBilled, UserDay: today.BytesBilled}
	q.Labels = map[string]string{"mark_user": k.row.OwnerID, "mark_chat": k.row.ChatID, "mark_run": k.row.ID}
	plan, err := w.Plan(ctx, q)
	c := w.Connection()
	a := &asking{warehouse: w, plan: plan, detail: QueryDetail{
		Connection: c.Name, Dialect: string(c.Dialect), State: QueryRefused, Decision: plan.Decision,
	}}
	if err != nil {
		a.detail.fail(err)
		if plan.Verdict == warehouse.Refused {
			a.detail.State = QueryRefused
		}
		a.detail.Decision.SQL = q.SQL
		a.refused = err
		return a, err
	}
	return a, nil
}

// note adds a query to those of the step, or changes the newest, and stores them.
func (k *work) note(s *ent.Step, q QueryDetail, first bool) error {
	if first {
		k.queries = append(k.queries, q)
	} else {
		k.queries[len(k.queries)-1] = q
	}
	raw := storable.JSON(encode(k.queries))
	err := k.rec.store(func(ctx context.Context, tx *ent.Tx) error {
		return tx.Step.Update().Where(step.ID(s.ID)).SetQueries(raw).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("store what a warehouse is asked: %w", err)
	}
	return nil
}

// runQuery runs what was planned and hands the result to read. The query is stored
// before it runs, and again when it has ended, whatever ended it.
func (k *work) runQuery(ctx context.Context, s *ent.Step, a *asking, read func(warehouse.Result) error) error {
	a.detail.State = QueryRunning
	if a.plan.Approval != nil {
		a.detail.ApprovedBy = a.plan.Approval.By
	}
	if err := k.note(s, a.detail, true); err != nil {
		return err
	}
	k.doing = Stopped{What: DoingQuery, StepID: s.ID}
	result, err := a.warehouse.Run(ctx, a.plan)
	if err == nil {
		err = read(result)
		total := result.TotalRows()
		a.detail.State, a.detail.Stats, a.detail.Rows, a.detail.Truncated = QuerySucceeded, result.Stats(), &total, result.Truncated()
		if closed := result.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		a.detail.fail(err)
	}
	if ctx.Err() == nil {
		k.doing = Stopped{What: DoingNothing}
	} else if a.detail.State == QueryFailed {
		a.detail.State = QueryCancelled
	}
	bytes, micros := a.detail.billed()
	k.usage.BytesBilled += bytes
	k.usage.CostMicros += micros
	return errors.Join(err, k.note(s, a.detail, false))
}

// recountQueries counts what an earlier claim of the run has had billed in a step.
func (k *work) recountQueries(s *ent.Step) error {
	list, err := QueriesOf(s.Queries, true)
	if err != nil {
		return fmt.Errorf("step %d: %w", s.Index, err)
	}
	for _, q := range list {
		if q.State == QueryRefused {
			continue
		}
		bytes, micros := q.billed()
		k.usage.BytesBilled += bytes
		k.usage.CostMicros += micros
	}
	return nil
}

// problemOf is what a model is told of a query that brought nothing.
func problemOf(err error) (code, text string) {
	var e *warehouse.Error
	if !errors.As(err, &e) {
		return CodeInternal, "Asking the warehouse failed."
	}
	text = untrusted.Clean(e.Message)
	if e.Position != nil {
		text += fmt.Sprintf(" (line %d, column %d)", e.Position.Line, e.Position.Column)
	}
	return string(e.Code), text
}
