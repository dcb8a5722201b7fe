package warehouse

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Written is what WriteJSONLines wrote.
type Written struct {
	Columns   []Column
	Rows      int64
	Bytes     int64
	TotalRows int64
	Truncated bool
	Stats     Stats
}

// WriteJSONLines writes a result's rows to w, one JSON array a line, with a
// value for each column in order, so that columns may share a name. It holds one
// row at a time beside what the driver fetches in one go. It does not close r.
func WriteJSONLines(ctx context.Context, w io.Writer, r Result) (Written, error) {
	out := Written{Columns: r.Columns()}
	counted := &counter{w: w}
	buffered := bufio.NewWriterSize(counted, 64<<10)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	var failed error
	for {
		row, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = writeRow(enc, row)
		}
		if err != nil {
			failed = err
			break
		}
		out.Rows++
	}
	if err := buffered.Flush(); err != nil && failed == nil {
		failed = fmt.Errorf("warehouse: writing rows: %w", err)
	}
	out.Bytes, out.TotalRows, out.Truncated, out.Stats = counted.n, r.TotalRows(), r.Truncated(), r.Stats()
	return out, failed
}

func writeRow(enc *json.Encoder, row []any) error {
	if err := enc.Encode(JSONRow(row)); err != nil {
		return fmt.Errorf("warehouse: writing a row: %w", err)
	}
	return nil
}

// JSONRow returns the row with what JSON has no number for as strings.
func JSONRow(row []any) []any {
	out := make([]any, len(row))
	for i, v := range row {
		out[i] = jsonable(v)
	}
	return out
}

func jsonable(v any) any {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
	case []any:
		return JSONRow(v)
	}
	return v
}

// MarshalJSON implements json.Marshaler.
func (r Record) MarshalJSON() ([]byte, error) {
	seen := make(map[string]bool, len(r.Names))
	for _, name := range r.Names {
		if name == "" || seen[name] {
			return json.Marshal(JSONRow(r.Values))
		}
		seen[name] = true
	}
	out := []byte{'{'}
	for i, name := range r.Names {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(jsonable(r.Values[i]))
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}'), nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
