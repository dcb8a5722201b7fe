// Package duckdb is the driver for DuckDB's SQL over the files of a chat. DuckDB runs
// where the chat's Python does, in its session, and never in the service's process:
// the driver runs a program there that asks DuckDB and leaves the answer in a file.
//
// Every statement goes through warehouse/guard. What stands for the dry run is DuckDB's
// own parser and binder. Nothing costs; what a query can reach is what the session can,
// and DuckDB is told besides to reach neither files nor the session's variables.
package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
	"github.com/mark-analyst/mark/warehouse/seal"
)

// Where DuckDB has the tables that it is given.
const (
	Database = "memory"
	Schema   = "main"
)

// Config is a connection.
type Config struct {
	Name string
	// Run runs a program in the session. It is called for one at a time. The artifacts
	// of which Emit is told are there until it is called again.
	Run func(ctx context.Context, code string, host execution.Host) (execution.Result, error)
	// Tables are what can be asked.
	Tables []Table
	// Policy is taken as it is; begin with DefaultPolicy. What is about costs says
	// nothing: there are none.
	Policy warehouse.Policy
	// Clock is nil for the machine's.
	Clock clock.Clock
}

// Table is a table: a file of the session.
type Table struct {
	Name string
	// Aliases are other names that statements may call it by.
	Aliases []string
	// Load is the expression of Python that loads it, with pandas as pd.
	Load string
	// Version changes when the file does.
	Version string
}

// DefaultPolicy keeps a result within what a step of a session may leave.
func DefaultPolicy() warehouse.Policy {
	return warehouse.Policy{
		MaxRows: 1_000_000, MaxBytes: 24 << 20, MaxSQLBytes: 100_000,
		Timeout: time.Minute, MetadataTimeout: time.Minute, Views: warehouse.ExpandViews,
	}
}

// Warehouse is a connection to the files of a session. It implements
// warehouse.Warehouse.
type Warehouse struct {
	config Config
	guard  guard.Guard
	seal   *seal.Sealer
	clock  clock.Clock
	turn   chan struct{} // holds one while a program runs
}

var _ warehouse.Warehouse = (*Warehouse)(nil)

// Open returns a connection. It runs nothing.
func Open(config Config) (*Warehouse, error) {
	p := config.Policy
	if config.Name == "" || config.Run == nil || p.MaxRows <= 0 || p.MaxBytes <= 0 || p.MaxSQLBytes <= 0 || p.Timeout <= 0 || p.MetadataTimeout <= 0 {
		return nil, errors.New("duckdb: a connection needs a name, a session, limits of results and statements, and timeouts")
	}
	allow, err := guard.NewAllowList([]string{Database + "." + Schema + ".*"})
	if err != nil {
		return nil, fmt.Errorf("duckdb: %w", err)
	}
	w := &Warehouse{config: config, clock: config.Clock, turn: make(chan struct{}, 1),
		guard: guard.Guard{Policy: p, Allow: allow, Project: Database, Dialect: warehouse.DuckDB}}
	if w.clock == nil {
		w.clock = clock.System{}
	}
	if w.seal, err = seal.New(); err != nil {
		return nil, fmt.Errorf("duckdb: %w", err)
	}
	return w, nil
}

// Connection implements warehouse.Warehouse.
func (w *Warehouse) Connection() warehouse.Connection {
	return warehouse.Connection{Name: w.config.Name, Dialect: warehouse.DuckDB, Policy: w.config.Policy}
}

// Close implements warehouse.Warehouse. The session is its owner's to close.
func (w *Warehouse) Close() error { return nil }
