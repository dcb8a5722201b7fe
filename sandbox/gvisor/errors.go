package gvisor

import (
	"errors"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
)

// obstacle is a reason why there is no isolation, with what to do about it.
type obstacle struct {
	what string // a clause: "the file /x/mark-sandbox does not exist"
	todo string // a sentence, may be empty
	err  error
}

// Error implements error.
func (o *obstacle) Error() string {
	if o.err == nil {
		return o.what
	}
	return o.what + ": " + o.err.Error()
}

// Unwrap returns the cause.
func (o *obstacle) Unwrap() error { return o.err }

// sentence words err for a person, with what to do if that is known.
func sentence(err error) string {
	text := strings.TrimRight(err.Error(), ".") + "."
	if o := (*obstacle)(nil); errors.As(err, &o) && o.todo != "" {
		text += " " + o.todo
	}
	return text
}

func unavailable(err error, message string) *execution.Error {
	return &execution.Error{Code: execution.CodeUnavailable, Message: message, Fatal: true, Err: err}
}

func cancelled(err error) *execution.Error {
	return &execution.Error{Code: execution.CodeCancelled, Message: "The Python session was given up before it was ready.", Fatal: true, Err: err}
}
