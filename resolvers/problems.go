package resolvers

import (
	"errors"
	"math"
	"unicode/utf8"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
)

// The codes of errors that come as data and have no counterpart in
// extensions.code.
const (
	codeEmailTaken         = "EMAIL_TAKEN"
	codeInvalidCredentials = "INVALID_CREDENTIALS" //nolint:gosec // no credentials, a name
)

// problems turns an error into a payload's list of errors, where the payload's
// union has a member for it. What it has none for stays an error of the whole
// request: unauthenticated, forbidden, internal.
func problems[T any](err error) ([]T, error) {
	if err == nil {
		return []T{}, nil
	}
	if p, ok := problem(err).(T); ok {
		return []T{p}, nil
	}
	return nil, err
}

// problem is the contract's type for an error that a person can act on; nil for
// other errors.
func problem(err error) any {
	f, isFault := fault.As(err)
	switch {
	case errors.Is(err, auth.ErrEmailTaken):
		return &model.EmailTakenError{Code: codeEmailTaken, Message: "There is an account with this address already. Sign in instead.", Field: ref("email")}
	case errors.Is(err, auth.ErrInvalidCredentials):
		return &model.InvalidCredentialsError{Code: codeInvalidCredentials, Message: "Address or password is wrong."}
	case errors.Is(err, auth.ErrInvalidRefreshToken):
		return &model.InvalidCredentialsError{Code: codeInvalidCredentials, Message: "The refresh token is not good any more. Sign in again."}
	case errors.Is(err, agent.ErrBusy):
		return &model.ConflictError{Code: string(fault.Conflict), Message: "Mark is still working in this chat, and did not stop in time. Try again."}
	case ent.IsNotFound(err):
		return &model.NotFoundError{Code: string(fault.NotFound), Message: "There is no such object."}
	case !isFault:
		return nil
	}
	field := optional(f.Field)
	switch f.Code {
	case fault.BadUserInput:
		return &model.InvalidInputError{Code: string(f.Code), Message: f.Message, Field: field}
	case fault.NotFound:
		return &model.NotFoundError{Code: string(f.Code), Message: f.Message, Field: field}
	case fault.Conflict:
		return &model.ConflictError{Code: string(f.Code), Message: f.Message, Field: field}
	case fault.LimitExceeded:
		return &model.LimitExceededError{Code: string(f.Code), Message: f.Message, Field: field}
	case fault.RateLimited:
		return &model.RateLimitedError{Code: string(f.Code), Message: f.Message, Field: field, RetryAfter: int(math.Ceil(f.RetryAfter.Seconds()))}
	}
	return nil
}

// checkID refuses what cannot be the id of an object of the type, with the
// answer that a missing one gets. It also keeps from the database what that
// would refuse as text.
func checkID(prefix, id, field, name string) error {
	if !ids.Valid(prefix, id) {
		return missing(field, name)
	}
	return nil
}

// checkDatasetIDs is checkID for a list, with package agent's answer.
func checkDatasetIDs(list []string) error {
	for _, id := range list {
		if !ids.Valid(ids.Dataset, id) {
			return fault.New(fault.NotFound, "One of the datasets does not exist.").OnField("datasetIds")
		}
	}
	return nil
}

func missing(field, name string) error {
	return fault.New(fault.NotFound, "There is no such %s.", name).OnField(field)
}

// checkText refuses a text that is too long or too short, in characters.
func checkText(field, s string, least, most int) error {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return fault.New(fault.BadUserInput, "%s must not be empty.", field).OnField(field)
	case n > most:
		return fault.New(fault.BadUserInput, "%s has %d characters; at most %d are taken.", field, n, most).OnField(field)
	}
	return nil
}

// ref is a pointer to a copy of v.
func ref[T any](v T) *T { return &v }

// optional is nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// deref is the value, or the zero value of nil.
func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
