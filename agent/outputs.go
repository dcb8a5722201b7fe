package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// Output is a rich output as it is stored with its step and in events. Name is
// how evidence refers to it: "s2.o1" is the first output of step 2, "s2.stdout"
// and "s2.stderr" are what it printed.
type Output struct {
	Name  string           `json:"name"`
	Title string           `json:"title,omitempty"`
	MIME  string           `json:"mimeType"`
	Text  string           `json:"text,omitempty"`
	JSON  json.RawMessage  `json:"json,omitempty"`
	Table *execution.Table `json:"table,omitempty"`
	// Schema is, of a query's result, its columns ([]warehouse.Column); the file
	// then holds the rows as JSON lines.
	Schema   json.RawMessage `json:"schema,omitempty"`
	Artifact *Artifact       `json:"artifact,omitempty"`
}

// Artifact is a stored file, with all that is shown of it, so that showing an
// output costs no further query.
type Artifact struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	MIME      string    `json:"mimeType"`
	SizeBytes int64     `json:"sizeBytes"`
	CreatedAt time.Time `json:"createdAt"`
}

// Outputs reads what Step.outputs holds; nothing stored is no output.
func Outputs(raw json.RawMessage) ([]Output, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var outs []Output
	if err := json.Unmarshal(raw, &outs); err != nil {
		return nil, fmt.Errorf("read stored outputs: %w", err)
	}
	return outs, nil
}

// unfit tells why an output cannot be kept with the run; "" keeps it.
func (k *work) unfit(o Output) string {
	if !storableNumbers(o.JSON) {
		return "(Left out: it holds numbers that no database holds.)"
	}
	size := len(encode(o))
	if k.inline+size > k.Limits.InlineBytes {
		return fmt.Sprintf("(Left out: the charts, tables and values of one answer take at most %d MB. Show less, or leave a file.)", k.Limits.InlineBytes>>20)
	}
	k.inline += size
	return ""
}

// countInline counts what an earlier claim of the run has kept with it.
func (k *work) countInline(kept []Output) {
	for _, o := range kept {
		if !o.isPrinted() {
			k.inline += len(encode(o))
		}
	}
}

// farNumber matches what may be a number beyond PostgreSQL's numeric, which is
// what its jsonb keeps numbers as: 131,072 digits before the point, 16,383 after.
var farNumber = regexp.MustCompile(`[0-9][eE][+-]?[0-9]{4}|[0-9]{1000}`)

// storableNumbers tells whether both databases keep the numbers of a JSON value.
func storableNumbers(raw json.RawMessage) bool {
	if !farNumber.Match(raw) {
		return true
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if n, ok := token.(json.Number); ok && farNumber.MatchString(n.String()) {
			return false
		}
	}
}

// cleanTable is a table whose texts are fit to be shown.
func cleanTable(t *execution.Table) *execution.Table {
	if t == nil {
		return nil
	}
	clean := *t
	clean.Columns = slices.Clone(t.Columns)
	for i, name := range clean.Columns {
		clean.Columns[i] = untrusted.Line(name)
	}
	clean.Rows = make([][]any, len(t.Rows))
	for i, row := range t.Rows {
		clean.Rows[i] = slices.Clone(row)
		for j, cell := range row {
			if text, ok := cell.(string); ok {
				clean.Rows[i][j] = untrusted.Clean(text)
			}
		}
	}
	return &clean
}

// outputName is the name of the n-th rich output (from 1) of a step.
func outputName(step, n int) string { return fmt.Sprintf("s%d.o%d", step, n) }

// streamName is the name of what a step printed.
func streamName(step int, s execution.Stream) string { return fmt.Sprintf("s%d.%s", step, s) }

// isPrinted tells whether an output is what a step printed.
func (o Output) isPrinted() bool {
	return strings.HasSuffix(o.Name, "."+string(execution.Stdout)) || strings.HasSuffix(o.Name, "."+string(execution.Stderr))
}

// isChart tells whether an output is something to look at.
func (o Output) isChart() bool {
	return o.MIME == execution.MIMEPlotly || o.MIME == execution.MIMEPNG
}
