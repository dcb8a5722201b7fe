package datasets

import (
	"context"
	"fmt"
	"slices"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/column"
)

// columnsAtOnce bounds the columns of one statement: SQLite takes 32,766
// arguments, and a column has 13.
const columnsAtOnce = 1000

// newColumn is a column as its source has it.
type newColumn struct {
	name, kind, description string
	nulls, distinct         *int64 // nil: nobody counted
	min, max                *string
	samples                 []string
}

// replaceColumns puts a dataset's columns in the place of those that are there. A
// person's description stays with a column of the same name. It returns what has
// changed, in sentences. The dataset's row must be locked.
func (s *Service) replaceColumns(ctx context.Context, tx *ent.Tx, datasetID string, columns []newColumn) ([]string, error) {
	query := tx.Column.Query().Where(column.DatasetID(datasetID)).Order(column.ByPosition())
	if s.postgres {
		query.ForUpdate() // a description that is being written is waited for
	}
	before, err := query.All(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Column.Delete().Where(column.DatasetID(datasetID)).Exec(ctx); err != nil {
		return nil, err
	}
	known := make(map[string]*ent.Column, len(before))
	for _, c := range before {
		known[c.Name] = c
	}
	position := 0
	for some := range slices.Chunk(columns, columnsAtOnce) {
		rows := make([]*ent.ColumnCreate, len(some))
		for i, c := range some {
			description := c.description
			if old := known[c.name]; old != nil && old.Description != old.SourceDescription {
				description = old.Description
			}
			rows[i] = tx.Column.Create().SetDatasetID(datasetID).SetPosition(position).SetName(c.name).SetType(c.kind).
				SetDescription(description).SetSourceDescription(c.description).
				SetNillableNullCount(c.nulls).SetNillableDistinctCount(c.distinct).
				SetNillableMin(c.min).SetNillableMax(c.max).SetSampleValues(c.samples)
			position++
		}
		if err := tx.Column.CreateBulk(rows...).Exec(ctx); err != nil {
			return nil, err
		}
	}
	return drift(before, columns), nil
}

// drift says how columns differ from what they were.
func drift(before []*ent.Column, now []newColumn) []string {
	kinds := make(map[string]string, len(now))
	for _, c := range now {
		kinds[c.name] = c.kind
	}
	known := make(map[string]bool, len(before))
	var changes []string
	for _, c := range before {
		known[c.Name] = true
		kind, there := kinds[c.Name]
		switch {
		case !there && c.Description != c.SourceDescription && c.Description != "":
			changes = append(changes, fmt.Sprintf("The column %q (%s) is gone. It was described as %q.", c.Name, c.Type, c.Description))
		case !there:
			changes = append(changes, fmt.Sprintf("The column %q (%s) is gone.", c.Name, c.Type))
		case kind != c.Type:
			changes = append(changes, fmt.Sprintf("The column %q was %s and is %s.", c.Name, c.Type, kind))
		}
	}
	for _, c := range now {
		if !known[c.name] {
			changes = append(changes, fmt.Sprintf("The column %q (%s) is new.", c.name, c.kind))
		}
	}
	return changes
}
