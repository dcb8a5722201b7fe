// Package ent is the data model: schema/ is written by hand, the rest is
// generated from it by `make generate`.
package ent

//go:generate go run ./gen
