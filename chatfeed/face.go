package chatfeed

import (
	"slices"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
)

// face is what of a chat can change before a follower's eyes.
type face struct {
	title    string
	archived bool
	datasets []datasetFace // by id
}

type datasetFace struct {
	id, name, description, state, errorCode, errorMessage string
}

func (f face) equal(other face) bool {
	return f.title == other.title && f.archived == other.archived && slices.Equal(f.datasets, other.datasets)
}

// faceOf reads a chat with its datasets.
func faceOf(c *ent.Chat) face {
	f := face{title: c.Title, archived: c.Archived}
	for _, d := range c.Edges.Datasets {
		f.datasets = append(f.datasets, datasetFace{
			id: d.ID, name: d.Name, description: d.Description, state: string(d.State),
			errorCode: d.ErrorCode, errorMessage: d.ErrorMessage,
		})
	}
	return f
}

// runFace is what of a run can change before a follower's eyes. What it uses and
// how far its log is are told by the log itself.
type runFace struct {
	state                          run.State
	model, errorCode, errorMessage string
	started, finished              int64 // microseconds; 0: not yet
	answer                         string
}

func faceOfRun(r *ent.Run) runFace {
	f := runFace{
		state: r.State, model: r.Model, errorCode: r.ErrorCode, errorMessage: r.ErrorMessage,
		started: micros(r.StartedAt), finished: micros(r.FinishedAt),
	}
	if r.AnswerID != nil {
		f.answer = *r.AnswerID
	}
	return f
}

func micros(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMicro()
}
