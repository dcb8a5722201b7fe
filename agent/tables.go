package agent

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/warehouse"
)

// isTable tells whether a dataset is a table of a warehouse: there is no file of
// it, it is asked with SQL.
func isTable(d *ent.Dataset) bool { return d.Source == dataset.SourceBigQuery }

// sqlName is a table's name as SQL has it. No part has a backtick in it.
func sqlName(d *ent.Dataset) string {
	return "`" + warehouse.TableRef{Project: d.TableProject, Dataset: d.TableDataset, Table: d.TableName}.String() + "`"
}

// dialect is the SQL that a table is asked in; "" where its connection is not
// configured any more.
func (k *work) dialect(d *ent.Dataset) warehouse.Dialect {
	for _, w := range k.Warehouses {
		if c := w.Connection(); c.Name == d.Connection {
			return c.Dialect
		}
	}
	return ""
}

// tableFacts is what a model has to know of a table beside its columns.
type tableFacts struct {
	Table       string            `json:"table,omitempty"`
	Connection  string            `json:"connection,omitempty"`
	Dialect     warehouse.Dialect `json:"dialect,omitempty"`
	Kind        string            `json:"kind,omitempty"` // where it is no plain table
	Bytes       int64             `json:"bytes,omitempty"`
	Partitioned *partitioned      `json:"partitioned,omitempty"`
	Clustered   []string          `json:"clustered,omitempty"`
	Modified    string            `json:"modified,omitempty"` // the day
}

type partitioned struct {
	By string `json:"by"`
	// FilterRequired: a query without a filter on it is refused.
	FilterRequired bool   `json:"filterRequired,omitempty"`
	Type           string `json:"type"`
}

// arrival is what a table is divided by that has no column for it.
const arrival = "_PARTITIONTIME"

func (k *work) tableFacts(d *ent.Dataset) tableFacts {
	if !isTable(d) {
		return tableFacts{}
	}
	facts := tableFacts{
		Table: sqlName(d), Connection: d.Connection, Dialect: k.dialect(d), Bytes: d.SizeBytes, Clustered: d.Clustering,
		Partitioned: partitionedOf(d),
	}
	if kind := warehouse.TableType(d.TableType); kind != warehouse.BaseTable {
		facts.Kind = d.TableType
	}
	if d.ModifiedAt != nil {
		facts.Modified = d.ModifiedAt.UTC().Format("2006-01-02")
	}
	return facts
}

func partitionedOf(d *ent.Dataset) *partitioned {
	var p warehouse.Partitioning
	if len(d.Partitioning) == 0 || json.Unmarshal(d.Partitioning, &p) != nil {
		return nil
	}
	if p.Column == "" {
		p.Column = arrival
	}
	return &partitioned{By: p.Column, FilterRequired: p.FilterRequired, Type: p.Type}
}

// cataloguedTable is what stands for a table's file in the catalogue, and what is
// added where there is room.
func (k *work) cataloguedTable(d *ent.Dataset) (is, more string) {
	name := sqlName(d)
	if !isPlain(name) { // no table is called that
		name = string(encode(name))
	}
	is = ", table " + name
	if dialect := k.dialect(d); dialect != "" {
		is += " in " + string(dialect)
	} else {
		is += ", not connected"
	}
	if p := partitionedOf(d); p != nil {
		more += fmt.Sprintf(", partitioned by %s", encode(p.By))
		if p.FilterRequired { // without it nothing runs
			is += fmt.Sprintf(", filter on %s required", encode(p.By))
			more = ""
		}
	}
	if len(d.Clustering) > 0 {
		more += fmt.Sprintf(", clustered by %s", encode(clip(strings.Join(d.Clustering, ", "), 200)))
	}
	return is, fmt.Sprintf("%s, connection %s", more, encode(d.Connection))
}

// askWithSQL is what a program is told that wants a table as a file.
func askWithSQL(d *ent.Dataset) string {
	return "It is a table of a warehouse and not a file: ask it with the tool run_sql, or in Python with mark.query(\"SELECT … FROM " + sqlName(d) + " …\")."
}
