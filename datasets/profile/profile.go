// Package profile finds out what a dataset's file holds. The file is untrusted
// and is parsed only inside a session, by the Python of this package (py/); Go
// sees the result, which is untrusted as well, through Parse. The package knows
// no store and no provider of sessions.
package profile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
)

// Profile is what is known of a dataset. All of its text is clean: valid UTF-8,
// without control or invisible characters, bounded.
type Profile struct {
	Format    string          `json:"format"`    // CSV, TSV, JSON, JSONL, XLSX or PARQUET
	Encoding  string          `json:"encoding"`  // Python's name of it; "" where the format has none
	Delimiter string          `json:"delimiter"` // of CSV and TSV
	HasHeader bool            `json:"hasHeader"`
	RowCount  int64           `json:"rowCount"`
	Columns   []Column        `json:"columns"`
	Sample    execution.Table `json:"sample"` // the first rows
	// LoadCode is a Python expression over pd (pandas) that loads the file, by
	// its name, in the working folder of a session, with exactly these columns.
	LoadCode string   `json:"loadCode"`
	Notes    []string `json:"notes"` // sentences: what was guessed, repaired or left out
}

// Column describes one column.
type Column struct {
	Name         string `json:"name"`         // unique in the profile; what code calls it
	OriginalName string `json:"originalName"` // as it stands in the file
	// Type is one of STRING, INTEGER, FLOAT, NUMERIC, BOOLEAN, DATE, TIMESTAMP,
	// TIME, BYTES and JSON (lists and objects), as BigQuery calls them.
	Type          string   `json:"type"`
	NullCount     int64    `json:"nullCount"`
	DistinctCount int64    `json:"distinctCount"` // of the values that are not null; a note says when it is an estimate
	Min           string   `json:"min"`           // "" where there is no order or no value
	Max           string   `json:"max"`
	Samples       []string `json:"samples"` // up to five different values, from the first ones
}

// Code is a stable reason why a file has no profile.
type Code string

// The codes.
const (
	EmptyFile         Code = "EMPTY_FILE"          // no bytes, or only blank ones
	NoRows            Code = "NO_ROWS"             // names of columns, and nothing below
	NotTabular        Code = "NOT_TABULAR"         // readable, but no rows and columns
	UnsupportedFormat Code = "UNSUPPORTED_FORMAT"  // recognised as something else
	BrokenFile        Code = "BROKEN_FILE"         // cut off or damaged
	Encoding          Code = "ENCODING"            // the text's encoding is unknown or wrong
	TooManyColumns    Code = "TOO_MANY_COLUMNS"    // above 5,000
	TooLarge          Code = "TOO_LARGE"           // in memory, unpacked or in time
	Failed            Code = "PROFILE_FAILED"      // the profiler itself, or its session, failed
	Unavailable       Code = "SANDBOX_UNAVAILABLE" // no session is to be had; try later
)

// Failure says why a file has no profile. It is an error.
type Failure struct {
	Code    Code   `json:"code"`
	Message string `json:"message"` // a sentence for a person: what is wrong and what to do
	Err     error  `json:"-"`       // the cause, for logs only
}

// Error implements error with everything, the cause included: for logs.
func (f *Failure) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("%s: %s", f.Code, f.Message)
	}
	return fmt.Sprintf("%s: %s: %v", f.Code, f.Message, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// maxLog is how much of what the profiler printed is kept for the log; it only
// prints when it fails.
const maxLog = 8 << 10

// Run profiles the file that session has under name. Its error is a *Failure,
// or ctx's own where ctx ended.
func Run(ctx context.Context, session execution.Session, name string) (Profile, error) {
	var (
		outputs []execution.Output
		log     strings.Builder
	)
	result, err := session.Run(ctx, Source(name), execution.Listener(func(e execution.Event) {
		switch {
		case e.Output != nil:
			outputs = append(outputs, *e.Output)
		case e.Chunk != nil && log.Len() < maxLog:
			log.WriteString(e.Chunk.Text)
		}
	}))
	if ctx.Err() != nil {
		return Profile{}, fmt.Errorf("profile a file: %w", ctx.Err())
	}
	var ended *execution.Error
	switch {
	case errors.As(err, &ended):
		return Profile{}, ofSession(ended)
	case err != nil:
		return Profile{}, failed(err)
	case result.Failure != nil:
		return Profile{}, failed(fmt.Errorf("%s: %s: %s", result.Failure.Name, result.Failure.Message, log.String()))
	}
	return Parse(outputs)
}

func ofSession(ended *execution.Error) *Failure {
	switch ended.Code {
	case execution.CodeTimeout, execution.CodeMemory:
		return &Failure{Code: TooLarge, Message: "The file is too large or too complex to be read in time. Upload a part of it, or save it as CSV or Parquet.", Err: ended}
	case execution.CodeUnavailable:
		return &Failure{Code: Unavailable, Message: "The file could not be read because no Python session was free. Try again.", Err: ended}
	}
	return failed(ended)
}

func failed(cause error) *Failure {
	return &Failure{Code: Failed, Message: "The file could not be read for a reason that is not clear. Save it in another format and upload it again.", Err: cause}
}
