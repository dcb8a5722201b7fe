package llm

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// event is one frame of a Responses stream, or the whole response of a server
// that does not stream. As in chunk, what servers write in more than one way is
// raw.
type event struct {
	Type      string          `json:"type"`
	ItemID    json.RawMessage `json:"item_id"`
	Output    json.RawMessage `json:"output_index"`
	Content   json.RawMessage `json:"content_index"`
	Summary   json.RawMessage `json:"summary_index"`
	Delta     json.RawMessage `json:"delta"`
	Text      json.RawMessage `json:"text"`
	Refusal   json.RawMessage `json:"refusal"`
	Name      json.RawMessage `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Item      json.RawMessage `json:"item"`
	Part      json.RawMessage `json:"part"`
	Response  *response       `json:"response"`
	Error     json.RawMessage `json:"error"`
	Object    json.RawMessage `json:"object"`
}

// response is the object that a stream is about.
type response struct {
	Model      string            `json:"model"`
	Status     string            `json:"status"`
	Output     []json.RawMessage `json:"output"`
	Usage      json.RawMessage   `json:"usage"`
	Error      json.RawMessage   `json:"error"`
	Incomplete struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
}

// outputItem is a part of a response: a message, reasoning or a call.
type outputItem struct {
	Type      string          `json:"type"`
	ID        json.RawMessage `json:"id"`
	CallID    json.RawMessage `json:"call_id"`
	Name      json.RawMessage `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Encrypted string          `json:"encrypted_content"`
	Content   itemParts       `json:"content"`
	Summary   itemParts       `json:"summary"`
}

// itemParts is a list of parts, or the text of the only one.
type itemParts []itemPart

// UnmarshalJSON implements json.Unmarshaler. What is neither is nothing.
func (p *itemParts) UnmarshalJSON(raw []byte) error {
	var parts []itemPart
	switch {
	case len(raw) > 0 && raw[0] == '"':
		parts = []itemPart{{Text: bytes.Clone(raw)}}
	case json.Unmarshal(raw, &parts) != nil:
		parts = nil
	}
	*p = parts
	return nil
}

type itemPart struct {
	Type    string          `json:"type"`
	Text    json.RawMessage `json:"text"`
	Refusal json.RawMessage `json:"refusal"`
}

// The types of items that are read, and of the parts within.
const (
	itemMessage   = "message"
	itemReasoning = "reasoning"
	itemCall      = "function_call"
	partRefusal   = "refusal"
	itemAdded     = "response.output_item.added"
)

// terminal tells the event that ends a response.
func (e event) terminal() bool {
	switch e.Type {
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done":
		return true
	}
	return false
}

// ended is why a response ended, by the event that says so and its own status:
// some servers send response.completed whatever happened.
func (r response) ended(event string) dialogue.Finish {
	reason := strings.ToLower(r.Incomplete.Reason)
	switch status := orElse(r.Status, strings.TrimPrefix(event, "response.")); {
	case status == "failed", status == "cancelled", event == "response.failed":
		return finishFailed
	case strings.Contains(reason, "filter"), strings.Contains(reason, "safety"):
		return dialogue.FinishFilter
	case status == "incomplete", event == "response.incomplete", strings.Contains(reason, "max"):
		return dialogue.FinishLength
	}
	return dialogue.FinishStop
}
