package warehouse

import (
	"strings"
	"time"
)

// TableRef names a table.
type TableRef struct {
	Project string `json:"project,omitempty"`
	Dataset string `json:"dataset"`
	Table   string `json:"table"`
}

// String is the name with dots between its parts.
func (r TableRef) String() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{r.Project, r.Dataset, r.Table} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ".")
}

// TableType is what kind of table it is.
type TableType string

// The types of tables.
const (
	BaseTable        TableType = "TABLE"
	View             TableType = "VIEW"
	MaterializedView TableType = "MATERIALIZED_VIEW"
	ExternalTable    TableType = "EXTERNAL"
	Snapshot         TableType = "SNAPSHOT"
)

// TableOptions says what of a table is wanted beside its metadata.
type TableOptions struct {
	// SampleRows is how many rows to preview; 0 for none. What has no preview
	// (views, external tables) answers without rows: they would cost.
	SampleRows int
}

// Table is a table's metadata.
type Table struct {
	Ref         TableRef
	Type        TableType
	Label       string // a friendly name, or ""
	Description string // of the warehouse; text that nobody has checked
	Rows        int64  // -1 where the warehouse does not know
	Bytes       int64  // logical size; -1 where the warehouse does not know
	// Fields are all columns; fields of records follow their record, in order.
	Fields       []Field
	Partitioning *Partitioning // nil when not partitioned
	Clustering   []string      // columns, in order
	Created      time.Time
	Modified     time.Time // when data or schema last changed
	Location     string
	// Etag changes whenever the metadata do.
	Etag string
	// Sample holds rows as Result does: one value for each column of Columns.
	Columns []Column
	Sample  [][]any
	// SampleError says why there are no rows though some were asked for, or is nil.
	SampleError *Error
}

// Field is a column, or a field within one.
type Field struct {
	Path        string // with dots: "customer.address.city"
	Type        Type
	Mode        Mode
	Description string
	// Depth is 0 for a column, 1 for a field of it, and so on.
	Depth int
	// Repeated tells that the field or a record around it is repeated, so that
	// SQL must unnest to reach it.
	Repeated bool
}

// Mode says whether a field may be missing or is a list.
type Mode string

// The modes.
const (
	Nullable Mode = "NULLABLE"
	Required Mode = "REQUIRED"
	Repeated Mode = "REPEATED"
)

// Partitioning says how a table is divided.
type Partitioning struct {
	// Column is the column, or "" for the time of arrival.
	Column string `json:"column"`
	// Type is HOUR, DAY, MONTH, YEAR or RANGE.
	Type string `json:"type"`
	// FilterRequired tells that a query without a filter on it is refused.
	FilterRequired bool `json:"filterRequired"`
	// Start, End and Step divide a RANGE.
	Start int64 `json:"start,omitempty"`
	End   int64 `json:"end,omitempty"`
	Step  int64 `json:"step,omitempty"`
}
