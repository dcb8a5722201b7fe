package auth

import "github.com/mark-analyst/mark/internal/fault"

// Failures that a person can act on; errors.Is tells them apart.
var (
	// ErrEmailTaken: there is an account with the address already.
	ErrEmailTaken error = &fault.Error{
		Code: fault.BadUserInput, Field: "email", Message: "There is an account with this address already.",
	}
	// ErrInvalidCredentials: no such account, or another password. Which of the
	// two is not told, nor can it be measured.
	ErrInvalidCredentials error = &fault.Error{
		Code: fault.Unauthenticated, Message: "The address or the password is wrong.",
	}
	// ErrInvalidRefreshToken: not a refresh token, an expired or used one, or its
	// session has ended.
	ErrInvalidRefreshToken error = &fault.Error{
		Code: fault.Unauthenticated, Message: "The refresh token is not valid any more. Sign in again.",
	}
)

// errInvalidAccessToken is all that is said about a token that is not good:
// what is wrong with it is the client's business only as far as what to do now.
func errInvalidAccessToken(cause error) error {
	return fault.Wrap(cause, fault.Unauthenticated, "The access token is not valid, or not any more.")
}
