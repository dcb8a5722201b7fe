// Package pyruntime builds the Python that sandboxed sessions run: a folder that
// serves as a root file system and holds CPython, the libraries of
// requirements.lock and the few C libraries they need, and nothing of the host's
// own Python. The folder is immutable once built and is named by a key over
// everything that went into it, so a checkpoint made from it stays true.
//
// CPython is python-build-standalone, which comes through the Go module proxy
// (pinned by cpython.sum); the libraries come from the Python package index that
// pip is configured for (pinned by hashes). Both are checked before use.
package pyruntime

import (
	_ "embed"
	"errors"
	"fmt"
	"time"
)

//go:embed cpython.mod
var cpythonMod []byte

//go:embed cpython.sum
var cpythonSum []byte

//go:embed requirements.lock
var requirementsLock []byte

// Interpreter is where the interpreter stands inside the tree.
const Interpreter = "/usr/bin/python3"

// Tree is a built runtime.
type Tree struct {
	Root string // the folder to use as a root file system, absolute
	Key  string // names the content: equal keys, equal trees
}

// Progress tells how far a build is. A build that is skipped reports nothing.
type Progress struct {
	Step    string // what is being done, a phrase: "installing the libraries"
	Index   int    // of the step, from 1
	Steps   int    // how many steps there are
	Done    int    // within the step; 0 of 0 where it cannot be told
	Total   int
	Elapsed time.Duration // since the build began
}

// String is one line for a terminal.
func (p Progress) String() string {
	line := fmt.Sprintf("[%d/%d] %s", p.Index, p.Steps, p.Step)
	if p.Total > 0 {
		line += fmt.Sprintf(" (%d of %d)", p.Done, p.Total)
	}
	return line
}

// ErrUnsupported is what Ensure's error wraps on a system where the local
// sandbox cannot work at all and sessions need Daytona.
var ErrUnsupported = errors.New("local Python sessions need Linux on amd64 or arm64 with glibc; elsewhere they need Daytona (MARK_SANDBOX=daytona)")

// MissingError says that the machine lacks something a build needs.
type MissingError struct {
	What string // "the go command"
	How  string // how to get it, a sentence
	Err  error  // the cause, if there is one
}

// Error implements error.
func (e *MissingError) Error() string {
	msg := "the Python runtime cannot be built: " + e.What + " is missing. " + e.How
	if e.Err != nil {
		msg += " (" + e.Err.Error() + ")"
	}
	return msg
}

// Unwrap returns the cause.
func (e *MissingError) Unwrap() error { return e.Err }
