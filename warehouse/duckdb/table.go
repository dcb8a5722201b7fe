package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/nearest"
)

const (
	pageSize      = 100
	maxPageSize   = 1000
	maxSampleRows = 100
	maxSample     = 4 << 20 // bytes
)

// Browse implements warehouse.Warehouse. It asks nobody: the tables are those that the
// connection was given.
func (w *Warehouse) Browse(ctx context.Context, under warehouse.Place, page warehouse.Page) (warehouse.Listing, error) {
	if err := ctx.Err(); err != nil {
		return warehouse.Listing{}, stopped(err)
	}
	switch {
	case under.Project == "":
		return warehouse.Listing{Entries: []warehouse.Entry{{Kind: warehouse.ProjectEntry, Ref: warehouse.TableRef{Project: Database}}}}, nil
	case under.Project != Database, under.Dataset != "" && under.Dataset != Schema:
		return warehouse.Listing{}, notThere(warehouse.TableRef{Project: under.Project, Dataset: under.Dataset}.String())
	case under.Dataset == "":
		return warehouse.Listing{Entries: []warehouse.Entry{{Kind: warehouse.DatasetEntry, Ref: warehouse.TableRef{Project: Database, Dataset: Schema}}}}, nil
	}
	from, _ := strconv.Atoi(page.Token) // "" and nonsense are the beginning
	from = min(max(from, 0), len(w.config.Tables))
	size := pageSize
	if page.Size > 0 {
		size = min(page.Size, maxPageSize)
	}
	to := min(from+size, len(w.config.Tables))
	var out warehouse.Listing
	for _, t := range w.config.Tables[from:to] {
		out.Entries = append(out.Entries, warehouse.Entry{Kind: warehouse.TableEntry, Ref: w.refOf([]string{t.Name}), Type: warehouse.BaseTable})
	}
	if to < len(w.config.Tables) {
		out.Next = strconv.Itoa(to)
	}
	return out, nil
}

// Table implements warehouse.Warehouse: it has the table's file loaded, and looks.
func (w *Warehouse) Table(ctx context.Context, ref warehouse.TableRef, options warehouse.TableOptions) (*warehouse.Table, error) {
	ctx, cancel := context.WithTimeout(ctx, w.config.Policy.MetadataTimeout)
	defer cancel()
	if ref.Project == "" {
		ref.Project = Database
	}
	if ref.Project != Database || ref.Dataset != Schema {
		return nil, notThere(ref.String())
	}
	i := w.find(ref.Table)
	if i < 0 {
		failure := notThere(ref.String())
		failure.Suggestions = nearest.Names(ref.Table, w.names())
		return nil, failure
	}
	found := w.config.Tables[i]
	a, left, err := w.ask(ctx, request{Do: "table", Table: found.Name, MaxRows: int64(max(0, min(options.SampleRows, maxSampleRows))), MaxBytes: maxSample})
	if err != nil {
		return nil, err
	}
	defer left.close() //nolint:errcheck // it was read only
	if a.Error != nil {
		return nil, w.explain(a)
	}
	out := &warehouse.Table{
		Ref: w.refOf([]string{found.Name}), Type: warehouse.BaseTable, Rows: a.Count, Bytes: -1, Columns: a.Columns, Fields: fields(a.Columns, "", 0, false),
	}
	if out.Etag, err = etag(found, a.Columns); err != nil {
		return nil, internal(err)
	}
	if options.SampleRows > 0 {
		out.Sample = [][]any{}
	}
	for {
		row, err := left.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, internal(err)
		}
		out.Sample = append(out.Sample, row)
	}
}

func etag(t Table, columns []warehouse.Column) (string, error) {
	text, err := json.Marshal([]any{t, columns})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), err
}

// fields lists columns with the fields of records, in order.
func fields(columns []warehouse.Column, prefix string, depth int, repeated bool) []warehouse.Field {
	var out []warehouse.Field
	for _, c := range columns {
		f := warehouse.Field{Path: prefix + c.Name, Type: c.Type, Mode: c.Mode, Depth: depth, Repeated: repeated || c.Mode == warehouse.Repeated}
		out = append(append(out, f), fields(c.Fields, f.Path+".", depth+1, f.Repeated)...)
	}
	return out
}

func (w *Warehouse) names() []string {
	out := make([]string, 0, len(w.config.Tables))
	for _, t := range w.config.Tables {
		out = append(out, t.Name)
	}
	return out
}

// all tells of the tables, as a sentence after another.
func (w *Warehouse) all() string {
	const told = 20
	names := w.names()
	switch {
	case len(names) == 0:
		return " There are none: attach a file."
	case len(names) > told:
		return fmt.Sprintf(" There are %d, such as %s.", len(names), nearest.Quoted(names[:told]))
	}
	return " There are " + nearest.Quoted(names) + "."
}

func notThere(what string) *warehouse.Error {
	return &warehouse.Error{Code: warehouse.CodeNotFound, Message: fmt.Sprintf("There is no table %s among the files.", what)}
}
