package warehouse

import (
	"context"
	"time"
)

// Result is what a query answers, read row by row within the policy's limits.
// It belongs to one goroutine.
type Result interface {
	// Columns are the result's columns. Names may be empty or repeat.
	Columns() []Column
	// Next returns the next row, one value for each column as Type says, and
	// io.EOF after the last one or at a limit. The row is the caller's.
	Next(ctx context.Context) ([]any, error)
	// TotalRows is how many rows the whole result has, read or not.
	TotalRows() int64
	// Truncated tells, once Next has said io.EOF, that there were more rows.
	Truncated() bool
	// Stats is what the job did and cost.
	Stats() Stats
	// Close frees what the result holds. Closing twice is harmless.
	Close() error
}

// Stats is what a job did and cost.
type Stats struct {
	JobID          string        `json:"jobId"` // "" where there are no jobs
	Location       string        `json:"location,omitempty"`
	BytesProcessed int64         `json:"bytesProcessed"`
	BytesBilled    int64         `json:"bytesBilled"`
	CostMicros     int64         `json:"costMicros"` // of BytesBilled, in millionths of a US dollar
	CacheHit       bool          `json:"cacheHit"`
	Duration       time.Duration `json:"duration"`
	// BilledUnknown tells that the warehouse did not say what was billed, as when
	// a job was still ending: reckon with Plan.MaxBilled.
	BilledUnknown bool `json:"billedUnknown,omitempty"`
}
