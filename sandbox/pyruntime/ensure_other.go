//go:build !linux || (!amd64 && !arm64)

package pyruntime

import (
	"context"
	"io"
)

// Ensure fails with ErrUnsupported: there is no local sandbox on this system.
func Ensure(context.Context, string, func(Progress)) (Tree, error) {
	return Tree{}, ErrUnsupported
}

// Hold fails with ErrUnsupported.
func (Tree) Hold() (io.Closer, error) { return nil, ErrUnsupported }

// Pip fails with ErrUnsupported.
func Pip(context.Context, string) (string, error) { return "", ErrUnsupported }
