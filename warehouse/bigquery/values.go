package bigquery

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
)

// Values are taken as the API writes them, which is as the seam has most of them:
// the official client's own types would be parsed only to be written again, which
// takes longer than all the rest.

// values reads a row as the seam promises it.
func values(row *bq.TableRow, columns []warehouse.Column) ([]any, error) {
	if len(row.F) != len(columns) {
		return nil, fmt.Errorf("bigquery: a row has %d values of %d", len(row.F), len(columns))
	}
	out := make([]any, len(columns))
	for i := range columns {
		value, err := plain(row.F[i].V, &columns[i])
		if err != nil {
			return nil, err
		}
		out[i] = value
	}
	return out, nil
}

// plain returns a cell as warehouse.Type says.
func plain(v any, c *warehouse.Column) (any, error) {
	if c.Mode == warehouse.Repeated {
		return list(v, c)
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return scalarOf(v, c)
	case map[string]any:
		return record(v, c)
	}
	return nil, fmt.Errorf("bigquery: %s is %T, which nobody expected", c.Name, v)
}

// list reads {"v": …} of each element; NULL is an empty list, as BigQuery has it.
func list(v any, c *warehouse.Column) (any, error) {
	cells, ok := v.([]any)
	if !ok && v != nil {
		return nil, fmt.Errorf("bigquery: %s is repeated and not a list but %T", c.Name, v)
	}
	one := *c
	one.Mode = warehouse.Nullable
	out := make([]any, len(cells))
	for i, cell := range cells {
		value, err := plain(inside(cell), &one)
		if err != nil {
			return nil, err
		}
		out[i] = value
	}
	return out, nil
}

func record(v map[string]any, c *warehouse.Column) (any, error) {
	cells, ok := v["f"].([]any)
	if !ok || c.Type != warehouse.Struct || len(cells) != len(c.Fields) {
		return nil, fmt.Errorf("bigquery: %s has %d fields of %d", c.Name, len(cells), len(c.Fields))
	}
	out := warehouse.Record{Names: make([]string, len(cells)), Values: make([]any, len(cells))}
	for i, cell := range cells {
		value, err := plain(inside(cell), &c.Fields[i])
		if err != nil {
			return nil, err
		}
		out.Names[i], out.Values[i] = c.Fields[i].Name, value
	}
	return out, nil
}

// inside is the value of a cell.
func inside(cell any) any {
	m, _ := cell.(map[string]any)
	return m["v"]
}

// scalarOf reads a value that is no list and no record.
func scalarOf(s string, c *warehouse.Column) (out any, err error) {
	switch c.Type {
	case warehouse.String, warehouse.Geography, warehouse.JSON, warehouse.Bytes, warehouse.Interval, warehouse.Date:
		return s, nil
	case warehouse.Integer:
		out, err = strconv.ParseInt(s, 10, 64)
	case warehouse.Float:
		out, err = strconv.ParseFloat(s, 64)
	case warehouse.Boolean:
		out, err = strconv.ParseBool(s)
	case warehouse.Numeric, warehouse.BigNumeric, warehouse.Time, warehouse.DateTime:
		return trimmed(s), nil
	case warehouse.Timestamp:
		var micros int64
		micros, err = strconv.ParseInt(s, 10, 64)
		out = time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.999999Z")
	case warehouse.Range:
		return span(s, c)
	default:
		err = fmt.Errorf("of the type %s, which nobody expected", c.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("bigquery: %s is %w", c.Name, err)
	}
	return out, nil
}

// trimmed leaves out zeros at the end of a fraction.
func trimmed(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// span reads a range as the API writes it, "[start, end)".
func span(s string, c *warehouse.Column) (any, error) {
	start, end, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(s, "["), ")"), ", ")
	if !ok {
		return nil, fmt.Errorf("bigquery: %s is no range", c.Name)
	}
	out := warehouse.Record{Names: []string{"start", "end"}, Values: make([]any, 2)}
	element := warehouse.Column{Name: c.Name, Type: c.Element}
	for i, text := range []string{start, end} {
		if strings.EqualFold(text, "UNBOUNDED") || strings.EqualFold(text, "NULL") {
			continue
		}
		value, err := scalarOf(text, &element)
		if err != nil {
			return nil, err
		}
		out.Values[i] = value
	}
	return out, nil
}

// size is about how long a value's JSON is, in bytes.
func size(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v)) + 3
	case bool, nil:
		return 5
	case []any:
		n := int64(2)
		for _, element := range v {
			n += size(element)
		}
		return n
	case warehouse.Record:
		n := size(v.Values)
		for _, name := range v.Names {
			n += int64(len(name)) + 3
		}
		return n
	}
	return 12
}
