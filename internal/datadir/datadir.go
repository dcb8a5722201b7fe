// Package datadir knows what stands in a data folder under which name, and
// keeps it for one process at a time.
package datadir

import "errors"

// What stands in a data folder, beside the database, whose file package store
// names.
const (
	Files    = "files"    // blobs, unless MARK_FILES_URL names another place
	Keys     = "keys"     // what signs and encrypts
	Sessions = "sessions" // chats' Python variables
	Sandbox  = "sandbox"  // the Python runtime, unless MARK_SANDBOX_DIR does
	LockFile = "lock"
)

// ErrBusy says that another process works in the folder.
var ErrBusy = errors.New("another Mark works in the data folder")
