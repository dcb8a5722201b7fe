// Package fault is Mark's one error type: a code that a program acts on and a
// sentence that a person reads. Whatever is not a fault is an internal error,
// and nothing of it is ever shown to a client.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of a failure, as clients see it in extensions.code.
type Code string

// The codes of the contract. They are few on purpose: a client can know them
// all.
const (
	// Unauthenticated: there is no token, or it is not valid (any more).
	Unauthenticated Code = "UNAUTHENTICATED"
	// Forbidden: the viewer is known and may not do this.
	Forbidden Code = "FORBIDDEN"
	// NotFound: there is no such object, or it belongs to somebody else. The
	// two are not told apart.
	NotFound Code = "NOT_FOUND"
	// BadUserInput: an argument has a value that can never work.
	BadUserInput Code = "BAD_USER_INPUT"
	// Conflict: it does not go together with what is going on, or was done
	// already. Mutations answer with it as data.
	Conflict Code = "CONFLICT"
	// LimitExceeded: too big, too deep, too many; trying again will not help.
	LimitExceeded Code = "LIMIT_EXCEEDED"
	// RateLimited: too often; trying again after RetryAfter will help.
	RateLimited Code = "RATE_LIMITED"
	// Unavailable: a part that this needs (model, sandbox, storage) is out of
	// order for now.
	Unavailable Code = "UNAVAILABLE"
	// Internal: a defect or an outage nobody foresaw.
	Internal Code = "INTERNAL"
)

// Error is a failure with a code. Code, Message, Field and RetryAfter are
// shown to the client; Err is logged and never shown.
type Error struct {
	Code    Code
	Message string // a sentence for a person, without secrets or internals
	Field   string // the input field at fault, as the schema spells it, or ""
	// RetryAfter is how long to wait before trying again, or 0 when unknown.
	RetryAfter time.Duration
	Err        error // the cause, or nil
}

// New returns an Error with a code and a formatted message. When an argument
// of %w is an error it becomes the cause; mind that its text is then part of
// the message and shown, so Wrap is the right choice for causes.
func New(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Wrap returns an Error with a code and a formatted message whose cause is
// err. The cause's text is not part of the message.
func Wrap(err error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err}
}

// Error implements error. It holds the cause's text, so it is for logs; what
// a client may see is Message.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = string(e.Code)
	}
	// New with %w has put the cause into the message already.
	if e.Err == nil || errorEnds(text, e.Err.Error()) {
		return text
	}
	return text + ": " + e.Err.Error()
}

func errorEnds(text, cause string) bool {
	return len(text) >= len(cause) && text[len(text)-len(cause):] == cause
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// OnField returns a copy of e that names the input field at fault.
func (e *Error) OnField(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// After returns a copy of e that says when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// As returns the outermost Error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e, true
	}
	return nil, false
}

// CodeOf returns the code of the outermost Error in err's chain: Internal when
// there is none, "" when err is nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := As(err); ok && e.Code != "" {
		return e.Code
	}
	return Internal
}

// Is tells whether err is a failure of the given code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
