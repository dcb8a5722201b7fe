package llm

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// chunk is one frame of the stream. Whatever servers write in more than one
// way is raw here, so that no surprise in one field loses the others.
type chunk struct {
	Model   string          `json:"model"`
	Choices []choice        `json:"choices"`
	Usage   json.RawMessage `json:"usage"`
	Error   json.RawMessage `json:"error"`
	Groq    struct {
		Usage json.RawMessage `json:"usage"`
	} `json:"x_groq"`
}

type choice struct {
	Index   json.RawMessage `json:"index"`
	Finish  json.RawMessage `json:"finish_reason"`
	Delta   *delta          `json:"delta"`
	Message *delta          `json:"message"` // of a server that does not stream
	Error   json.RawMessage `json:"error"`
}

type delta struct {
	Content          json.RawMessage `json:"content"`
	Reasoning        json.RawMessage `json:"reasoning"`         // OpenRouter, vLLM
	ReasoningContent json.RawMessage `json:"reasoning_content"` // DeepSeek, llama.cpp
	Refusal          json.RawMessage `json:"refusal"`
	ToolCalls        []callDelta     `json:"tool_calls"`
	FunctionCall     *functionDelta  `json:"function_call"` // the form before tool_calls
}

type callDelta struct {
	Index    json.RawMessage `json:"index"`
	ID       json.RawMessage `json:"id"`
	Function functionDelta   `json:"function"`
}

type functionDelta struct {
	Name      json.RawMessage `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

func decode(frame []byte) (chunk, error) {
	var c chunk
	err := json.Unmarshal(frame, &c)
	return c, err
}

// present tells a value from null, nothing and what stands for nothing.
func present(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", `""`, "{}", "false":
		return false
	}
	return true
}

// number reads an index or a count that is a number or a string of one.
func number(raw json.RawMessage) (int, bool) {
	var f float64
	if json.Unmarshal([]byte(strings.Trim(string(raw), `"`)), &f) != nil || len(raw) == 0 || string(raw) == "null" {
		return 0, false
	}
	if f != f || f < 0 || f > math.MaxInt32 {
		return 0, false
	}
	return int(f), true
}

// text returns a string, or nothing for what is no string.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// part is one of the pieces of a content that is a list (Mistral).
type part struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Thinking json.RawMessage `json:"thinking"`
}

// spoken returns the text and the reasoning of a delta. A server that sends
// the same reasoning under both names means it once.
func (d *delta) spoken() (content, reasoning string) {
	reasoning = text(d.ReasoningContent)
	if reasoning == "" {
		reasoning = text(d.Reasoning)
	}
	var parts []part
	if len(d.Content) == 0 || d.Content[0] != '[' || json.Unmarshal(d.Content, &parts) != nil {
		return text(d.Content), reasoning
	}
	var said, thought strings.Builder // of a frame full of small parts too
	thought.WriteString(reasoning)
	for _, p := range parts {
		if p.Type != "thinking" {
			said.WriteString(p.Text)
			continue
		}
		var inner []part
		if json.Unmarshal(p.Thinking, &inner) != nil {
			thought.WriteString(text(p.Thinking))
		}
		for _, t := range inner {
			thought.WriteString(t.Text)
		}
	}
	return said.String(), thought.String()
}

// arguments returns a call's arguments, which some servers send as an object
// where the protocol wants a string that holds one.
func (f functionDelta) arguments() string {
	if len(f.Arguments) > 0 && (f.Arguments[0] == '{' || f.Arguments[0] == '[') {
		return string(f.Arguments)
	}
	return text(f.Arguments)
}

// finish reads a reason in the words of the servers met so far. The second
// result is false while there is none; an unknown reason counts as a stop.
func finish(raw json.RawMessage) (dialogue.Finish, bool) {
	reason := strings.ToLower(text(raw))
	switch reason {
	case "", "null":
		return "", false
	case "tool_calls", "tool_use", "function_call":
		return dialogue.FinishToolCalls, true
	case "length", "max_tokens", "model_length":
		return dialogue.FinishLength, true
	case "content_filter", "safety", "refusal", "recitation", "prohibited_content", "blocklist":
		return dialogue.FinishFilter, true
	case "error", "abort", "cancelled":
		return finishFailed, true
	}
	return dialogue.FinishStop, true
}

// finishFailed is the end of a reply that the server itself gave up.
const finishFailed dialogue.Finish = "failed"
