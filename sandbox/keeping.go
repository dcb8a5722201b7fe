package sandbox

import (
	"context"
	"errors"

	"github.com/mark-analyst/mark/internal/execution"
)

// Keeping is a provider whose sessions' variables can outlive their process.
type Keeping interface {
	Provider
	// Base names what a snapshot of now can be resumed on: the Python
	// runtime, the provider's own program, the processor. A snapshot of
	// another base is worthless.
	Base() string
	// Resume opens a session that goes on from a snapshot, with the files and
	// limits of spec. ErrSnapshot is in the error where the snapshot is what
	// is wrong; an error of snapshot's is in the one that is returned.
	Resume(ctx context.Context, spec execution.Spec, snapshot Fetch) (execution.Session, error)
}

// Fetch lays out a snapshot, as Snapshotter wrote it, and says in which folder.
// It is called once at most, when there is room for the session and the wait for
// it is over: what it lays out may be secret. The folder stays the caller's, who
// may remove it when Resume has returned.
type Fetch func(ctx context.Context) (folder string, err error)

// Snapshotter is a session of a Keeping provider.
type Snapshotter interface {
	execution.Session
	// Snapshot writes the session's memory and temporary files to folder,
	// which must exist and be empty, and lets the session go on. It waits for
	// a Run that is going on, and a Run waits for it. After an error the
	// session is gone if the error is an *execution.Error that is Fatal.
	Snapshot(ctx context.Context, folder string) error
	// Enter gives the session other files, between two steps. It reports
	// false where that takes a new process: then suspend and Resume. After an
	// error the session is gone if the error is an *execution.Error that is
	// Fatal; otherwise it goes on.
	Enter(ctx context.Context, files []execution.File) (bool, error)
	// MemoryBytes is what the session takes of the machine's memory; false: that
	// cannot be told now, as while a snapshot is written.
	MemoryBytes() (bytes int64, known bool)
}

// ErrSnapshot says that a snapshot cannot be resumed.
var ErrSnapshot = errors.New("sandbox: the snapshot cannot be resumed")
