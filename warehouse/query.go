package warehouse

import "time"

// Query is a statement to plan.
type Query struct {
	SQL    string
	Params []Param
	// Labels go with the job to the warehouse's own records and bills. Names and
	// values are made to fit (lower case, at most 63 characters).
	Labels map[string]string
	// Spent is what was billed before, as far as it counts against the policy.
	Spent Spent
}

// Spent is what was billed before a query, in bytes.
type Spent struct {
	Run     int64 // in the same run
	UserDay int64 // for the same user on the same day
}

// Param is a named parameter: @name in the statement, $name in DuckDB's dialect.
type Param struct {
	Name string `json:"name"`
	// Type is the type of the value, or of its elements where Array is set.
	// RECORD and RANGE are not to be had.
	Type  Type `json:"type"`
	Array bool `json:"array,omitempty"`
	// Value stands as in a row (see Type), or is a []any of such, or nil for
	// NULL. An integer may be an int, int64, float64 without fraction or
	// json.Number.
	Value any `json:"value"`
}

// Verdict is what the guard says of a statement.
type Verdict string

// The verdicts.
const (
	Allowed       Verdict = "ALLOWED"
	NeedsApproval Verdict = "NEEDS_APPROVAL"
	Refused       Verdict = "REFUSED"
)

// Stage is a stage of the guard.
type Stage string

// The stages, in their order.
const (
	StageLexical   Stage = "LEXICAL"   // the text itself, before any call
	StageStatement Stage = "STATEMENT" // what a dry run says the statement is
	StageTables    Stage = "TABLES"    // which tables it reads
	StageCost      Stage = "COST"      // what it would cost
	StagePassed    Stage = "PASSED"    // all of them
)

// Decision is what the guard decided, for the audit.
type Decision struct {
	SQL        string     `json:"sql"`
	Tables     []TableRef `json:"tables,omitempty"` // that it reads, sorted
	Bytes      int64      `json:"bytes"`            // that it would process
	Billed     int64      `json:"billed"`           // that may be billed for them, at most
	CostMicros int64      `json:"costMicros"`       // the price of Billed in millionths of a US dollar
	Verdict    Verdict    `json:"verdict"`
	Stage      Stage      `json:"stage"`  // that decided
	Reason     string     `json:"reason"` // a sentence, "" when allowed
}

// Plan is a statement that passed the guard, and what it would cost.
type Plan struct {
	Decision
	// Statement is what the warehouse says the statement is: "SELECT".
	Statement string
	Columns   []Column // of the result
	Params    []Param
	Labels    map[string]string
	// MaxBilled is what the run may bill at most, in bytes, enforced by the
	// warehouse: without approval up to where one would be needed, with one what
	// was approved. Never 0 where queries cost.
	MaxBilled int64
	PlannedAt time.Time
	// Approval is set by the caller when a person approved. It is the one field
	// that may be changed.
	Approval *Approval
	// Seal is the driver's mark. A plan that was changed, came from elsewhere or
	// is older than MaxPlanAge is refused with CodePlanStale: plan again, it is
	// free. A restart makes plans stale, too.
	Seal string
}

// MaxPlanAge is how long a plan may be run.
const MaxPlanAge = 15 * time.Minute

// Approval says who approved what. A person approves bytes and a price, not a
// plan: after waiting for long, plan again and hand the same Approval on.
type Approval struct {
	By     string // an account's id
	Billed int64  // Decision.Billed that the person was shown: no run bills more
}
