// Package crashpoint lets a test of Mark's robustness end a node at a place where
// it hurts most, and take one of its defences away, to see whether the test would
// notice. It does so in binaries that are built with the tag "faults" only: in all
// others its functions are empty and cost nothing.
package crashpoint

// The places where a node can end.
const (
	// SentNotEnqueued: a question is committed, and its job is not enqueued.
	SentNotEnqueued = "sent-not-enqueued"
	// RepliedNotStarted: the model's reply is stored, and nothing is done about it.
	RepliedNotStarted = "replied-not-started"
	// RanNotStored: a tool has run, and its result is not stored.
	RanNotStored = "ran-not-stored"
	// EndedNotCompleted: the run's last event is stored, and its job still goes on.
	EndedNotCompleted = "ended-not-completed"
)

// The defences that can be taken away.
const (
	// Fence: a writer that has lost its run cannot write to it.
	Fence = "fence"
	// Filter: what a follower has been given is not given to it again.
	Filter = "filter"
	// Poll: what no notification tells of is found by looking.
	Poll = "poll"
	// Replay: the model is not asked again for a reply that is stored.
	Replay = "replay"
	// Sweep: a run that waits and has no job gets one.
	Sweep = "sweep"
)
