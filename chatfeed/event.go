package chatfeed

import "github.com/mark-analyst/mark/ent"

// Event is one of the types below, as a follower is told them. Its rows are read
// for this follower alone.
type Event interface{ event() }

// Snapshot is how the chat stands. It comes first, and again where a follower
// has fallen so far behind that the changes would be more than that.
type Snapshot struct {
	// Chat holds the version, and as LastMessageSeq the newest message that a
	// follower who reads the chat's messages now is not told of again.
	Chat *ent.Chat
	// Runs are those that have not ended, oldest first, at most maxRuns.
	Runs []*ent.Run
}

// MessageAdded is a message after the newest that was told of.
type MessageAdded struct {
	Version int64
	Message *ent.Message
}

// MessageChanged is a message that was told of, or is older than the snapshot,
// and has changed since.
type MessageChanged struct {
	Version int64
	Message *ent.Message
}

// RunChanged is a run that is new or stands otherwise than it was told.
type RunChanged struct {
	Version int64
	Run     *ent.Run
}

// ChatChanged is the chat with another title, put away or taken back, or with
// other datasets or datasets that stand otherwise.
type ChatChanged struct{ Chat *ent.Chat }

// Deleted is the last event: the chat is no more.
type Deleted struct{ Version int64 }

func (Snapshot) event()       {}
func (MessageAdded) event()   {}
func (MessageChanged) event() {}
func (RunChanged) event()     {}
func (ChatChanged) event()    {}
func (Deleted) event()        {}
