//go:build !linux

package main

import (
	"context"
	"errors"
)

// diskFull needs a small file system.
func diskFull() fault {
	return fault{
		name:   "disk full (SQLite)",
		happen: func(context.Context, *round) error { return errors.New("only on Linux is there a small disk for it") },
	}
}
