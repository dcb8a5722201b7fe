package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// fixed is a result of rows that are there.
type fixed struct {
	rows [][]any
	err  error
}

func (f *fixed) Columns() []Column { return nil }
func (f *fixed) TotalRows() int64  { return 9 }
func (f *fixed) Truncated() bool   { return true }
func (f *fixed) Stats() Stats      { return Stats{JobID: "j"} }
func (f *fixed) Close() error      { return nil }
func (f *fixed) Next(context.Context) ([]any, error) {
	if len(f.rows) == 0 {
		return nil, f.err
	}
	row := f.rows[0]
	f.rows = f.rows[1:]
	return row, nil
}

func TestWriteJSONLines(t *testing.T) {
	rows := [][]any{
		{nil, true, int64(math.MinInt64), 1.5, "a<b>\n"},
		{math.NaN(), []any{math.Inf(1), nil}, Record{Names: []string{"z", "a"}, Values: []any{int64(1), math.Inf(-1)}}},
		{Record{Names: []string{"a", "a"}, Values: []any{"x", "y"}}, Record{Names: []string{""}, Values: []any{nil}}},
	}
	var b strings.Builder
	got, err := WriteJSONLines(t.Context(), &b, &fixed{rows: rows, err: io.EOF})
	want := `[null,true,-9223372036854775808,1.5,"a<b>\n"]
["NaN",["Infinity",null],{"z":1,"a":"-Infinity"}]
[["x","y"],[null]]
`
	if err != nil || b.String() != want || got.Rows != 3 || got.Bytes != int64(len(want)) || got.TotalRows != 9 || !got.Truncated || got.Stats.JobID != "j" {
		t.Errorf("%+v, %v:\n%s", got, err, b.String())
	}
}

func TestWriteJSONLinesTellsOfFailures(t *testing.T) {
	broken := errors.New("broken")
	got, err := WriteJSONLines(t.Context(), io.Discard, &fixed{rows: [][]any{{"x"}}, err: broken})
	if !errors.Is(err, broken) || got.Rows != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := WriteJSONLines(t.Context(), full{}, &fixed{rows: [][]any{{strings.Repeat("x", 100_000)}}, err: io.EOF}); !errors.Is(err, errFull) {
		t.Errorf("a disk that is full: %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	e := &Error{Code: CodeInvalidQuery, Message: "Mend it.", Position: &Position{Line: 1, Column: 2}, Err: cause}
	if e.Error() != "SQL_INVALID: Mend it. (line 1, column 2): cause" || !errors.Is(e, cause) {
		t.Errorf("%q", e)
	}
	if CodeOf(nil) != "" || CodeOf(cause) != CodeInternal || CodeOf(errors.Join(cause, e)) != CodeInvalidQuery {
		t.Error("codes are wrong")
	}
}

// Values that were stored as JSON with a plan are what they were.
func TestPlanAsJSON(t *testing.T) {
	plan := Plan{Decision: Decision{SQL: "SELECT 1", Verdict: Allowed}, Statement: "SELECT", MaxBilled: 7, Seal: "s"}
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var back Plan
	if err := json.Unmarshal(data, &back); err != nil || back.SQL != plan.SQL || back.MaxBilled != 7 || back.Seal != "s" {
		t.Errorf("%+v, %v", back, err)
	}
}
