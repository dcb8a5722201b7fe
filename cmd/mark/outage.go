package main

import (
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/fault"
)

// explainOutage says what people can be told of a database that does not do what
// it should: nothing is lost, and it is worth trying again.
func explainOutage(err error) *fault.Error {
	switch {
	case eventlog.DiskFull(err):
		return fault.Wrap(err, fault.Unavailable, "The disk that Mark stores on is full: this was not stored. Nothing that was stored before is lost; try again when there is room.")
	case eventlog.Conflict(err):
		return fault.Wrap(err, fault.Unavailable, "Something else was changed at the same moment, and this was not. Try again.")
	case eventlog.Transient(err):
		return fault.Wrap(err, fault.Unavailable, "Mark cannot reach its database at the moment. Nothing that was stored is lost: try again soon.")
	}
	return nil
}
