package duckdb

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/mark-analyst/mark/warehouse"
)

// maxLine is how long a row may be, bytes.
const maxLine = 16 << 20

// rows reads the rows that the program has left.
type rows struct {
	file    io.ReadCloser
	in      *bufio.Reader
	columns []warehouse.Column
}

// next returns the next row, and io.EOF after the last.
func (r *rows) next() ([]any, error) {
	line, err := readLine(r.in, maxLine)
	if err != nil {
		return nil, err
	}
	var cells []any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&cells); err != nil {
		return nil, err
	}
	return values(cells, r.columns)
}

func (r *rows) close() error { return r.file.Close() }

var errValue = errors.New("a value is not of its column's type")

func values(cells []any, columns []warehouse.Column) ([]any, error) {
	if len(cells) != len(columns) {
		return nil, fmt.Errorf("%d values of %d: %w", len(cells), len(columns), errValue)
	}
	for i, v := range cells {
		value, err := plain(v, columns[i])
		if err != nil {
			return nil, err
		}
		cells[i] = value
	}
	return cells, nil
}

// plain returns a value of the program's as warehouse.Type says.
func plain(v any, c warehouse.Column) (any, error) {
	if c.Mode == warehouse.Repeated {
		list, ok := v.([]any)
		if !ok {
			return nil, errValue
		}
		c.Mode = warehouse.Nullable
		for i, element := range list {
			value, err := plain(element, c)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	}
	if v == nil {
		return nil, nil
	}
	switch c.Type {
	case warehouse.Struct:
		fields, ok := v.([]any)
		if !ok {
			return nil, errValue
		}
		got, err := values(fields, c.Fields)
		out := warehouse.Record{Values: got}
		for _, f := range c.Fields {
			out.Names = append(out.Names, f.Name)
		}
		return out, err
	case warehouse.Integer:
		n, ok := v.(json.Number)
		if !ok {
			return nil, errValue
		}
		return n.Int64()
	case warehouse.Float:
		return float(v)
	case warehouse.Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, errValue
	case warehouse.Bytes:
		text, ok := v.(string)
		if _, err := base64.StdEncoding.DecodeString(text); !ok || err != nil {
			return nil, errValue
		}
		return text, nil
	case warehouse.String, warehouse.Numeric, warehouse.BigNumeric, warehouse.Date, warehouse.Time, warehouse.DateTime,
		warehouse.Timestamp, warehouse.Interval, warehouse.JSON:
		if text, ok := v.(string); ok {
			return text, nil
		}
	}
	return nil, errValue
}

func float(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return v.Float64()
	case string:
		switch v {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
	}
	return nil, errValue
}
