package agent

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/warehouse"
)

// QueryState is where a query stands. The values are those of the GraphQL enum.
type QueryState string

// Where queries stand.
const (
	QueryRunning   QueryState = "RUNNING"
	QuerySucceeded QueryState = "SUCCEEDED"
	QueryRefused   QueryState = "REFUSED" // by the guard: nothing was asked
	QueryFailed    QueryState = "FAILED"
	QueryCancelled QueryState = "CANCELLED"
	QueryUnknown   QueryState = "UNKNOWN" // the node was lost while it ran
)

// QueryDetail is what a warehouse was asked, with the guard's decision: the record
// for people and for the audit. It is stored before the query runs, as RUNNING, so
// that nothing is billed of which there is no trace.
type QueryDetail struct {
	Connection string             `json:"connection"`
	Dialect    string             `json:"dialect"`
	State      QueryState         `json:"state"`
	Decision   warehouse.Decision `json:"decision"` // the statement is in it
	ApprovedBy string             `json:"approvedBy,omitempty"`
	Stats      warehouse.Stats    `json:"stats"`
	Rows       *int64             `json:"rows,omitempty"` // of the whole result
	Truncated  bool               `json:"truncated,omitempty"`
	Error      *Failure           `json:"error,omitempty"`
}

// QueriesOf reads what Step.queries holds. A query that was running when its step
// ended is one whose node was lost.
func QueriesOf(raw json.RawMessage, stepEnded bool) ([]QueryDetail, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var list []QueryDetail
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read stored queries: %w", err)
	}
	for i := range list {
		if stepEnded && list[i].State == QueryRunning {
			list[i].State = QueryUnknown
		}
	}
	return list, nil
}

// billed is what the query costs, as far as it is known: where the warehouse did
// not say, and where nobody was there to hear it, what it may bill at most.
func (q QueryDetail) billed() (bytes, micros int64) {
	if q.Stats.BilledUnknown || q.State == QueryRunning || q.State == QueryUnknown {
		return q.Decision.Billed, q.Decision.CostMicros
	}
	return q.Stats.BytesBilled, q.Stats.CostMicros
}

// fail notes why there is no result.
func (q *QueryDetail) fail(err error) {
	q.State = QueryFailed
	var e *warehouse.Error
	if !errors.As(err, &e) {
		q.Error = &Failure{Code: CodeInternal, Message: "Asking the warehouse failed because of a fault of this server."}
		return
	}
	if e.Code == warehouse.CodeCancelled {
		q.State = QueryCancelled
	}
	if e.Stats != nil {
		q.Stats = *e.Stats
	}
	q.Error = &Failure{Code: string(e.Code), Message: e.Message}
}
