package warehouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// AppendCSV appends a row as a line of CSV (RFC 4180, line feeds): what is NULL has
// nothing between its commas, an empty text is "". Lists, records and ranges are
// texts that hold JSON.
func AppendCSV(b []byte, row []any) ([]byte, error) {
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := v.(type) {
		case nil:
		case string:
			b = appendText(b, v)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case float64:
			b = appendFloat(b, v)
		case bool:
			b = strconv.AppendBool(b, v)
		default:
			text, err := json.Marshal(jsonable(v))
			if err != nil {
				return b, fmt.Errorf("warehouse: writing a row: %w", err)
			}
			b = appendText(b, string(text))
		}
	}
	return append(b, '\n'), nil
}

// AppendCSVOfLine is AppendCSV of a row that WriteJSONLines has written.
func AppendCSVOfLine(b, line []byte) ([]byte, error) {
	var row []json.RawMessage
	if err := json.Unmarshal(line, &row); err != nil {
		return b, fmt.Errorf("warehouse: reading a row: %w", err)
	}
	for i, raw := range row {
		if i > 0 {
			b = append(b, ',')
		}
		switch raw[0] {
		case '"':
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return b, fmt.Errorf("warehouse: reading a row: %w", err)
			}
			b = appendText(b, text)
		case '[', '{':
			b = appendText(b, string(raw))
		default:
			if !bytes.Equal(raw, null) {
				b = append(b, raw...)
			}
		}
	}
	return append(b, '\n'), nil
}

var null = []byte("null")

func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 0):
		if f < 0 {
			b = append(b, '-')
		}
		return append(b, "Infinity"...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendText quotes where it must, and what is empty: it is not NULL.
func appendText(b []byte, text string) []byte {
	if text != "" && !strings.ContainsAny(text, ",\"\r\n") {
		return append(b, text...)
	}
	b = append(b, '"')
	for rest := text; ; {
		before, after, found := strings.Cut(rest, `"`)
		b = append(b, before...)
		if !found {
			return append(b, '"')
		}
		b, rest = append(b, `""`...), after
	}
}
