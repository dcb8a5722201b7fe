// Package ids makes the opaque, prefixed, time-ordered identifiers that every
// stored object carries and that GraphQL clients see unchanged: "cht_" and the
// 26 characters of a UUIDv7 in Crockford's base 32 (the TypeID specification,
// https://github.com/jetify-com/typeid).
package ids

import (
	"strings"

	"go.jetify.com/typeid/v2"
)

// The prefixes, one a stored type. They are part of the contract: clients may
// tell the type of an id by its prefix, never more than that.
const (
	User     = "usr"
	Session  = "ses"
	Chat     = "cht"
	Message  = "msg"
	Run      = "run"
	Step     = "stp"
	Dataset  = "dst"
	Column   = "col"
	Artifact = "art"
	Approval = "apr"
	UsageDay = "usd"
	Memory   = "mem"
)

// New returns a new id with the given prefix. It panics on a prefix that is
// not lower-case letters, which is a programming error.
func New(prefix string) string {
	return typeid.MustGenerate(prefix).String()
}

// For returns a generator of ids with one prefix, in the shape that ent wants
// for a field's default.
func For(prefix string) func() string {
	return func() string { return New(prefix) }
}

// Prefix returns the part of id before the underscore, or "" when id does not
// have the shape of an id that New could have made.
func Prefix(id string) string {
	tid, err := typeid.Parse(id)
	if err != nil {
		return ""
	}
	return tid.Prefix()
}

// Valid tells whether id has the given prefix and a well-formed rest. It says
// nothing about whether such an object exists.
func Valid(prefix, id string) bool {
	return strings.HasPrefix(id, prefix+"_") && Prefix(id) == prefix
}
