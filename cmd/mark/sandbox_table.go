package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/mark-analyst/mark/internal/execution"
)

// tableText draws a table for a terminal.
func tableText(t *execution.Table) string {
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(cells []string) { fmt.Fprintln(out, strings.Join(cells, "\t")) }
	row(t.Columns)
	for _, cells := range t.Rows {
		line := make([]string, len(cells))
		for i, cell := range cells {
			line[i] = cellText(cell)
		}
		row(line)
	}
	if err := out.Flush(); err != nil { // a strings.Builder takes everything
		return err.Error()
	}
	if t.Truncated {
		fmt.Fprintf(&text, "[%d rows in all]", t.RowCount)
	}
	return strings.TrimRight(text.String(), "\n")
}

func cellText(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return strings.NewReplacer("\t", " ", "\n", " ").Replace(v)
	}
	text, err := json.Marshal(cell) // as JSON tells numbers: 1000000, not 1e+06
	if err != nil {
		return fmt.Sprint(cell)
	}
	return string(text)
}
