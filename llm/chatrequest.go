package llm

import (
	"errors"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// wireRequest puts req into the protocol's words, without what q says the
// server refuses. The same req and q give the same bytes, for the sake of
// prompt caches.
func wireRequest(req dialogue.Request, q quirks) openai.ChatCompletionRequest {
	out := openai.ChatCompletionRequest{
		Model:    req.Model,
		Messages: wireMessages(req.Messages),
		Stream:   true,
	}
	if !q.noUsage {
		out.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	if !q.noUser {
		out.User = req.User
	}
	if (wantsNewLimit(req.Model) || q.newLimit) && !q.oldLimit {
		out.MaxCompletionTokens = req.MaxTokens
	} else {
		out.MaxTokens = req.MaxTokens //nolint:staticcheck // deprecated by OpenAI; most other servers know no other
	}
	for _, t := range req.Tools {
		out.Tools = append(out.Tools, openai.Tool{
			Type:     openai.ToolTypeFunction,
			Function: &openai.FunctionDefinition{Name: t.Name, Description: t.Description, Parameters: schemaOf(t)},
		})
	}
	if len(out.Tools) > 0 {
		out.ToolChoice = wireChoice(req.Choice, q.choice, func(name string) any {
			return openai.ToolChoice{Type: openai.ToolTypeFunction, Function: openai.ToolFunction{Name: name}}
		})
		// go-openai itself knows some of the models that need this.
		known := openai.NewReasoningValidator().Validate(out)
		if q.noThinking || errors.Is(known, openai.ErrReasoningToolsRequireResponses) {
			out.ReasoningEffort = openai.ReasoningEffortNone
		}
	}
	return out
}

func wireMessages(messages []dialogue.Message) []openai.ChatCompletionMessage {
	var out []openai.ChatCompletionMessage
	for t := range turns(messages) {
		m := t.message
		switch m.Role {
		case dialogue.Assistant:
			out = append(out, wireAssistant(t))
		case dialogue.System:
			if m.Content != "" {
				out = append(out, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleSystem, Content: m.Content})
			}
		default:
			out = append(out, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleUser, Content: orElse(m.Content, emptyUser)})
		}
		for _, c := range t.calls {
			out = append(out, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleTool, ToolCallID: c.id, Content: c.result})
		}
	}
	return out
}

func wireAssistant(t turn) openai.ChatCompletionMessage {
	out := openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, Content: t.message.Content}
	if len(t.calls) == 0 {
		out.Content = orElse(out.Content, emptyAssistant)
	}
	for _, c := range t.calls {
		out.ToolCalls = append(out.ToolCalls, openai.ToolCall{
			ID: c.id, Type: openai.ToolTypeFunction, Function: openai.FunctionCall{Name: c.name, Arguments: c.arguments},
		})
	}
	return out
}
