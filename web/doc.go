// Package web holds the pages that the binary serves. They are built by
// `make assets` into the folder dist, which is embedded; without them the
// package still compiles, and its pages say what to do.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// built returns the files of one page, by the name of its folder in dist.
func built(page string) fs.FS {
	sub, err := fs.Sub(dist, "dist/"+page)
	if err != nil {
		panic(err) // only for a malformed name, which is a programming error
	}
	return sub
}
