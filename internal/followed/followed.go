// Package followed counts who in this process follows what, so that only what is
// followed is looked at.
package followed

import (
	"context"
	"sync"
	"time"
)

// Topics are what somebody follows, by id, each with a value that its followers
// share. The zero value is ready; it is safe for concurrent use.
type Topics[T any] struct {
	mu   sync.Mutex // protects what follows
	byID map[string]*entry[T]
}

type entry[T any] struct {
	topic     *T
	followers int
}

// Join returns the topic of an id, made where nobody follows it yet, and counts
// the caller as a follower until it calls leave.
func (ts *Topics[T]) Join(id string, made func() *T) (topic *T, leave func()) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	e, ok := ts.byID[id]
	if !ok {
		if ts.byID == nil {
			ts.byID = map[string]*entry[T]{}
		}
		e = &entry[T]{topic: made()}
		ts.byID[id] = e
	}
	e.followers++
	return e.topic, func() {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		if e.followers--; e.followers == 0 {
			delete(ts.byID, id)
		}
	}
}

// Find returns the topic of an id, or nil where nobody follows it.
func (ts *Topics[T]) Find(id string) *T {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if e := ts.byID[id]; e != nil {
		return e.topic
	}
	return nil
}

// IDs returns what is followed, in no order.
func (ts *Topics[T]) IDs() []string {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ids := make([]string, 0, len(ts.byID))
	for id := range ts.byID {
		ids = append(ids, id)
	}
	return ids
}

// Poll looks at every interval until ctx ends.
func Poll(ctx context.Context, every time.Duration, look func(ctx context.Context)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			look(ctx)
		}
	}
}
