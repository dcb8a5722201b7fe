package offline

import (
	"encoding/json"
	"strings"
)

// request is the part of a chat completion request that the analyst reads.
type request struct {
	Model         string        `json:"model"`
	Messages      []wireMessage `json:"messages"`
	Tools         []wireTool    `json:"tools"`
	ToolChoice    toolChoice    `json:"tool_choice"`
	Stream        bool          `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int `json:"max_tokens"`
	MaxCompletionTokens int `json:"max_completion_tokens"`
}

type wireMessage struct {
	Role       string     `json:"role"`
	Content    content    `json:"content"`
	ToolCalls  []wireCall `json:"tool_calls"`
	ToolCallID string     `json:"tool_call_id"`
}

type wireTool struct {
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

type wireCall struct {
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// content is the text of a message: a string, or parts of which the text counts.
type content string

// UnmarshalJSON implements json.Unmarshaler.
func (c *content) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*c = content(text)
		return nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Text
	}
	*c = content(strings.Join(texts, "\n"))
	return nil
}

// toolChoice is "auto", "none", "required" or the name of the one tool to call.
type toolChoice string

// UnmarshalJSON implements json.Unmarshaler.
func (c *toolChoice) UnmarshalJSON(raw []byte) error {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		*c = toolChoice(word)
		return nil
	}
	var named wireTool
	if err := json.Unmarshal(raw, &named); err != nil {
		return err
	}
	*c = toolChoice(named.Function.Name)
	return nil
}

// The tools that the analyst knows.
const (
	listDatasets    = "list_datasets"
	describeDataset = "describe_dataset"
	runPython       = "run_python"
	runSQL          = "run_sql"
	askUser         = "ask_user"
	finalAnswer     = "final_answer"
)

// offered returns the tools that may be called.
func (r request) offered() map[string]bool {
	out := map[string]bool{}
	for _, t := range r.Tools {
		name := t.Function.Name
		only := r.ToolChoice != "" && r.ToolChoice != "auto" && r.ToolChoice != "required"
		if r.ToolChoice != "none" && (!only || string(r.ToolChoice) == name) {
			out[name] = true
		}
	}
	return out
}

// limit returns how many tokens a reply may have; 0: as many as it takes.
func (r request) limit() int {
	if r.MaxCompletionTokens > 0 {
		return r.MaxCompletionTokens
	}
	return r.MaxTokens
}

func modelList() any {
	return map[string]any{
		"object": "list",
		"data":   []any{map[string]any{"id": Model, "object": "model", "created": 0, "owned_by": "mark"}},
	}
}
