package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/storable"
)

// What an output may hold at most; the kernel keeps below all of these.
const (
	maxText         = 80 << 10 // bytes of a repr, which is 20,000 characters and a word at most
	maxTableRows    = 50
	maxTableColumns = 200
	maxColumnName   = 500  // characters
	maxCell         = 4000 // characters
)

// strictJSON decodes one JSON value with known fields only and nothing after.
func strictJSON(payload []byte, into any) error {
	if !utf8.Valid(payload) {
		return fmt.Errorf("%w: JSON that is no UTF-8", errFrame)
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: more than one JSON value", errFrame)
	}
	return nil
}

// decodeOutput decodes a rich output that is no file.
func decodeOutput(payload []byte) (*execution.Output, error) {
	var out execution.Output
	if err := strictJSON(payload, &out); err != nil {
		return nil, err
	}
	out.Title = cleanLine(out.Title, maxTitle)
	hasJSON, hasTable := len(out.JSON) > 0, out.Table != nil
	switch out.MIME {
	case execution.MIMEText:
		if hasJSON || hasTable || len(out.Text) > maxText {
			return nil, fmt.Errorf("%w: a text output with more than a text", errFrame)
		}
		out.Text = storable.Text(out.Text)
	case execution.MIMETable:
		if hasJSON || out.Text != "" || !hasTable {
			return nil, fmt.Errorf("%w: a table output without a table", errFrame)
		}
		if err := cleanTable(out.Table); err != nil {
			return nil, err
		}
	case execution.MIMEPlotly, execution.MIMEJSON:
		if !hasJSON || hasTable || out.Text != "" {
			return nil, fmt.Errorf("%w: a JSON output without JSON", errFrame)
		}
		if out.MIME == execution.MIMEPlotly && out.JSON[0] != '{' {
			return nil, fmt.Errorf("%w: a figure that is no object", errFrame)
		}
		out.JSON = storable.JSON(out.JSON)
	default:
		return nil, fmt.Errorf("%w: an output of type %q", errFrame, out.MIME)
	}
	return &out, nil
}

func cleanTable(t *execution.Table) error {
	if len(t.Columns) > maxTableColumns || len(t.Rows) > maxTableRows || t.RowCount < int64(len(t.Rows)) {
		return fmt.Errorf("%w: a table of %d columns, %d of %d rows", errFrame, len(t.Columns), len(t.Rows), t.RowCount)
	}
	for i, name := range t.Columns {
		t.Columns[i] = cleanLine(name, maxColumnName)
	}
	if t.Columns == nil {
		t.Columns = []string{}
	}
	if t.Rows == nil {
		t.Rows = [][]any{}
	}
	for _, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("%w: a row of %d cells under %d columns", errFrame, len(row), len(t.Columns))
		}
		for i, cell := range row {
			switch v := cell.(type) {
			case nil, bool, float64:
			case string:
				if utf8.RuneCountInString(v) > maxCell {
					return fmt.Errorf("%w: a cell beyond its limit", errFrame)
				}
				row[i] = storable.Text(v)
			default:
				return fmt.Errorf("%w: a cell that is no scalar", errFrame)
			}
		}
	}
	return nil
}
