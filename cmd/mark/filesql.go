package main

import (
	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/duckdb"
)

// openFileSQL connects SQL over a chat's files to DuckDB in the chat's session.
func openFileSQL(c Config, now clock.Clock) func(agent.FileSQL) (warehouse.Warehouse, error) {
	policy := duckdb.DefaultPolicy()
	policy.Timeout, policy.MetadataTimeout = c.Limits.PythonStepTime, c.Limits.PythonStepTime
	return func(f agent.FileSQL) (warehouse.Warehouse, error) {
		config := duckdb.Config{Name: agent.FilesConnection, Run: f.Run, Policy: policy, Clock: now}
		for _, t := range f.Tables {
			config.Tables = append(config.Tables, duckdb.Table(t))
		}
		return duckdb.Open(config)
	}
}
