package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/goccy/bigquery-emulator/server"
)

// emulator is goccy's emulator, asked without a socket. It answers one call at a
// time.
type emulator struct{ server *server.Server }

func newEmulator() (*emulator, error) {
	s, err := server.New(server.TempStorage)
	if err != nil {
		return nil, fmt.Errorf("the emulator: %w", err)
	}
	// It does not work before it has listened once; nobody is to reach it there.
	s.TestServer().Close()
	return &emulator{server: s}, nil
}

func (e *emulator) close() error { return e.server.Close() }

// ask sends in, as JSON, to a path of the API, and reads the answer into out, which
// may be nil. Its errors are *failure.
func (e *emulator) ask(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("ask the emulator: %w", err)
		}
		body = bytes.NewReader(data)
	}
	w := httptest.NewRecorder()
	e.server.Handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, body))
	if w.Code >= http.StatusMultipleChoices {
		var said struct{ Error failure }
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Error.Message == "" {
			said.Error.Message = w.Body.String()
		}
		said.Error.Status = w.Code
		return &said.Error
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		return fmt.Errorf("what the emulator answers to %s %s: %w", method, path, err)
	}
	return nil
}

// project makes a project where there is none: the API has no call for it.
func (e *emulator) project(id string) error { return e.server.SetProject(id) }

// answer is what a query answers: rows as the API writes them. The schema that the
// emulator gives has not all types.
type answer struct {
	Rows []json.RawMessage `json:"rows"`
}

// query runs a query that leaves nothing behind. What the emulator calls a dry run
// of jobs.query is just that: it runs the query whole, answers with its rows, and
// keeps neither job nor result. Parameters are as the API writes them, or nil.
func (e *emulator) query(ctx context.Context, project, sql string, parameters json.RawMessage) (*answer, error) {
	request := map[string]any{
		"query": sql, "dryRun": true, "useLegacySql": false, "formatOptions": map[string]bool{"useInt64Timestamp": true},
	}
	if len(parameters) > 0 {
		request["queryParameters"], request["parameterMode"] = parameters, "NAMED"
	}
	out := &answer{}
	if err := e.ask(ctx, http.MethodPost, "/projects/"+project+"/queries", request, out); err != nil {
		return nil, err
	}
	return out, nil
}
