package guard

import (
	"math"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/warehouse"
)

// maxTables is from how many tables on a dry run does not list all of them.
const maxTables = 50

// Facts are what a dry run says of a statement.
type Facts struct {
	Statement string // "SELECT"; "" when it does not say
	Tables    []warehouse.TableRef
	// Views are the views on the way to Tables, which may hold them or not.
	Views []warehouse.TableRef
	// Others counts what is read or called beside tables and views: routines that
	// somebody wrote, property graphs.
	Others int
	// Bytes is how much would be processed; negative when it does not say.
	Bytes int64
	// Exact tells that Bytes is exact or the most there can be. Where it is not
	// (external tables), the statement is taken to bill all that it may.
	Exact   bool
	Columns []warehouse.Column
}

// Statement is the second stage: the dry run says that it is a query. No facts
// are an error, too. Its errors are *StatementError.
func Statement(facts *Facts) error {
	if facts == nil {
		return &StatementError{}
	}
	if facts.Statement != "SELECT" {
		return &StatementError{Type: facts.Statement}
	}
	return nil
}

// Tables is the third stage: all that is read is on the list. Project is the
// connection's, for names without one. Its errors are *TablesError.
func Tables(text *Text, facts *Facts, list AllowList, views warehouse.ViewPolicy, project string) error {
	if n := len(facts.Tables) + len(facts.Views); n >= maxTables {
		return &TablesError{Problem: TooManyTables, Count: n}
	}
	if facts.Others > 0 {
		return &TablesError{Problem: MoreThanTables, Count: facts.Others}
	}
	if views == warehouse.RefuseViews && len(facts.Views) > 0 {
		return &TablesError{Problem: ThroughAView}
	}
	if len(facts.Tables) == 0 && len(text.Schemas) == 0 && (facts.Bytes > 0 || text.NamesTables) {
		return &TablesError{Problem: NotReported}
	}
	if err := schemas(text, list, project); err != nil {
		return err
	}
	for _, ref := range text.Wildcards {
		if ref.Project == "" {
			ref.Project = project
		}
		if !list.Table(ref) {
			return &TablesError{Problem: NotOnTheList, Table: ref}
		}
	}
	for _, ref := range slices.Concat(facts.Tables, facts.Views) {
		if err := oneTable(text, list, views, ref); err != nil {
			return err
		}
	}
	return nil
}

// schemas looks at the datasets of which INFORMATION_SCHEMA is read.
func schemas(text *Text, list AllowList, project string) error {
	for _, s := range text.Schemas {
		if s.Project == "" {
			s.Project = project
		}
		if !list.WholeDataset(s.Project, s.Dataset) {
			return &TablesError{Problem: NotOnTheList, Table: warehouse.TableRef{Project: s.Project, Dataset: s.Dataset, Table: "INFORMATION_SCHEMA"}}
		}
	}
	return nil
}

func oneTable(text *Text, list AllowList, views warehouse.ViewPolicy, ref warehouse.TableRef) error {
	allowed := list.Table(ref)
	if strings.HasPrefix(ref.Table, "INFORMATION_SCHEMA") {
		allowed = list.WholeDataset(ref.Project, ref.Dataset)
	}
	told := named(text, ref)
	switch {
	case !allowed && told:
		return &TablesError{Problem: NotOnTheList, Table: ref}
	case !allowed:
		return &TablesError{Problem: NotOnTheList}
	case views == warehouse.RefuseViews && !told:
		// What the statement does not name came through a view.
		return &TablesError{Problem: ThroughAView, Table: ref}
	}
	return nil
}

// named tells whether the statement itself names the table.
func named(text *Text, ref warehouse.TableRef) bool {
	if text.Names[ref.Table] || strings.HasPrefix(ref.Table, "INFORMATION_SCHEMA") {
		return true
	}
	return slices.ContainsFunc(text.Wildcards, func(wildcard warehouse.TableRef) bool {
		return covers(wildcard.Table, ref.Table) || wildcard.Table == ref.Table
	})
}

// Estimate is what a statement may bill and under which limit it must run.
type Estimate struct {
	Billed  int64
	Micros  int64
	Verdict warehouse.Verdict
	// MaxBilled is never 0, which would be no limit to BigQuery.
	MaxBilled int64
}

// minimumBilled is the least that BigQuery bills for a table.
const minimumBilled = 10 * mib

// Cost is the fourth stage: what would be billed is within the policy. The
// estimate is filled for refused statements, too. Its errors are *CostError.
func Cost(facts *Facts, policy warehouse.Policy, spent warehouse.Spent) (Estimate, error) {
	billed := Billed(facts.Bytes, len(facts.Tables))
	if facts.Bytes < 0 || !facts.Exact {
		if billed = policy.BytesPerQuery; billed <= 0 {
			return Estimate{Verdict: warehouse.Refused}, &CostError{Budget: NoEstimate}
		}
	}
	e := Estimate{Billed: billed, Micros: Micros(billed, policy.MicrosPerTiB), Verdict: warehouse.Refused}
	e.MaxBilled = int64(math.MaxInt64)
	for _, b := range []struct {
		budget       Budget
		limit, spent int64
	}{
		{QueryBudget, policy.BytesPerQuery, 0},
		{RunBudget, policy.BytesPerRun, max(spent.Run, 0)},
		{DayBudget, policy.BytesPerUserDay, max(spent.UserDay, 0)},
	} {
		if b.limit <= 0 {
			continue
		}
		if left := b.limit - b.spent; billed > left {
			return e, &CostError{Budget: b.budget, Billed: billed, Limit: b.limit, Spent: b.spent, Micros: e.Micros}
		} else if left < e.MaxBilled {
			e.MaxBilled = left
		}
	}
	approval := approvalBytes(policy)
	if billed > approval {
		// A person is shown Billed and approves no more than that.
		e.Verdict, e.MaxBilled = warehouse.NeedsApproval, billed
		return e, nil
	}
	e.Verdict = warehouse.Allowed
	if e.MaxBilled = min(e.MaxBilled, approval); e.MaxBilled == math.MaxInt64 {
		e.MaxBilled = billed // nothing else limits it
	}
	e.MaxBilled = max(e.MaxBilled, 1)
	return e, nil
}

// approvalBytes is up to how many bytes nobody need approve.
func approvalBytes(policy warehouse.Policy) int64 {
	limit := int64(math.MaxInt64)
	if policy.ApprovalBytes > 0 {
		limit = policy.ApprovalBytes
	}
	if policy.ApprovalMicros > 0 && policy.MicrosPerTiB > 0 {
		limit = min(limit, affordable(policy.ApprovalMicros, policy.MicrosPerTiB))
	}
	return limit
}

// Billed is what BigQuery bills for bytes processed: whole mebibytes, at least
// ten a table. What processes nothing costs nothing.
func Billed(bytes int64, tables int) int64 {
	if bytes <= 0 {
		return 0
	}
	if bytes > math.MaxInt64-mib {
		return math.MaxInt64
	}
	return max((bytes+mib-1)/mib*mib, minimumBilled*int64(max(tables, 1)))
}
