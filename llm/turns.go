package llm

import (
	"bytes"
	"encoding/json"
	"iter"
	"regexp"

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

// turn is a message of a history as servers take it, an assistant's with its
// calls and their results.
type turn struct {
	message dialogue.Message
	calls   []carriedOut
}

// carriedOut is a call with what came of it.
type carriedOut struct{ id, name, arguments, result string }

// turns keeps the history acceptable whatever happened in it: each call is
// followed by exactly one result, each result follows its call, and no
// arguments are malformed (llama.cpp answers those with a 500, for ever).
func turns(messages []dialogue.Message) iter.Seq[turn] {
	return func(yield func(turn) bool) {
		for i := 0; i < len(messages); {
			t := turn{message: messages[i]}
			i++
			if t.message.Role == dialogue.ToolRole { // its call is gone: nothing it could answer
				continue
			}
			if t.message.Role == dialogue.Assistant {
				results := map[string]string{}
				for ; i < len(messages) && messages[i].Role == dialogue.ToolRole; i++ {
					results[messages[i].ToolCallID] = orElse(messages[i].Content, emptyTool)
				}
				for _, call := range t.message.ToolCalls {
					t.calls = append(t.calls, carryOut(call, results))
				}
			}
			if !yield(t) {
				return
			}
		}
	}
}

func carryOut(call dialogue.ToolCall, results map[string]string) carriedOut {
	result, ok := results[call.ID]
	if !ok {
		result = missingResult
	}
	arguments, fine := replayable(call.Arguments)
	if !fine {
		result = badArguments + result
	}
	return carriedOut{id: call.ID, name: replayableName(call.Name), arguments: arguments, result: result}
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
