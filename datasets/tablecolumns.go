package datasets

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
)

// The bounds of what is kept of a table. Those of values are the profile's.
const (
	maxDescription       = 4_000 // characters; as where people write one
	maxColumnDescription = 1_000
	maxValue             = 100     // characters
	maxSamples           = 5       // of a column
	sampleRows           = 20      // that are kept
	maxCell              = 500     // characters of a value in them
	maxSampleBytes       = 1 << 20 // of all, as JSON
)

// columnsOf are a table's columns; the fields of records follow theirs, by their
// paths.
func columnsOf(t *warehouse.Table) []newColumn {
	places := map[string]place{}
	find("", nil, t.Columns, places)
	out := make([]newColumn, len(t.Fields))
	for i, f := range t.Fields {
		at := places[f.Path]
		out[i] = newColumn{name: storable.Text(f.Path), kind: kindOf(f, at.column.Element), description: described(f.Description, maxColumnDescription)}
		if !f.Repeated && at.path != nil && f.Type != warehouse.Struct && f.Type != warehouse.Range {
			out[i].samples, out[i].min, out[i].max = seen(f.Type, values(t.Sample, at.path))
		}
	}
	return out
}

// place is where a field stands in a row.
type place struct {
	path   []int
	column warehouse.Column
}

func find(prefix string, path []int, columns []warehouse.Column, into map[string]place) {
	for i, c := range columns {
		at := place{append(slices.Clone(path), i), c}
		into[prefix+c.Name] = at
		if c.Type == warehouse.Struct && c.Mode != warehouse.Repeated {
			find(prefix+c.Name+".", at.path, c.Fields, into)
		}
	}
}

// kindOf is a field's type as SQL writes it, in the names of the metadata.
func kindOf(f warehouse.Field, element warehouse.Type) string {
	kind := string(f.Type)
	switch {
	case f.Type == warehouse.Struct:
		kind = "STRUCT"
	case f.Type == warehouse.Range && element != "":
		kind += "<" + string(element) + ">"
	}
	if f.Mode == warehouse.Repeated {
		kind = "ARRAY<" + kind + ">"
	}
	return firstRunes(kind, 32) // as the column takes it; types that are known are shorter
}

// values are those of a field in the rows, without nulls.
func values(rows [][]any, path []int) []any {
	var out []any
	for _, row := range rows {
		at := any(nil)
		if path[0] < len(row) {
			at = row[path[0]]
		}
		for _, i := range path[1:] {
			record, ok := at.(warehouse.Record)
			if !ok || i >= len(record.Values) {
				at = nil
				break
			}
			at = record.Values[i]
		}
		if at != nil {
			out = append(out, at)
		}
	}
	return out
}

// seen is what of a column's values a person is shown: some different ones, and,
// where the type has an order, the smallest and the largest.
func seen(kind warehouse.Type, all []any) (samples []string, least, most *string) {
	var low, high any
	for _, v := range all {
		if text := shown(v); len(samples) < maxSamples && !slices.Contains(samples, text) {
			samples = append(samples, text)
		}
		if f, ok := v.(float64); ok && math.IsNaN(f) {
			continue
		}
		if low == nil || compare(kind, v, low) < 0 {
			low = v
		}
		if high == nil || compare(kind, v, high) > 0 {
			high = v
		}
	}
	if low == nil || !ordered(kind) {
		return samples, nil, nil
	}
	return samples, some(shown(low)), some(shown(high))
}

func ordered(kind warehouse.Type) bool {
	switch kind {
	case warehouse.Bytes, warehouse.Boolean, warehouse.Interval, warehouse.Geography, warehouse.JSON:
		return false
	}
	return true
}

// compare orders two values of a type that has an order.
func compare(kind warehouse.Type, a, b any) int {
	switch kind {
	case warehouse.Integer, warehouse.Float, warehouse.Numeric, warehouse.BigNumeric:
		x, okX := number(a)
		y, okY := number(b)
		if okX && okY {
			return x.Cmp(y)
		}
	}
	// Without its Z a time with a fraction comes after the one without.
	return strings.Compare(strings.TrimSuffix(fmt.Sprint(a), "Z"), strings.TrimSuffix(fmt.Sprint(b), "Z"))
}

func number(v any) (*big.Float, bool) {
	n, _, err := big.ParseFloat(fmt.Sprint(v), 10, 256, big.ToNearestEven)
	return n, err == nil
}

// shown is a value as people read it.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return cutText(v, maxValue)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return cutText(fmt.Sprint(v), maxValue)
}

// sampleOf is the first rows as JSON; nil where there are none.
func sampleOf(t *warehouse.Table) (json.RawMessage, error) {
	if len(t.Sample) == 0 {
		return nil, nil
	}
	out := execution.Table{RowCount: max(t.Rows, int64(len(t.Sample)))}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, c.Name)
	}
	for _, row := range t.Sample[:min(sampleRows, len(t.Sample))] {
		cells := make([]any, len(row))
		for i, v := range warehouse.JSONRow(row) {
			var err error
			if cells[i], err = cell(v); err != nil {
				return nil, err
			}
		}
		out.Rows = append(out.Rows, cells)
	}
	for {
		out.Truncated = out.RowCount > int64(len(out.Rows)) || t.Rows < 0
		raw, err := json.Marshal(out)
		switch {
		case err != nil:
			return nil, err
		case len(raw) <= maxSampleBytes:
			return storable.JSON(raw), nil
		case len(out.Rows) == 0:
			return nil, nil
		}
		out.Rows = out.Rows[:len(out.Rows)/2]
	}
}

// cell is a value of the sample, cut: what is nested becomes text where it is long.
func cell(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case string:
		return cutText(v, maxCell), nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(raw) <= maxCell {
		return json.RawMessage(raw), nil
	}
	return cutText(string(raw), maxCell), nil
}

// described is a description of the warehouse's, which anybody may have written.
func described(s string, most int) string { return cutText(strings.TrimSpace(s), most) }

// clean is text that can be stored and has nothing hidden.
func clean(s string) string { return storable.Text(untrusted.Clean(s)) }

// cutText is clean text of at most so many characters, with an ellipsis where it
// was cut.
func cutText(s string, most int) string {
	s = clean(s)
	if short := firstRunes(s, most-1); len(short) < len(s) && firstRunes(s, most) != s {
		return short + "…"
	}
	return s
}

// encoded is a value that can be written as JSON.
func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a type of this service's, without what could fail
	}
	return raw
}
