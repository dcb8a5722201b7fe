package agent

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/markdown"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// Part is a piece of a stored message: exactly one field is set. The fields are
// named as the members of the contract's union MessagePart.
type Part struct {
	Text      *Text       `json:"text,omitempty"`
	Reasoning *Text       `json:"reasoning,omitempty"`
	ToolCall  *ToolCall   `json:"toolCall,omitempty"`
	Output    *StepOutput `json:"output,omitempty"`
	Answer    *Answer     `json:"answer,omitempty"`
	Error     *Failure    `json:"error,omitempty"`
}

// Text is plain text or Markdown.
type Text struct {
	Text string `json:"text"`
}

// ToolCall is a call as it ended.
type ToolCall struct {
	StepID string `json:"stepId"`
	Tool   string `json:"tool"`
	Code   string `json:"code,omitempty"`
	State  string `json:"state"`
}

// StepOutput is an output and the step that made it.
type StepOutput struct {
	StepID string `json:"stepId"`
	Output Output `json:"output"`
}

// Failure is why there is no answer: a stable code and a sentence for a person.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Answer is a whole answer.
type Answer struct {
	Story     string        `json:"story"`
	Charts    []AnswerChart `json:"charts"`
	Tables    []AnswerTable `json:"tables"`
	Claims    []Claim       `json:"claims"`
	FollowUps []string      `json:"followUps"`
	Caveats   []string      `json:"caveats"`
	Checks    []Check       `json:"checks"`
}

// AnswerChart is a Plotly figure or an image.
type AnswerChart struct {
	Title    string          `json:"title"`
	Spec     json.RawMessage `json:"spec,omitempty"`
	Artifact *Artifact       `json:"artifact,omitempty"`
}

// AnswerTable is the head of a table.
type AnswerTable struct {
	Title    string          `json:"title"`
	Table    execution.Table `json:"table"`
	Artifact *Artifact       `json:"artifact,omitempty"`
}

// Claim is a statement and where it can be seen.
type Claim struct {
	Text     string     `json:"text"`
	Evidence []Evidence `json:"evidence"`
}

// Evidence points at an output (Path as in Output.Name) of a step.
type Evidence struct {
	StepID string  `json:"stepId"`
	Path   string  `json:"path"`
	Output *Output `json:"output,omitempty"`
}

// Check is something that Mark noticed about its own answer.
type Check struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// The codes of checks.
const (
	CheckNoEvidence   = "NUMBER_WITHOUT_EVIDENCE"
	CheckNoOutput     = "OUTPUT_NOT_FOUND"
	CheckUnstructured = "ANSWER_UNSTRUCTURED"
	CheckBudget       = "BUDGET_SPENT"
)

// Parts reads what Message.parts holds.
func Parts(raw json.RawMessage) ([]Part, error) {
	var parts []Part
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("read a stored message: %w", err)
	}
	return parts, nil
}

// encode marshals what the package itself built.
func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		// Only values of this package's own types come here; one that
		// cannot be encoded is a defect, not an input.
		panic(fmt.Sprintf("agent: encode %T: %v", v, err))
	}
	return raw
}

// saidParts are what a model thought and said beside an answer.
func saidParts(reasoning, text string) []Part {
	var parts []Part
	if reasoning = untrusted.Clean(reasoning); strings.TrimSpace(reasoning) != "" {
		parts = append(parts, Part{Reasoning: &Text{Text: reasoning}})
	}
	if text = markdown.Clean(untrusted.Clean(text)); strings.TrimSpace(text) != "" {
		parts = append(parts, Part{Text: &Text{Text: text}})
	}
	return parts
}

// plain is the text that a person or the model would read in parts: the answer's,
// where there is one.
func plain(parts []Part) string {
	var said []string
	for _, p := range parts {
		switch {
		case p.Answer != nil:
			return p.Answer.Story
		case p.Text != nil:
			said = append(said, p.Text.Text)
		}
	}
	return strings.Join(said, "\n\n")
}
