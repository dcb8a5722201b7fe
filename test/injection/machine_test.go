package injection

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// machine stands in for Python where what programs do is not the question: it
// profiles files as what it is told they hold, prints what it is told to, and
// keeps the programs that it was given.
type machine struct {
	mu    sync.Mutex // protects the rest
	table table
	// printed and traceback are what the honest program shows, and figures what it
	// draws.
	printed, traceback string
	figures            []json.RawMessage
	ran                []string
}

// table is what a file holds: one row of one column.
type table struct{ column, cell, file string }

// next has the next file hold a table.
func (m *machine) next(t table) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.table, m.printed, m.traceback, m.figures, m.ran = t, "", "", nil, nil
}

// shows has the honest program show things.
func (m *machine) shows(printed, traceback string, figures ...json.RawMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.printed, m.traceback, m.figures = printed, traceback, figures
}

// programs are those that ran since next.
func (m *machine) programs() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.ran...)
}

// Open implements agent.Sandbox, with what follows.
func (m *machine) Open(context.Context, string, execution.Spec) (execution.Session, execution.Origin, error) {
	return session{m}, execution.Origin{}, nil
}

func (m *machine) Rewind(context.Context, string, string) error       { return nil }
func (m *machine) Fork(context.Context, string, string, string) error { return nil }
func (m *machine) Erase(context.Context, string) error                { return nil }

type session struct{ *machine }

func (s session) Close() error { return nil }

func (s session) Run(_ context.Context, code string, host execution.Host) (execution.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran = append(s.ran, code)
	out := execution.Result{Duration: time.Millisecond}
	if code != honest {
		return out, nil
	}
	text := "count 1\n" + s.table.cell + "\n"
	if s.printed != "" {
		text = s.printed
	}
	host.Emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: text}})
	host.Emit(execution.Event{Output: &execution.Output{MIME: execution.MIMETable, Title: s.table.cell, Table: &execution.Table{
		Columns: []string{s.table.column}, Rows: [][]any{{s.table.cell}}, RowCount: 1,
	}}})
	host.Emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEText, Text: s.table.cell}})
	for _, f := range s.figures {
		host.Emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, JSON: f}})
	}
	if s.traceback != "" {
		out.Failure = &execution.Failure{Name: "ValueError", Message: s.traceback, Traceback: "Traceback (most recent call last):\n" + s.traceback}
	}
	return out, nil
}

// profiler is the machine as package datasets knows a sandbox.
type profiler struct{ *machine }

// Open implements datasets.Sandbox.
func (p profiler) Open(context.Context, execution.Spec) (execution.Session, error) {
	return profiling(p), nil
}

type profiling struct{ *machine }

func (p profiling) Close() error { return nil }

// Run tells what py/ of package profile tells of such a file. Names it repairs;
// the rest is for Go to clean.
func (p profiling) Run(_ context.Context, _ string, host execution.Host) (execution.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := shorten(untrusted.Line(p.table.column), 200)
	if name == "" {
		name = "column_1"
	}
	code := "pd.read_csv(" + quoted(p.table.file) + ", names=[" + quoted(name) + "])"
	raw, err := json.Marshal(map[string]any{"profile": profile.Profile{
		Format: "CSV", Encoding: "utf-8", Delimiter: ",", HasHeader: true, RowCount: 1,
		Columns: []profile.Column{{
			Name: name, OriginalName: p.table.column, Type: "STRING", DistinctCount: 1,
			Min: p.table.cell, Max: p.table.cell, Samples: []string{p.table.cell},
		}},
		Sample:   execution.Table{Columns: []string{name}, Rows: [][]any{{p.table.cell}}, RowCount: 1},
		LoadCode: code, Notes: []string{"The column " + p.table.column + " was renamed."},
	}})
	if err != nil {
		return execution.Result{}, err
	}
	host.Emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEJSON, Title: "mark.profile", JSON: raw}})
	return execution.Result{}, nil
}

// quoted is a text as Python writes it.
func quoted(s string) string {
	s = untrusted.Line(s)
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func reader(s string) io.Reader { return strings.NewReader(s) }

func itoa(n int) string { return strconv.Itoa(n) }
