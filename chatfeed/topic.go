package chatfeed

import (
	"sync"

	"github.com/mark-analyst/mark/internal/followed"
)

// topics are the chats that somebody in this process follows.
type topics struct{ followed.Topics[topic] }

// join returns the chat's topic, counting the caller as a follower until it
// calls leave.
func (ts *topics) join(chatID string) (t *topic, leave func()) {
	return ts.Join(chatID, func() *topic {
		return &topic{changed: make(chan struct{})}
	})
}

// hint tells the chat's followers of a committed version. It never waits for
// them.
func (ts *topics) hint(chatID string, version int64) {
	if t := ts.Find(chatID); t != nil {
		t.hint(version)
	}
}

// vanish tells the chat's followers that it is no more.
func (ts *topics) vanish(chatID string) {
	if t := ts.Find(chatID); t != nil {
		t.vanish()
	}
}

// topic is what is known of one chat without reading it.
type topic struct {
	mu      sync.Mutex // protects what follows
	version int64      // of the last hint
	gone    bool
	changed chan struct{} // closed and replaced at every change
}

// hint takes a version as it comes: two may come here in the other order than
// they were committed, and a follower that looks in vain loses nothing. Keeping
// the highest instead would leave all followers asleep where the database was
// put back to an earlier state.
func (t *topic) hint(version int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if version != t.version {
		t.version = version
		t.announce()
	}
}

func (t *topic) vanish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.gone {
		t.gone = true
		t.announce()
	}
}

// announce is called with mu held.
func (t *topic) announce() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// see returns what is known, and what is closed when that changes.
func (t *topic) see() (version int64, gone bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version, t.gone, t.changed
}
