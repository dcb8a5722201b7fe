package keeper

import (
	"context"
	"sync"
)

// saves counts the steps of a live session and which of them are saved.
type saves struct {
	noting sync.Mutex      // held while the key's note is written
	term   string          // of the session's images, where nodes share them
	ctx    context.Context //nolint:containedctx // of what saves beside the steps; drop ends it
	cancel context.CancelFunc

	mu      sync.Mutex    // protects the rest
	begun   int           // steps that have begun
	steps   int           // that have ended
	point   string        // of the last of them; "": it has none
	tried   int           // the last of them that was tried to save
	shots   int           // the last of them whose snapshot is taken, or failed
	done    int           // the last of them that is saved
	going   bool          // snapshots are being taken
	sealing bool          // they are being sealed
	pending []shot        // those to be sealed, in their order
	given   bool          // nothing is to be kept any more
	changed chan struct{} // closed at the next change; nil: nobody waits
}

func newSaves(term string) *saves {
	s := &saves{term: term}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// begin counts a step that begins.
func (s *saves) begin() { s.change(func() { s.begun++ }) }

// want counts a step that has ended, with its point, and reports whether the
// caller has to begin saving.
func (s *saves) want(point string) (begin bool) {
	s.change(func() {
		s.steps++
		s.point = point
		begin = !s.going && !s.given
		s.going = s.going || begin
	})
	return begin
}

// next is the number of the step that goes on, or is about to begin.
func (s *saves) next() (step int) {
	s.change(func() { step = s.steps + 1 })
	return step
}

// now is the step that a snapshot of this moment holds, and its point.
func (s *saves) now() (step int, point string) {
	s.change(func() { s.tried, step, point = s.steps, s.steps, s.point })
	return step, point
}

// exact reports whether a snapshot that was begun after a step, and is taken, holds
// what that step left and nothing of one that has begun since.
func (s *saves) exact(step int) bool { return s.is(func() bool { return s.begun == step }) }

// shot tells that the snapshot is taken, or not to be had.
func (s *saves) shot() { s.change(func() { s.shots = s.tried }) }

func (s *saves) saved(step int) { s.change(func() { s.done = max(s.done, step) }) }

// more reports whether a step has ended since; if not, saving has ended.
func (s *saves) more() (more bool) {
	s.change(func() {
		s.shots = s.tried
		more = s.tried < s.steps && !s.given
		s.going = more
	})
	return more
}

// mostPending is how many snapshots wait to be sealed where all of them are points.
// Each lies in the clear until then, with all the session's memory.
const mostPending = 4

// put leaves a snapshot to be sealed, in place of the latest of those that wait if
// that is no point. It returns the one that will not be sealed, and reports whether
// the caller has to begin sealing.
func (s *saves) put(one shot) (old *shot, begin bool) {
	s.change(func() {
		switch last := len(s.pending) - 1; {
		case last >= 0 && s.pending[last].point == "":
			old, s.pending = &s.pending[last], s.pending[:last:last]
		case last+1 >= mostPending:
			old, s.pending = &s.pending[0], s.pending[1:]
		}
		s.pending = append(s.pending, one)
		begin = !s.sealing
		s.sealing = true
	})
	return old, begin
}

// take returns the snapshot to be sealed next; nil: sealing has ended.
func (s *saves) take() (one *shot) {
	s.change(func() {
		if s.sealing = len(s.pending) > 0; s.sealing {
			one, s.pending = &s.pending[0], s.pending[1:]
		}
	})
	return one
}

// drop ends saving; what is being saved is thrown away.
func (s *saves) drop() {
	s.change(func() { s.given = true })
	s.cancel()
}

func (s *saves) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *saves) is(f func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

func (s *saves) dropped() bool { return s.is(func() bool { return s.given }) }

func (s *saves) unsaved() bool { return s.is(func() bool { return s.done < s.steps && !s.given }) }

// later reports whether a step has ended since that one.
func (s *saves) later(step int) bool { return s.is(func() bool { return step < s.steps }) }

// wait waits for the saving that goes on, and reports whether all is saved.
func (s *saves) wait(ctx context.Context) bool {
	return s.until(ctx, func() bool { return !s.going && !s.sealing }) && !s.unsaved()
}

// waitShot waits until no snapshot is to be taken.
func (s *saves) waitShot(ctx context.Context) {
	s.until(ctx, func() bool { return !s.going || s.shots == s.steps })
}

func (s *saves) until(ctx context.Context, f func() bool) bool {
	for {
		s.mu.Lock()
		if f() {
			s.mu.Unlock()
			return true
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
