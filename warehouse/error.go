package warehouse

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of a failure.
type Code string

// The kinds of failures. docs/bigquery.md says what to do about each.
const (
	// The guard's.
	CodeForbiddenSQL     Code = "SQL_FORBIDDEN"       // not a plain SELECT, or with what the guard does not let through
	CodeSQLTooLong       Code = "SQL_TOO_LONG"        //
	CodeTableNotAllowed  Code = "SQL_TABLE_FORBIDDEN" // a table outside the list
	CodeTooManyTables    Code = "SQL_TOO_MANY_TABLES" // more than a dry run tells
	CodeNoStatistics     Code = "SQL_NOT_CHECKED"     // the dry run did not say what is needed to decide
	CodeQueryTooCostly   Code = "SQL_TOO_COSTLY"      // over the cap of a query
	CodeBudgetSpent      Code = "SQL_BUDGET_SPENT"    // over what is left of a run or a day
	CodeApprovalNeeded   Code = "SQL_APPROVAL_NEEDED" // a person must approve, or approved less
	CodePlanStale        Code = "SQL_PLAN_STALE"      // plan again
	CodeInvalidParameter Code = "SQL_BAD_PARAMETER"   //

	// The warehouse's.
	CodeInvalidQuery     Code = "SQL_INVALID"                // Position says where
	CodeNotFound         Code = "WAREHOUSE_NOT_FOUND"        // table, dataset or project
	CodeAccessDenied     Code = "WAREHOUSE_ACCESS_DENIED"    // the connection's account may not
	CodeBadCredentials   Code = "WAREHOUSE_BAD_CREDENTIALS"  // wrong, expired, revoked, unreadable
	CodeLocation         Code = "WAREHOUSE_LOCATION"         // the data are elsewhere
	CodeQuotaExceeded    Code = "WAREHOUSE_QUOTA"            // of the project; later
	CodeRateLimited      Code = "WAREHOUSE_RATE_LIMITED"     // too often; soon
	CodeBackend          Code = "WAREHOUSE_UNAVAILABLE"      // out of order, or not reachable
	CodeResponseTooLarge Code = "WAREHOUSE_RESULT_TOO_LARGE" //
	CodeResources        Code = "WAREHOUSE_RESOURCES"        // the query needs more than one may use
	CodeBilledLimit      Code = "WAREHOUSE_BYTES_LIMIT"      // it would have billed more than MaxBilled; nothing was billed
	CodeTimeout          Code = "WAREHOUSE_TIMEOUT"          //
	CodeCancelled        Code = "WAREHOUSE_CANCELLED"        //
	CodeInternal         Code = "WAREHOUSE_INTERNAL"         // what nobody foresaw
)

// Error is a failure of a warehouse. Code, Message, Position and Suggestions may
// be shown to people and models; Err is for logs. Neither holds a credential.
type Error struct {
	Code    Code
	Message string // what happened and what to do, in a sentence or two
	// Position is where in the statement, or nil.
	Position *Position
	// Suggestions are names nearest to one that is not there, the nearest first.
	Suggestions []string
	// RetryAfter is how long to wait before it is worth trying again; 0 when
	// trying again does not help or the time is unknown.
	RetryAfter time.Duration
	// Stats is what the failed job did and cost, nil when there was none.
	Stats *Stats
	Err   error
}

// Position is a place in a statement.
type Position struct {
	Line   int // from 1
	Column int // from 1, in characters
}

// Error implements error with everything, the cause included: for logs.
func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.Position != nil {
		text += fmt.Sprintf(" (line %d, column %d)", e.Position.Line, e.Position.Column)
	}
	if e.Err != nil && e.Err.Error() != e.Message {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the *Error in err's chain: CodeInternal when there
// is none, "" when err is nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e.Code
	}
	return CodeInternal
}
