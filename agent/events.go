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
	KindRunStarted       = "RunStarted"
	KindStepStarted      = "StepStarted"
	KindReasoningDelta   = "ReasoningDelta"
	KindTextDelta        = "TextDelta"
	KindToolArgsDelta    = "ToolArgsDelta"
	KindToolStarted      = "ToolStarted"
	KindOutputChunk      = "OutputChunk"
	KindStepProgress     = "StepProgress"
	KindOutputAdded      = "OutputAdded"
	KindUsageUpdated     = "UsageUpdated"
	KindAttemptDiscarded = "AttemptDiscarded"
	KindStepFinished     = "StepFinished"
	KindRunFinished      = "RunFinished"
)

// EventBody is the body of an event of any kind; each kind sets the fields that
// its GraphQL type has.
type EventBody struct {
	StepID string           `json:"stepId,omitempty"`
	Text   string           `json:"text,omitempty"`
	Model  string           `json:"model,omitempty"`
	Tool   string           `json:"tool,omitempty"`
	Code   string           `json:"code,omitempty"`
	Stream execution.Stream `json:"stream,omitempty"`
	Output *Output          `json:"output,omitempty"`
	Usage  *Usage           `json:"usage,omitempty"`
	// Progress is what a StepProgress tells.
	Progress *execution.Progress `json:"progress,omitempty"`
	// Index and At describe the step of a StepStarted, as it began.
	Index int        `json:"index,omitempty"`
	At    *time.Time `json:"at,omitempty"`
}

// Usage is what a run used.
type Usage struct {
	dialogue.Usage
	Steps    int   `json:"steps"`
	PythonMs int64 `json:"pythonMs"`
}

// Body reads an event's body.
func Body(raw json.RawMessage) (EventBody, error) {
	var b EventBody
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, fmt.Errorf("read a stored event: %w", err)
	}
	return b, nil
}
