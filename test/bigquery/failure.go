package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"

	bq "google.golang.org/api/bigquery/v2"
)

// failure is an error of the API.
type failure struct {
	Status  int    `json:"code"`
	Reason  string `json:"-"`
	Message string `json:"message"`
}

// Error implements error.
func (f *failure) Error() string { return f.Reason + ": " + f.Message }

func (f *failure) proto() *bq.ErrorProto { return &bq.ErrorProto{Reason: f.Reason, Message: f.Message} }

func notFound(format string, args ...any) *failure {
	return &failure{http.StatusNotFound, "notFound", "Not found: " + fmt.Sprintf(format, args...)}
}

func invalidQuery(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "invalidQuery", fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...)}
}

// write answers a call with the failure.
func (f *failure) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{ // a client that is gone reads nothing
		"code": f.Status, "message": f.Message, "errors": []*bq.ErrorProto{f.proto()},
	}})
}

var (
	// position is how GoogleSQL writes a place in a statement; BigQuery has it
	// "at [1:8]".
	position = regexp.MustCompile(`\s*\[at (\d+):(\d+)\]`)
	status   = regexp.MustCompile(`^(?:[A-Z_]+|generic::\w+): `)
)

// wrong is a statement that GoogleSQL does not take, as BigQuery tells of it.
func wrong(err error) *failure {
	return invalidQuery("%s", position.ReplaceAllString(status.ReplaceAllString(err.Error(), ""), " at [$1:$2]"))
}
