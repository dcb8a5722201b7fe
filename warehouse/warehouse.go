// Package warehouse is what Mark knows of a place that holds tables and answers
// SQL: browse it, describe a table, plan a query, run what was planned. It
// declares the vocabulary and nothing that connects anywhere. The drivers are
// BigQuery's (warehouse/bigquery) and that of the files of a chat, which DuckDB is
// asked over in the chat's own session (warehouse/duckdb); both pass the same suite
// (warehouse/warehousetest).
//
// Two rules hold for every driver:
//
//   - Nothing runs that was not planned. Run takes a Plan that the same driver
//     made and that nobody changed; a Plan exists only after every stage of the
//     guard.
//   - Nothing is billed but by Run. Browse, Table and Plan are free.
package warehouse

import "context"

// Warehouse is a connection to tables and to an engine that answers SQL. It may
// be used by several goroutines at once. All its errors are *Error, except a
// context's own where the caller's context ended before anything was asked.
type Warehouse interface {
	// Connection says what this is connected to and what its policy is.
	Connection() Connection

	// Browse lists what stands under a place: projects under Place{}, the
	// datasets of a project, the tables of a dataset. Only what the connection
	// allows is listed; a page may therefore be shorter than asked for and still
	// have a next one.
	Browse(ctx context.Context, under Place, page Page) (Listing, error)

	// Table describes a table. It is free: rows come from the preview and not
	// from a query. A table outside the connection's list answers like one that
	// is not there.
	Table(ctx context.Context, ref TableRef, options TableOptions) (*Table, error)

	// Plan takes a statement through all stages of the guard without running it.
	// A refused statement gives an *Error and a Plan whose Decision says why, for
	// the audit; such a Plan cannot be run.
	Plan(ctx context.Context, query Query) (Plan, error)

	// Run runs a plan and returns when its result begins to be readable. A plan
	// whose verdict is NeedsApproval is refused with CodeApprovalNeeded unless
	// its Approval covers it. When ctx ends the job is cancelled where it runs and
	// the error, CodeCancelled or CodeTimeout, has in Stats what was billed. The
	// Result must be closed.
	Run(ctx context.Context, plan Plan) (Result, error)

	// Close ends what the connection holds. Closing twice is harmless.
	Close() error
}

// Dialect is a dialect of SQL, as a model is told.
type Dialect string

// The dialects.
const (
	GoogleSQL Dialect = "GoogleSQL"
	DuckDB    Dialect = "DuckDB"
)

// Connection is what a warehouse is connected to. It holds no secret.
type Connection struct {
	Name     string // as the configuration calls it: unique in a server
	Dialect  Dialect
	Project  string // that is billed; "" where there is none
	Location string // of the data, such as "EU"; "" when the warehouse finds it out
	Policy   Policy
}

// Place is a node of the tree that Browse walks: with no Project the whole
// connection, with no Dataset a project.
type Place struct {
	Project string
	Dataset string
}

// Page asks for a part of a list.
type Page struct {
	Size  int    // at most; 0 or too many: what the driver thinks right
	Token string // Listing.Next of the part before, "" for the first
}

// Listing is a part of a list.
type Listing struct {
	Entries []Entry
	Next    string // token of the next part, "" at the end
}

// EntryKind is what an Entry is.
type EntryKind string

// The kinds of entries.
const (
	ProjectEntry EntryKind = "PROJECT"
	DatasetEntry EntryKind = "DATASET"
	TableEntry   EntryKind = "TABLE"
)

// Entry is a project, a dataset or a table.
type Entry struct {
	Kind  EntryKind
	Ref   TableRef  // filled as far as Kind goes
	Label string    // a friendly name, or ""
	Type  TableType // of a table
}
