package llm

import (
	"encoding/json"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// leastOutput is the least that OpenAI takes for max_output_tokens.
const leastOutput = 16

// wireResponses puts req into the words of the Responses API, without what q
// says the server refuses. of is the name of the native items that may go along.
func wireResponses(req dialogue.Request, q quirks, of string) responsesRequest {
	messages := req.Messages
	var r responsesRequest
	r.Model, r.Stream = req.Model, true
	if len(messages) > 0 && messages[0].Role == dialogue.System {
		r.Instructions, messages = messages[0].Content, messages[1:]
	}
	r.Input, r.native = wireInput(messages, of)
	if !q.noStore {
		r.Store = new(bool)
	}
	if !q.noInclude {
		r.Include = []openai.ResponseInclude{openai.ResponseIncludeReasoningEncryptedContent}
	}
	if !q.noReasoning {
		r.Reasoning = &openai.ResponseReasoning{Summary: "auto"}
	}
	if !q.noUser {
		r.User = req.User
	}
	if req.MaxTokens > 0 {
		r.MaxOutputTokens = max(req.MaxTokens, leastOutput)
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, openai.NewResponseFunctionTool(openai.FunctionDefinition{
			Name: t.Name, Description: t.Description, Parameters: schemaOf(t),
		}))
	}
	if len(r.Tools) > 0 {
		r.ToolChoice = wireChoice(req.Choice, q.choice, func(name string) any {
			return namedChoice{Type: "function", Name: name}
		})
	}
	return r
}

// namedChoice is a tool_choice of one tool. Chat Completions nests it.
type namedChoice struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// inputMessage, inputCall and inputResult are the items of an input. The
// message's type may be left out for OpenAI, not for llama.cpp.
type inputMessage struct {
	Type    string `json:"type"`
	Role    string `json:"role"`
	Content string `json:"content"`
}

type inputCall struct {
	Type      string `json:"type"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type inputResult struct {
	Type   string `json:"type"`
	CallID string `json:"call_id"`
	Output string `json:"output"`
}

// wireInput is to Responses what wireMessages is to Chat Completions. native
// tells that some of the items are the endpoint's own.
func wireInput(messages []dialogue.Message, of string) (items []any, native bool) {
	items = []any{}
	say := func(role, content string) {
		items = append(items, inputMessage{Type: "message", Role: role, Content: content})
	}
	for t := range turns(messages) {
		m := t.message
		switch {
		case m.Role == dialogue.System && m.Content != "":
			say("system", m.Content)
		case m.Role == dialogue.System:
		case m.Role != dialogue.Assistant:
			say("user", orElse(m.Content, emptyUser))
		case of != "" && m.Native.Of == of && faithful(m):
			native = true
			for _, item := range m.Native.Items {
				items = append(items, item)
			}
		default:
			if m.Content != "" || len(m.ToolCalls) == 0 {
				say("assistant", orElse(m.Content, emptyAssistant))
			}
			for _, c := range t.calls {
				items = append(items, inputCall{Type: "function_call", CallID: c.id, Name: c.name, Arguments: c.arguments})
			}
		}
		for _, c := range t.calls {
			items = append(items, inputResult{Type: "function_call_output", CallID: c.id, Output: c.result})
		}
	}
	return items, native
}

func schemaOf(t dialogue.Tool) json.RawMessage {
	if len(t.Schema) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	return t.Schema
}
