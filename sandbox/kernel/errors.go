package kernel

import (
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
)

// The failures of a session, in the words that a person reads.

func died(cause error) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeDied,
		Message: "Python ended in the middle of its work: the code ended the process, or crashed it. What this step computed is lost.",
		Fatal:   true,
		Err:     cause,
	}
}

func broken(cause error) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeProtocol,
		Message: "The code interfered with the channel between Python and the server, so the session was ended. What this step computed is lost.",
		Fatal:   true,
		Err:     cause,
	}
}

func unavailable(message string, cause error) *execution.Error {
	return &execution.Error{Code: execution.CodeUnavailable, Message: message, Fatal: true, Err: cause}
}

func cancelled(cause error) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeCancelled,
		Message: "The step was stopped. The variables are kept.",
		Err:     cause,
	}
}

func timedOut(limit time.Duration) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeTimeout,
		Message: "The step took longer than " + clock.Words(limit) + " and was stopped. The variables are kept; try less data or a cheaper method.",
	}
}

func tooMuchOutput() *execution.Error {
	return &execution.Error{
		Code:    execution.CodeOutput,
		Message: "The code printed far more than a step may and was stopped. The variables are kept; print a summary instead.",
	}
}

// beyondGrace turns the end of a step that did not end into the end of its
// session.
func beyondGrace(err *execution.Error) *execution.Error {
	fatal := *err
	fatal.Fatal = true
	switch err.Code {
	case execution.CodeTimeout:
		fatal.Message = "The step ran out of time and could not be interrupted, so the session was ended. What this step computed is lost."
	case execution.CodeCPUTime:
		fatal.Message = "The step took too much CPU time and could not be interrupted, so the session was ended. What this step computed is lost."
	case execution.CodeCancelled:
		fatal.Message = "The step was stopped but could not be interrupted, so the session was ended. What this step computed is lost."
	}
	return &fatal
}
