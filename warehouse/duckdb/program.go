package duckdb

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/params"
)

//go:embed program.py
var program string

// request is what the program is asked.
type request struct {
	Do       string           `json:"do"` // plan, run or table
	SQL      string           `json:"sql"`
	Params   []params.Written `json:"params"`
	Tables   []askedTable     `json:"tables"`
	Table    string           `json:"table"`
	MaxRows  int64            `json:"maxRows"`
	MaxBytes int64            `json:"maxBytes"`
	File     string           `json:"file"`
}

type askedTable struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
	Load    string   `json:"load"`
	Version string   `json:"version"`
}

// answer is what the program says. It comes out of a session, so it is nobody's to
// trust: what it says of itself counts for that session only.
type answer struct {
	Statement string             `json:"statement"`
	Tables    [][]string         `json:"tables"` // the parts of their names
	Columns   []warehouse.Column `json:"columns"`
	Count     int64              `json:"count"` // rows of a table
	Rows      int64              `json:"rows"`
	Truncated bool               `json:"truncated"`
	Error     *struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	} `json:"error"`
}

// folder is the session's working folder. A program of the chat's may have made another
// the current one, from which nothing comes out.
const folder = "/mnt/data/"

// maxAnswer is how long the answer's line may be, bytes: it names 10,000 columns.
const maxAnswer = 4 << 20

// ask runs the program. The rows that it leaves are the caller's to close.
func (w *Warehouse) ask(ctx context.Context, r request) (*answer, *rows, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, stopped(err)
	}
	name := "mark-sql-" + rand.Text() + ".jsonl"
	r.File = folder + name
	r.Tables = make([]askedTable, 0, len(w.config.Tables)) // a list, also where there is none
	for _, t := range w.config.Tables {
		r.Tables = append(r.Tables, askedTable(t))
	}
	code, err := codeOf(r)
	if err != nil {
		return nil, nil, err
	}
	var left io.ReadCloser
	var broken error
	result, err := w.config.Run(ctx, code, execution.Listener(func(e execution.Event) {
		if e.Output == nil || e.Output.Artifact == nil || e.Output.Artifact.Name != name || left != nil {
			return
		}
		left, broken = e.Output.Artifact.Open()
	}))
	failed := failedStep(ctx, result, err)
	if failed == nil && broken != nil {
		failed = internal(broken)
	}
	if failed == nil && left == nil {
		failed = internal(fmt.Errorf("the session left no answer: %+v", result.Notices))
	}
	if failed != nil {
		if left != nil {
			left.Close() //nolint:errcheck // it was read only
		}
		return nil, nil, failed
	}
	return read(left)
}

// codeOf is the program with its request, as one statement that leaves no names in
// the session.
func codeOf(r request) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", &warehouse.Error{Code: warehouse.CodeInvalidParameter, Message: "The parameters cannot be written as JSON.", Err: err}
	}
	// A JSON string is one of Python's as well.
	request, err := json.Marshal(string(text))
	if err != nil {
		return "", internal(err)
	}
	source, err := json.Marshal(program)
	if err != nil {
		return "", internal(err)
	}
	return fmt.Sprintf("if True:\n    exec(compile(%s, '<mark.sql>', 'exec'), {'__name__': 'mark_sql', 'request': __import__('json').loads(%s)})\n", source, request), nil
}

// read reads the answer's line.
func read(left io.ReadCloser) (*answer, *rows, error) {
	in := bufio.NewReaderSize(left, 64<<10)
	line, err := readLine(in, maxAnswer)
	var a answer
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		left.Close() //nolint:errcheck // it was read only
		return nil, nil, internal(fmt.Errorf("read what a session answered: %w", err))
	}
	for i := range a.Columns {
		if len(a.Columns[i].Fields) == 0 {
			a.Columns[i].Fields = nil
		}
	}
	return &a, &rows{file: left, in: in, columns: a.Columns}, nil
}

var errTooLong = errors.New("a line is too long")

// readLine reads a line of at most so many bytes.
func readLine(in *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > most:
			return nil, errTooLong
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
