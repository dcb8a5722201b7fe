package warehousetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/warehouse"
)

var plans = []test{
	{name: "a plan says what it reads and runs nothing", run: func(t *testing.T, f Fixture) {
		plan := planned(t, f.open(t), f.SQL.Orders)
		if plan.Verdict != warehouse.Allowed || plan.Stage != warehouse.StagePassed || plan.Statement != "SELECT" || plan.SQL != f.SQL.Orders {
			t.Errorf("%+v", plan)
		}
		if len(plan.Tables) != 1 || plan.Tables[0] != f.Orders {
			t.Errorf("it reads %v", plan.Tables)
		}
		if len(plan.Columns) != 2 || plan.Columns[0].Type != warehouse.Integer || plan.Columns[1].Name != "customer" {
			t.Errorf("columns %+v", plan.Columns)
		}
		if n := len(f.Ran()); n != 0 {
			t.Errorf("%d statements ran", n)
		}
	}},
	{name: "a plan runs after it was stored as JSON", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		data, err := json.Marshal(planned(t, w, f.SQL.Param, warehouse.Param{Name: "p", Type: warehouse.String, Value: "x"}))
		if err != nil {
			t.Fatal(err)
		}
		var plan warehouse.Plan
		if err := json.Unmarshal(data, &plan); err != nil {
			t.Fatal(err)
		}
		r, err := w.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		closed(t, r)
	}},
	{name: "a changed plan is refused", run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		for name, change := range map[string]func(*warehouse.Plan){
			"statement": func(p *warehouse.Plan) { p.SQL = f.SQL.Forbidden[0] },
			"verdict":   func(p *warehouse.Plan) { p.Verdict = warehouse.NeedsApproval },
			"limit":     func(p *warehouse.Plan) { p.MaxBilled++ },
			"params":    func(p *warehouse.Plan) { p.Params = []warehouse.Param{{Name: "p", Type: warehouse.String, Value: "y"}} },
			"age":       func(p *warehouse.Plan) { p.PlannedAt = p.PlannedAt.Add(time.Second) },
			"seal":      func(p *warehouse.Plan) { p.Seal = "" },
		} {
			plan := planned(t, w, f.SQL.One)
			change(&plan)
			if _, err := w.Run(t.Context(), plan); warehouse.CodeOf(err) != warehouse.CodePlanStale {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(f.Ran()); n != 0 {
			t.Errorf("%d statements ran", n)
		}
	}},
	{name: "a plan of another connection is refused", run: func(t *testing.T, f Fixture) {
		plan := planned(t, f.open(t), f.SQL.One)
		_, err := f.open(t).Run(t.Context(), plan)
		refused(t, err, warehouse.CodePlanStale)
	}},
	{name: "a made-up plan is refused", run: func(t *testing.T, f Fixture) {
		_, err := f.open(t).Run(t.Context(), warehouse.Plan{Decision: warehouse.Decision{SQL: f.SQL.One, Verdict: warehouse.Allowed}, Statement: "SELECT"})
		refused(t, err, warehouse.CodePlanStale)
	}},
	{name: "an old plan is refused", run: func(t *testing.T, f Fixture) {
		now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
		w := f.Open(t, Options{Clock: clock.Func(func() time.Time { return now })})
		plan := planned(t, w, f.SQL.One)
		now = now.Add(warehouse.MaxPlanAge + time.Second)
		_, err := w.Run(t.Context(), plan)
		refused(t, err, warehouse.CodePlanStale)
	}},
	{name: "what is dear needs an approval that covers it", needs: bills, run: func(t *testing.T, f Fixture) {
		w := f.open(t)
		plan := planned(t, w, f.SQL.Dear)
		if plan.Verdict != warehouse.NeedsApproval || plan.Billed <= 10<<30 || plan.CostMicros <= 0 || plan.Reason == "" {
			t.Fatalf("%+v", plan.Decision)
		}
		for _, approval := range []*warehouse.Approval{nil, {By: "", Billed: plan.Billed}, {By: "user", Billed: plan.Billed - 1}} {
			plan.Approval = approval
			_, err := w.Run(t.Context(), plan)
			refused(t, err, warehouse.CodeApprovalNeeded)
		}
		if n := len(f.Ran()); n != 0 {
			t.Errorf("%d statements ran", n)
		}
		plan.Approval = &warehouse.Approval{By: "user", Billed: plan.Billed}
		r, err := w.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if s := r.Stats(); s.BytesBilled <= 0 || s.BytesBilled > plan.Billed || s.CostMicros <= 0 || s.JobID == "" {
			t.Errorf("%+v", s)
		}
	}},
	{name: "what exceeds a cap or a budget is refused", needs: bills, run: func(t *testing.T, f Fixture) {
		w := f.open(t, func(p *warehouse.Policy) { p.BytesPerQuery = 1 << 30 })
		plan, err := w.Plan(t.Context(), warehouse.Query{SQL: f.SQL.Dear})
		refused(t, err, warehouse.CodeQueryTooCostly)
		if plan.Verdict != warehouse.Refused || plan.Stage != warehouse.StageCost || plan.Bytes <= 0 || plan.CostMicros <= 0 {
			t.Errorf("the record is not whole: %+v", plan.Decision)
		}
		w = f.open(t)
		policy := w.Connection().Policy
		_, err = w.Plan(t.Context(), warehouse.Query{SQL: f.SQL.Dear, Spent: warehouse.Spent{Run: policy.BytesPerRun - 1}})
		refused(t, err, warehouse.CodeBudgetSpent)
		_, err = w.Plan(t.Context(), warehouse.Query{SQL: f.SQL.Dear, Spent: warehouse.Spent{UserDay: policy.BytesPerUserDay}})
		refused(t, err, warehouse.CodeBudgetSpent)
	}},
}
