package warehouse

import "time"

// Policy is what a connection permits. Bytes are bytes that would be billed.
// Zero is no limit for the figures of which the comment does not say otherwise.
type Policy struct {
	// BytesPerQuery, BytesPerRun and BytesPerUserDay are the most that may be
	// billed; the last two count what Query.Spent says was billed before.
	BytesPerQuery   int64
	BytesPerRun     int64
	BytesPerUserDay int64
	// ApprovalBytes and ApprovalMicros are how much a query may cost before a
	// person must approve it: a query at or below both runs at once.
	ApprovalBytes  int64
	ApprovalMicros int64
	// MicrosPerTiB is the price of 2^40 bytes in millionths of a US dollar.
	MicrosPerTiB int64
	// MaxRows and MaxBytes are how much of a result is read; MaxBytes counts about
	// what a row's JSON takes. Beyond them the result is truncated and says so.
	MaxRows  int64
	MaxBytes int64
	// MaxSQLBytes is the longest statement.
	MaxSQLBytes int
	// Timeout is how long a query may run, MetadataTimeout how long one call for
	// metadata or a dry run may take with its retries.
	Timeout         time.Duration
	MetadataTimeout time.Duration
	// Views says what becomes of queries through views.
	Views ViewPolicy
	// Wildcards permits wildcard tables (`events_*`), whose shards must all be on
	// the list.
	Wildcards bool
}

// ViewPolicy says what becomes of queries through views.
type ViewPolicy string

// The policies for views.
const (
	// ExpandViews permits views whose base tables are all on the list too.
	ExpandViews ViewPolicy = "expand"
	// RefuseViews permits no view.
	RefuseViews ViewPolicy = "refuse"
)
