package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
)

// The kinds of events: the names of the contract's types that implement
// RunEvent.
const (
	KindRunStarted        = "RunStarted"
	KindStepStarted       = "StepStarted"
	KindReasoningDelta    = "ReasoningDelta"
	KindTextDelta         = "TextDelta"
	KindToolArgsDelta     = "ToolArgsDelta"
	KindToolStarted       = "ToolStarted"
	KindOutputChunk       = "OutputChunk"
	KindStepProgress      = "StepProgress"
	KindOutputAdded       = "OutputAdded"
	KindApprovalRequested = "ApprovalRequested"
	KindQuestionAsked     = "QuestionAsked"
	KindUsageUpdated      = "UsageUpdated"
	KindAttemptDiscarded  = "AttemptDiscarded"
	KindStepFinished      = "StepFinished"
	KindRunFinished       = "RunFinished"
)

// EventBody is the body of an event of any kind; each kind sets the fields that
// its GraphQL type has.
type EventBody struct {
	StepID string           `json:"stepId,omitempty"`
	Text   string           `json:"text,omitempty"`
	Model  string           `json:"model,omitempty"`
	Tool   string           `json:"tool,omitempty"`
	Code   string           `json:"code,omitempty"`
	SQL    string           `json:"sql,omitempty"`
	Stream execution.Stream `json:"stream,omitempty"`
	Output *Output          `json:"output,omitempty"`
	Usage  *Usage           `json:"usage,omitempty"`
	// Progress is what a StepProgress tells.
	Progress *execution.Progress `json:"progress,omitempty"`
	// ApprovalID is what an ApprovalRequested asks for.
	ApprovalID string `json:"approvalId,omitempty"`
	// Options are the answers that a QuestionAsked suggests.
	Options []string `json:"options,omitempty"`
	// Stopped is what a RunFinished tells of a run that somebody stopped.
	Stopped *Stopped `json:"stopped,omitempty"`
	// Index and At describe the step of a StepStarted, as it began.
	Index int        `json:"index,omitempty"`
	At    *time.Time `json:"at,omitempty"`
}

// Stopped is what a run was doing when it was stopped.
type Stopped struct {
	What   Doing  `json:"what"`
	StepID string `json:"stepId,omitempty"`
}

// Doing classes what a run does. The values are those of the GraphQL enum.
type Doing string

// What a run does.
const (
	DoingNothing Doing = "BETWEEN_STEPS"
	DoingQueue   Doing = "QUEUE"  // it waits for its turn
	DoingModel   Doing = "MODEL"  // the model replies
	DoingPython  Doing = "PYTHON" // code runs
	DoingPerson  Doing = "PERSON" // it waits for a person
	DoingQuery   Doing = "QUERY"  // a warehouse works on a query
)

// sentence tells a person what was stopped.
func (s Stopped) sentence() string {
	switch s.What {
	case DoingQueue:
		return "Stopped before it began."
	case DoingModel:
		return "Stopped while the model was answering."
	case DoingPython:
		return "Stopped while Python was running."
	case DoingQuery:
		return "Stopped while the warehouse was working on a query; it was cancelled there."
	case DoingPerson:
		return "Stopped while Mark was waiting for you."
	}
	return "Stopped."
}

// Usage is what a run used.
type Usage struct {
	dialogue.Usage
	Steps    int   `json:"steps"`
	PythonMs int64 `json:"pythonMs"`
	// CostMicros is in millionths of a US dollar.
	CostMicros  int64 `json:"costMicros"`
	OutputBytes int64 `json:"outputBytes"`
	BytesBilled int64 `json:"bytesBilled"` // by warehouses
	// WorkedMs is how long nodes have worked on it, which is nobody's but the
	// budget's: clients know when a run began and ended.
	WorkedMs int64 `json:"-"`
}

// Body reads an event's body.
func Body(raw json.RawMessage) (EventBody, error) {
	var b EventBody
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, fmt.Errorf("read a stored event: %w", err)
	}
	return b, nil
}
