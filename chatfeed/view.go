package chatfeed

import (
	"slices"
	"strings"

	"github.com/mark-analyst/mark/ent"
)

// view is what a follower has been told. It does not grow with the chat.
type view struct {
	version int64
	seq     int // of the newest message
	face    face
	runs    map[string]runFace // those that have not ended
}

func newView(s *state) *view {
	v := &view{version: s.chat.Version, seq: s.chat.LastMessageSeq, face: s.face, runs: map[string]runFace{}}
	for _, r := range s.runs {
		v.runs[r.ID] = faceOfRun(r)
	}
	return v
}

// tell returns what leads from the view to the state, and becomes the view of
// that. A run comes after its messages.
func (v *view) tell(s *state) []Event {
	version := s.chat.Version
	if version == v.version {
		return nil
	}
	var events []Event
	for _, m := range s.changed {
		events = append(events, MessageChanged{version, m})
	}
	for _, m := range s.added {
		events = append(events, MessageAdded{version, m})
	}
	for _, r := range inOrder(s.since, s.runs) {
		if v.differs(r) {
			events = append(events, RunChanged{version, r})
		}
	}
	if !s.face.equal(v.face) {
		events = append(events, ChatChanged{s.chat})
	}
	*v = *newView(s)
	return events
}

// differs tells whether a run stands otherwise than it was told, if it was. Of
// nothing, everything differs.
func (v *view) differs(r *ent.Run) bool {
	if v == nil {
		return true
	}
	before, known := v.runs[r.ID]
	return !known || before != faceOfRun(r)
}

// inOrder is both lists as one, oldest first.
func inOrder(a, b []*ent.Run) []*ent.Run {
	runs := slices.Concat(a, b)
	slices.SortFunc(runs, func(x, y *ent.Run) int {
		if c := x.CreatedAt.Compare(y.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return runs
}
