package guard

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/mark-analyst/mark/internal/units"
	"github.com/mark-analyst/mark/warehouse"
)

// Guard takes statements through the stages.
type Guard struct {
	Policy  warehouse.Policy
	Allow   AllowList
	Project string // for names without one
	// Dialect is of the statements; "" is GoogleSQL.
	Dialect warehouse.Dialect
}

// DryRun asks the warehouse what a statement would do.
type DryRun func(ctx context.Context) (*Facts, error)

// Decided is what the guard found out about a statement.
type Decided struct {
	Decision  warehouse.Decision
	Facts     *Facts // nil when the statement never came to a dry run
	MaxBilled int64
}

// Decide takes a query through the stages in their order; dry is called only for
// a text that passed the first. A refusal is a *warehouse.Error whose cause is
// the stage's own error; the decision is filled as far as it went.
func (g Guard) Decide(ctx context.Context, q warehouse.Query, dry DryRun) (Decided, error) {
	out := Decided{Decision: warehouse.Decision{SQL: q.SQL, Verdict: warehouse.Refused}}
	refuse := func(stage warehouse.Stage, err error) (Decided, error) {
		failure := Friendly(err)
		out.Decision.Stage, out.Decision.Reason = stage, failure.Message
		return out, failure
	}

	text, err := g.lexical(q.SQL)
	if err != nil {
		return refuse(warehouse.StageLexical, err)
	}
	facts, err := dry(ctx)
	if err != nil && ctx.Err() == nil {
		// Why a statement over other tables fails tells of them: whether they are
		// there, and what their columns are called.
		if hidden := g.hidden(text); hidden != nil {
			return refuse(warehouse.StageTables, hidden)
		}
	}
	if err != nil {
		return refuse(warehouse.StageStatement, err)
	}
	out.Facts = facts
	if err := Statement(facts); err != nil {
		return refuse(warehouse.StageStatement, err)
	}
	out.Decision.Tables, out.Decision.Bytes = sorted(slices.Concat(facts.Tables, facts.Views)), facts.Bytes
	if err := Tables(text, facts, g.Allow, g.Policy.Views, g.Project); err != nil {
		return refuse(warehouse.StageTables, err)
	}
	estimate, err := Cost(facts, g.Policy, q.Spent)
	out.Decision.Billed, out.Decision.CostMicros = estimate.Billed, estimate.Micros
	if err != nil {
		return refuse(warehouse.StageCost, err)
	}
	out.Decision.Stage, out.Decision.Verdict, out.MaxBilled = warehouse.StagePassed, estimate.Verdict, estimate.MaxBilled
	if estimate.Verdict == warehouse.NeedsApproval {
		out.Decision.Stage = warehouse.StageCost
		out.Decision.Reason = "It may bill " + units.Bytes(estimate.Billed) + " (" + Price(estimate.Micros) + "), which a person must approve."
	}
	return out, nil
}

// hidden returns the error of the first source that is not on the list.
func (g Guard) hidden(text *Text) error {
	for _, ref := range text.Sources {
		if ref.Project == "" {
			ref.Project = g.Project
		}
		if !g.Allow.Table(ref) {
			return &TablesError{Problem: NotOnTheList, Table: ref}
		}
	}
	return schemas(text, g.Allow, g.Project)
}

func sorted(refs []warehouse.TableRef) []warehouse.TableRef {
	out := slices.Clone(refs)
	slices.SortFunc(out, func(a, b warehouse.TableRef) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// Friendly returns a stage's error as what the seam promises. Errors that are a
// *warehouse.Error already, as those of a dry run, stay as they are.
func Friendly(err error) *warehouse.Error {
	var ready *warehouse.Error
	if errors.As(err, &ready) {
		return ready
	}
	out := &warehouse.Error{Code: warehouse.CodeInternal, Message: "The statement could not be checked, so it does not run.", Err: err}
	var lexical *LexicalError
	var statement *StatementError
	var tables *TablesError
	var cost *CostError
	switch {
	case errors.As(err, &lexical):
		out.Code, out.Position = warehouse.CodeForbiddenSQL, lexical.Position
		if lexical.Rule == RuleTooLong {
			out.Code = warehouse.CodeSQLTooLong
		}
	case errors.As(err, &statement):
		out.Code = warehouse.CodeForbiddenSQL
		if statement.Type == "" {
			out.Code = warehouse.CodeNoStatistics
		}
	case errors.As(err, &tables):
		out.Code = tablesCodes[tables.Problem]
	case errors.As(err, &cost):
		out.Code = costCodes[cost.Budget]
	default:
		return out
	}
	out.Message = err.Error()
	return out
}

var tablesCodes = map[TablesProblem]warehouse.Code{
	TooManyTables: warehouse.CodeTooManyTables,
	NotOnTheList:  warehouse.CodeTableNotAllowed,
	ThroughAView:  warehouse.CodeTableNotAllowed,
	NotReported:   warehouse.CodeNoStatistics,

	MoreThanTables: warehouse.CodeForbiddenSQL,
}

var costCodes = map[Budget]warehouse.Code{
	QueryBudget: warehouse.CodeQueryTooCostly,
	RunBudget:   warehouse.CodeBudgetSpent,
	DayBudget:   warehouse.CodeBudgetSpent,
	NoEstimate:  warehouse.CodeNoStatistics,
}
