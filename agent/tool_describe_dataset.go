package agent

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// sampleRows is how many of a dataset's first rows a model is shown.
const sampleRows = 5

// maxLoadCode is how long an expression the catalogue gives, bytes; longer ones
// are told by describe_dataset alone.
const maxLoadCode = 300

// described is a dataset as describe_dataset tells it.
type described struct {
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	Path string `json:"path,omitempty"`
	Load string `json:"load,omitempty"`
	tableFacts
	Rows        *int64            `json:"rows,omitempty"`
	Description string            `json:"description,omitempty"`
	Columns     []describedColumn `json:"columns"`
	// MoreColumns tells how many columns are left out for want of room.
	MoreColumns int        `json:"moreColumns,omitempty"`
	Sample      *tableHead `json:"sample,omitempty"`
	Notes       []string   `json:"notes,omitempty"`
}

type describedColumn struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Nulls       *int64   `json:"nulls,omitempty"`
	Distinct    *int64   `json:"distinct,omitempty"`
	Min         string   `json:"min,omitempty"`
	Max         string   `json:"max,omitempty"`
	Samples     []string `json:"samples,omitempty"`
	Description string   `json:"description,omitempty"`
}

type tableHead struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

func describeDataset(_ context.Context, k *work, _ *ent.Step, args map[string]any) (callEnd, error) {
	name := text(args, "name")
	d := k.find(name)
	if d == nil {
		var names []string
		for _, d := range k.datasets {
			names = append(names, string(encode(untrusted.Line(d.Name))))
		}
		if len(names) == 0 {
			return failed("DATASET_NOT_FOUND", "This chat has no dataset."), nil
		}
		return failed("DATASET_NOT_FOUND", clip("There is no dataset of that name here. There are: "+strings.Join(names, ", ")+".", k.Limits.ResultCharacters)), nil
	}
	if d.State == dataset.StateFailed {
		return failed(d.ErrorCode, "This dataset cannot be used: "+untrusted.Line(d.ErrorMessage)), nil
	}
	result := k.describe(d)
	k.evidence.told = append(k.evidence.told, result)
	return callEnd{state: step.StateSucceeded, result: result}, nil
}

// find is the chat's dataset of that name, file name or id; else the only one
// whose name or file name has it in it: models say "penguins" for "Palmer
// penguins".
func (k *work) find(name string) *ent.Dataset {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, d := range k.datasets {
			if same(d.ID, name) || same(d.Name, name) || same(d.FileName, name) || same(k.fileName(d), name) ||
				isTable(d) && same(strings.Trim(sqlName(d), "`"), strings.Trim(name, "`")) {
				return d
			}
		}
	}
	var like []*ent.Dataset
	part := strings.ToLower(strings.TrimSpace(name))
	for _, d := range k.datasets {
		if len(part) > 2 && (strings.Contains(strings.ToLower(d.Name), part) || strings.Contains(strings.ToLower(k.fileName(d)), part)) {
			like = append(like, d)
		}
	}
	if len(like) != 1 {
		return nil
	}
	return like[0]
}

// describe tells as much of a dataset as a result holds: of a very wide one the
// first columns.
func (k *work) describe(d *ent.Dataset) string {
	out := described{
		Name: untrusted.Line(d.Name), tableFacts: k.tableFacts(d),
		Rows: d.RowCount, Description: untrusted.Clean(d.Description), Columns: []describedColumn{},
	}
	if !isTable(d) {
		file := k.fileName(d)
		out.File, out.Path, out.Load = file, dataFolder+file, k.loadCode(d)
	}
	for _, n := range d.Notes {
		out.Notes = append(out.Notes, untrusted.Line(n))
	}
	for _, c := range d.Edges.Columns {
		col := describedColumn{
			// The name is what code must spell: it is given as it is.
			Name: c.Name, Type: c.Type, Nulls: c.NullCount, Distinct: c.DistinctCount,
			Description: untrusted.Clean(c.Description),
		}
		if !isTable(d) { // of a table they are those of a few rows, and would be taken for the table's
			col.Min, col.Max = value(c.Min), value(c.Max)
		}
		for _, s := range c.SampleValues {
			col.Samples = append(col.Samples, clip(untrusted.Line(s), 60))
		}
		out.Columns = append(out.Columns, col)
	}
	out.Sample = sampleHead(d.Sample)
	for raw := encode(out); ; raw = encode(out) {
		over := len([]rune(string(raw))) - k.Limits.ResultCharacters
		switch {
		case over <= 0:
			return string(raw)
		case out.Sample != nil:
			out.Sample = nil
		case len(out.Columns) > 1:
			drop := max(1, len(out.Columns)*over/(over+k.Limits.ResultCharacters))
			out.Columns = out.Columns[:max(1, len(out.Columns)-drop)]
			out.MoreColumns = len(d.Edges.Columns) - len(out.Columns)
		default:
			return clip(string(raw), k.Limits.ResultCharacters)
		}
	}
}

func sampleHead(raw json.RawMessage) *tableHead {
	var t execution.Table
	if len(raw) == 0 || json.Unmarshal(raw, &t) != nil {
		return nil
	}
	rows := t.Rows[:min(sampleRows, len(t.Rows))]
	for _, row := range rows {
		for i, cell := range row {
			if s, ok := cell.(string); ok {
				row[i] = clip(untrusted.Line(s), 80)
			}
		}
	}
	return &tableHead{Columns: t.Columns, Rows: rows}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return clip(untrusted.Line(*s), 80)
}
