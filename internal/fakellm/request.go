package fakellm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Request is a request as it arrived. Messages and Tools of one in the format of
// Responses are put as Chat Completions has them.
type Request struct {
	Number     int // 0 for the first one that the server got
	Path       string
	Query      string
	Header     http.Header
	Body       []byte
	Model      string          `json:"model"`
	Stream     bool            `json:"stream"`
	Messages   []Message       `json:"messages"`
	Tools      []Tool          `json:"tools"`
	ToolChoice json.RawMessage `json:"tool_choice"`
	User       string          `json:"user"`
}

// Message is a message of a request. Content is nil where none was sent.
type Message struct {
	Role       string     `json:"role"`
	Content    *string    `json:"content"`
	ToolCallID string     `json:"tool_call_id"`
	ToolCalls  []ToolCall `json:"tool_calls"`
}

// ToolCall is a call in a message.
type ToolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string  `json:"name"`
		Arguments *string `json:"arguments"`
	} `json:"function"`
}

// Text is the content, or "".
func (m Message) Text() string {
	if m.Content == nil {
		return ""
	}
	return *m.Content
}

// Tool is a tool that a request offers.
type Tool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// Last is the last message with the role, or an empty one.
func (r Request) Last(role string) Message {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == role {
			return r.Messages[i]
		}
	}
	return Message{}
}

// Offers tells whether the request offers a tool.
func (r Request) Offers(name string) bool {
	for _, t := range r.Tools {
		if t.Function.Name == name {
			return true
		}
	}
	return false
}

func readRequest(r *http.Request) (Request, error) {
	out := Request{Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
	if r.Body == nil {
		return out, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return out, fmt.Errorf("read the request: %w", err)
	}
	out.Body = body
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("decode the request: %w", err)
	}
	if strings.HasSuffix(out.Path, responsesPath) {
		if err := out.translate(); err != nil {
			return out, fmt.Errorf("decode the input: %w", err)
		}
	}
	return out, nil
}
