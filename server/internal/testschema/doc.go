// Package testschema is an executable schema that the server's tests run
// against: it has a field for each thing that can happen to an operation.
// The folder generated holds what gqlgen makes of schema.graphql.
package testschema

//go:generate go run github.com/99designs/gqlgen generate
