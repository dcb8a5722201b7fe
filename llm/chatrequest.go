package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// What is sent in place of text that is empty or missing. go-openai leaves an
// empty content out, and servers refuse a message without one.
const (
	emptyTool      = "(no output)"
	emptyUser      = "(nothing)"
	emptyAssistant = "(no answer)"
	missingResult  = "(This call was not carried out.)"
	badArguments   = "(The arguments of this call were not a JSON object and are left out here.)\n"
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
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		out.Tools = append(out.Tools, openai.Tool{
			Type:     openai.ToolTypeFunction,
			Function: &openai.FunctionDefinition{Name: t.Name, Description: t.Description, Parameters: schema},
		})
	}
	if len(out.Tools) > 0 {
		out.ToolChoice = wireChoice(req.Choice, q.choice)
		// go-openai itself knows some of the models that need this.
		known := openai.NewReasoningValidator().Validate(out)
		if q.noThinking || errors.Is(known, openai.ErrReasoningToolsRequireResponses) {
			out.ReasoningEffort = openai.ReasoningEffortNone
		}
	}
	return out
}

// wireChoice leaves auto out: it is the default with tools, and some servers
// refuse to be told.
func wireChoice(choice dialogue.Choice, refused int) any {
	switch choice {
	case dialogue.ChoiceAuto, "":
		return nil
	case dialogue.ChoiceNone, dialogue.ChoiceRequired:
		if refused > 0 {
			return nil
		}
		return string(choice)
	}
	switch refused {
	case 0:
		return openai.ToolChoice{Type: openai.ToolTypeFunction, Function: openai.ToolFunction{Name: string(choice)}}
	case 1:
		return string(dialogue.ChoiceRequired)
	}
	return nil
}

// wireMessages keeps the history acceptable whatever happened in it: each call
// is followed by exactly one result, each result follows its call, no content
// is empty and no arguments are malformed (llama.cpp answers those with a 500,
// for ever).
func wireMessages(messages []dialogue.Message) []openai.ChatCompletionMessage {
	var out []openai.ChatCompletionMessage
	for i := 0; i < len(messages); {
		m := messages[i]
		i++
		switch m.Role {
		case dialogue.ToolRole: // its call is gone: nothing it could answer
			continue
		case dialogue.Assistant:
			results := map[string]string{}
			for ; i < len(messages) && messages[i].Role == dialogue.ToolRole; i++ {
				results[messages[i].ToolCallID] = orElse(messages[i].Content, emptyTool)
			}
			out = append(out, wireAssistant(m, results)...)
		case dialogue.System:
			if m.Content != "" {
				out = append(out, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleSystem, Content: m.Content})
			}
		default:
			out = append(out, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleUser, Content: orElse(m.Content, emptyUser)})
		}
	}
	return out
}

func wireAssistant(m dialogue.Message, results map[string]string) []openai.ChatCompletionMessage {
	head := openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, Content: m.Content}
	if len(m.ToolCalls) == 0 {
		head.Content = orElse(m.Content, emptyAssistant)
		return []openai.ChatCompletionMessage{head}
	}
	out := []openai.ChatCompletionMessage{{}}
	for _, call := range m.ToolCalls {
		content, ok := results[call.ID]
		if !ok {
			content = missingResult
		}
		arguments, fine := replayable(call.Arguments)
		if !fine {
			content = badArguments + content
		}
		head.ToolCalls = append(head.ToolCalls, openai.ToolCall{
			ID:       call.ID,
			Type:     openai.ToolTypeFunction,
			Function: openai.FunctionCall{Name: replayableName(call.Name), Arguments: arguments},
		})
		out = append(out, openai.ChatCompletionMessage{
			Role: openai.ChatMessageRoleTool, ToolCallID: call.ID, Content: content,
		})
	}
	out[0] = head
	return out
}

// replayable returns the arguments as they may stand in a history, and whether
// they are what the model wrote.
func replayable(arguments string) (string, bool) {
	trimmed := bytes.TrimSpace([]byte(arguments))
	if len(trimmed) == 0 {
		return "{}", true
	}
	if trimmed[0] != '{' || !json.Valid(trimmed) {
		return "{}", false
	}
	return arguments, true
}

// notInName is what OpenAI does not accept in a function's name. A model may
// have called a tool that does not exist by any name it liked.
var notInName = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

func replayableName(name string) string {
	name = notInName.ReplaceAllString(name, "_")
	if len(name) > 64 {
		name = name[:64]
	}
	return orElse(name, "unknown")
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
