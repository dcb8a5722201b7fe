// Package dialogue is the vocabulary that the agent and the model adapters
// share: messages, tool calls, the pieces of a streamed reply and the ways in
// which asking a model can fail. It names things as the Chat Completions API
// does and holds no behaviour of either side.
package dialogue

import (
	"encoding/json"
	"time"
)

// Role says who a message is from.
type Role string

// The roles of Chat Completions.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	ToolRole  Role = "tool"
)

// Message is one turn of a conversation with a model.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content,omitempty"`
	// Reasoning is what the model said it thought, where it says so. It is
	// shown and stored, and never sent back.
	Reasoning string `json:"reasoning,omitempty"`
	// ToolCalls are the calls an assistant's message asks for.
	ToolCalls []ToolCall `json:"toolCalls,omitempty"`
	// ToolCallID names the call that a tool's message answers.
	ToolCallID string `json:"toolCallId,omitempty"`
	// Native is the message as the model's endpoint wrote it, where that holds
	// more than the fields above; only that endpoint gets it back.
	Native Native `json:"native,omitzero"`
}

// Native is a message in an endpoint's own words: reasoning that only it can
// read. It is stored and handed back as it came; nobody but the adapter looks
// into it.
type Native struct {
	// Of names the wire format, the endpoint and the model that it is of. An
	// adapter leaves alone what is not its own.
	Of    string            `json:"of"`
	Items []json.RawMessage `json:"items"`
}

// ToolCall is a model's wish to have a tool run.
type ToolCall struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Arguments is the JSON object as the model wrote it: untrusted, and
	// perhaps not JSON at all.
	Arguments string `json:"arguments"`
}

// Tool describes a tool to a model.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"` // JSON Schema of the arguments, an object
}

// Choice says how free the model is to call tools.
type Choice string

// The choices. A Choice that is none of these is the name of the one tool that
// the model has to call.
const (
	ChoiceAuto     Choice = "auto"
	ChoiceNone     Choice = "none"
	ChoiceRequired Choice = "required"
)

// Request asks a model for its next message.
type Request struct {
	Model     string // empty: the adapter's default
	Messages  []Message
	Tools     []Tool // in a fixed order, for the sake of prompt caches
	Choice    Choice // empty: ChoiceAuto
	MaxTokens int    // 0: the server's default
	User      string // an opaque id of the person asking, for the provider's abuse limits
}

// Delta is one streamed piece of a reply; exactly one of its fields is set.
type Delta struct {
	Text      string
	Reasoning string
	Call      *CallDelta
}

// CallDelta is a piece of a tool call. Index tells parallel calls apart; ID and
// Name come whole with the first piece, Arguments in fragments.
type CallDelta struct {
	Index     int
	ID        string
	Name      string
	Arguments string
}

// Finish says why a reply ended.
type Finish string

// The reasons for the end of a reply.
const (
	FinishStop      Finish = "stop"
	FinishToolCalls Finish = "tool_calls"
	FinishLength    Finish = "length"
	FinishFilter    Finish = "content_filter"
)

// Reply is a whole reply, as it is stored.
type Reply struct {
	Message Message `json:"message"`
	Finish  Finish  `json:"finish"`
	Usage   Usage   `json:"usage"`
	// Unseen is what attempts took that failed before anything of them was seen,
	// as far as the server said: they were paid for like this one.
	Unseen Usage  `json:"unseen,omitzero"`
	Model  string `json:"model"` // as the server named it
	// By is the configured name of the model that answered in place of the one
	// that was asked, which was not available; empty: that one answered.
	By string `json:"by,omitempty"`
}

// Paid is what the reply took, with the attempts before it.
func (r Reply) Paid() Usage { return r.Usage.Add(r.Unseen) }

// Usage counts the tokens of one or more calls.
type Usage struct {
	PromptTokens     int `json:"promptTokens"`
	CachedTokens     int `json:"cachedTokens"` // part of PromptTokens
	CompletionTokens int `json:"completionTokens"`
	ReasoningTokens  int `json:"reasoningTokens"` // part of CompletionTokens
}

// Add returns the sum of u and v.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		PromptTokens:     u.PromptTokens + v.PromptTokens,
		CachedTokens:     u.CachedTokens + v.CachedTokens,
		CompletionTokens: u.CompletionTokens + v.CompletionTokens,
		ReasoningTokens:  u.ReasoningTokens + v.ReasoningTokens,
	}
}

// Prices are what a model's tokens cost, in US dollars a million tokens. All zero
// where the price is not known or nothing is charged.
type Prices struct {
	Input       float64 `json:"input"`
	CachedInput float64 `json:"cachedInput"` // of that part of the input that came from a prompt cache
	Output      float64 `json:"output"`
}

// Code classes the ways in which a model's endpoint fails.
type Code string

// The codes, as they are stored with a run that ended by one.
const (
	CodeUnavailable Code = "MODEL_UNAVAILABLE"     // unreachable, 5xx, a time limit; a retry may help
	CodeAuth        Code = "MODEL_UNAUTHORIZED"    // 401, 403: the key is wrong or may not use the model
	CodeRateLimited Code = "MODEL_RATE_LIMITED"    // 429, after the retries
	CodeNotFound    Code = "MODEL_NOT_FOUND"       // no such model or path
	CodeTooLong     Code = "MODEL_CONTEXT_TOO_BIG" // the conversation does not fit
	CodeBadRequest  Code = "MODEL_BAD_REQUEST"     // another 4xx
	CodeBadReply    Code = "MODEL_BAD_REPLY"       // half a stream, not JSON, an error inside the stream
	CodeRefused     Code = "MODEL_REFUSED"         // refusal or content filter
)

// Error is the failure of a call to a model.
type Error struct {
	Code Code
	// Message is a sentence for a person: what happened and what to do. It
	// never holds a key, an address's credentials or a raw body.
	Message string
	// Visible tells that deltas were handed out before the failure, so that
	// a further attempt starts over in front of somebody who is watching.
	Visible bool
	// RetryAfter is how long the server asked to wait; 0 when it did not say.
	RetryAfter time.Duration
	Err        error // the cause, for logs only
}

// Error implements error with everything, the cause included: for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
