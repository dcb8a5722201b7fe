package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// What a profile may hold at most; py/ keeps below all of these.
const (
	maxColumns     = 5000
	maxName        = 200       // characters
	maxOriginal    = 1000      // characters
	maxValue       = 100       // characters of a sample, a bound or a cell
	maxSamples     = 5         // of a column
	maxSampleRows  = 20        // of the table
	maxLoadCode    = 512 << 10 // bytes: thousands of repaired names
	maxNotes       = 20
	maxNote        = 1000 // characters
	maxMessage     = 1000 // characters
	resultTitle    = "mark.profile"
	maxJSONInteger = 1 << 53
)

var (
	knownFormats = []string{"CSV", "TSV", "JSON", "JSONL", "XLSX", "PARQUET"}
	knownTypes   = []string{"STRING", "INTEGER", "FLOAT", "NUMERIC", "BOOLEAN", "DATE", "TIMESTAMP", "TIME", "BYTES", "JSON"}
	knownCodes   = []Code{EmptyFile, NoRows, NotTabular, UnsupportedFormat, BrokenFile, Encoding, TooManyColumns, TooLarge}
)

// Parse reads what Source's code showed. It believes nothing: a session that
// parsed a hostile file may say anything. Its error is a *Failure, whose code is
// Failed where the outputs are no profile.
func Parse(outputs []execution.Output) (Profile, error) {
	i := slices.IndexFunc(outputs, func(o execution.Output) bool {
		return o.MIME == execution.MIMEJSON && o.Title == resultTitle
	})
	if i < 0 {
		return Profile{}, failed(fmt.Errorf("no profile among %d outputs", len(outputs)))
	}
	var result struct {
		Profile *Profile `json:"profile"`
		Failure *Failure `json:"failure"`
	}
	d := json.NewDecoder(bytes.NewReader(outputs[i].JSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&result); err != nil {
		return Profile{}, failed(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Profile{}, failed(fmt.Errorf("more than one JSON value"))
	}
	switch {
	case (result.Profile == nil) == (result.Failure == nil):
		return Profile{}, failed(fmt.Errorf("neither a profile nor a failure, or both"))
	case result.Failure != nil:
		f := result.Failure
		if !slices.Contains(knownCodes, f.Code) {
			return Profile{}, failed(fmt.Errorf("an unknown code: %.100q", f.Code))
		}
		f.Message = line(f.Message, maxMessage)
		return Profile{}, f
	}
	if err := check(result.Profile); err != nil {
		return Profile{}, failed(err)
	}
	return *result.Profile, nil
}

// check validates and cleans p in place.
func check(p *Profile) error {
	switch {
	case !slices.Contains(knownFormats, p.Format):
		return fmt.Errorf("format %.40q", p.Format)
	case len(p.Encoding) > 40 || len(p.Delimiter) > 1 || p.Encoding != line(p.Encoding, 40):
		return fmt.Errorf("encoding %.40q, delimiter %.40q", p.Encoding, p.Delimiter)
	case p.RowCount < 1 || p.RowCount > maxJSONInteger:
		return fmt.Errorf("%d rows", p.RowCount)
	case len(p.Columns) < 1 || len(p.Columns) > maxColumns:
		return fmt.Errorf("%d columns", len(p.Columns))
	case len(p.Notes) > maxNotes:
		return fmt.Errorf("%d notes", len(p.Notes))
	case p.LoadCode == "" || len(p.LoadCode) > maxLoadCode || strings.ContainsAny(p.LoadCode, "\n\t") || p.LoadCode != untrusted.Clean(p.LoadCode):
		return fmt.Errorf("load code of %d bytes", len(p.LoadCode))
	}
	seen := make(map[string]bool, len(p.Columns))
	for i := range p.Columns {
		c := &p.Columns[i]
		if err := checkColumn(c, p.RowCount); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
		if seen[c.Name] {
			return fmt.Errorf("column %d is called as another is", i+1)
		}
		seen[c.Name] = true
	}
	for i, note := range p.Notes {
		p.Notes[i] = line(note, maxNote)
	}
	if p.Notes == nil {
		p.Notes = []string{}
	}
	return checkSample(&p.Sample, p)
}

func checkColumn(c *Column, rows int64) error {
	switch {
	case c.Name == "" || c.Name != line(c.Name, maxName):
		return fmt.Errorf("name %.100q", c.Name)
	case !slices.Contains(knownTypes, c.Type):
		return fmt.Errorf("type %.40q", c.Type)
	case c.NullCount < 0 || c.NullCount > rows || c.DistinctCount < 0 || c.DistinctCount > rows-c.NullCount:
		return fmt.Errorf("%d nulls and %d distinct values in %d rows", c.NullCount, c.DistinctCount, rows)
	case len(c.Samples) > maxSamples:
		return fmt.Errorf("%d samples", len(c.Samples))
	}
	c.OriginalName = text(c.OriginalName, maxOriginal)
	c.Min, c.Max = text(c.Min, maxValue), text(c.Max, maxValue)
	for i, sample := range c.Samples {
		c.Samples[i] = text(sample, maxValue)
	}
	if c.Samples == nil {
		c.Samples = []string{}
	}
	return nil
}

func checkSample(t *execution.Table, p *Profile) error {
	if len(t.Columns) != len(p.Columns) || len(t.Rows) > maxSampleRows || t.RowCount != p.RowCount {
		return fmt.Errorf("a sample of %d columns, %d of %d rows", len(t.Columns), len(t.Rows), t.RowCount)
	}
	for i, name := range t.Columns {
		if name != p.Columns[i].Name {
			return fmt.Errorf("the sample's column %d is called %.100q", i+1, name)
		}
	}
	for _, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("a sample row of %d cells", len(row))
		}
		for i, cell := range row {
			switch v := cell.(type) {
			case nil, bool, float64:
			case string:
				row[i] = text(v, maxValue)
			default:
				return fmt.Errorf("a sample cell that is no scalar")
			}
		}
	}
	t.Truncated = p.RowCount > int64(len(t.Rows))
	return nil
}

// line returns s clean, on one line, of at most most characters.
func line(s string, most int) string { return cut.ToCharacters(untrusted.Line(s), most) }

// text returns s clean, of at most most characters.
func text(s string, most int) string {
	return cut.ToCharacters(storable.Text(untrusted.Clean(s)), most)
}
