package fakellm

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Part is a part of a scripted reply.
type Part struct {
	text, reasoning string
	id, name, args  string
	finish          string
	usage           [3]int
	kind            partKind
}

type partKind int

const (
	textPart partKind = iota
	refusalPart
	reasoningPart
	callPart
	finishPart
	usagePart
)

// Text is something that the model says, streamed word by word.
func Text(s string) Part { return Part{kind: textPart, text: s} }

// Refusal is a model's refusal in so many words, beside its text.
func Refusal(s string) Part { return Part{kind: refusalPart, text: s} }

// Reasoning is something that the model says it thinks.
func Reasoning(s string) Part { return Part{kind: reasoningPart, reasoning: s} }

// Call is a tool call. Arguments is a string, sent as it is, or a value that is
// sent as JSON; it is streamed in pieces of 16 characters.
func Call(id, name string, arguments any) Part {
	args, ok := arguments.(string)
	if !ok {
		b, err := json.Marshal(arguments)
		if err != nil {
			panic(fmt.Sprintf("fakellm: arguments of %s: %v", name, err))
		}
		args = string(b)
	}
	return Part{kind: callPart, id: id, name: name, args: args}
}

// Finish sets the finish_reason, otherwise tool_calls after a call and stop
// else.
func Finish(reason string) Part { return Part{kind: finishPart, finish: reason} }

// Tokens sets the usage that is reported, otherwise 100, 0 and 10.
func Tokens(prompt, cached, completion int) Part {
	return Part{kind: usagePart, usage: [3]int{prompt, cached, completion}}
}

// Say answers with a well-formed reply of the parts, one frame a word, in the
// format that the request is in.
func Say(parts ...Part) Answer {
	a := Raw("")
	a.steps = []step{{say: append([]Part{}, parts...)}}
	return a
}

// sayChat is Say in the format of Chat Completions.
func sayChat(parts []Part) string {
	var b strings.Builder
	finish, calls, usage := "stop", 0, [3]int{100, 0, 10}
	delta := func(d map[string]any) { b.WriteString(frame([]any{choice(d, nil)}, nil)) }
	delta(map[string]any{"role": "assistant", "content": nil})
	for _, p := range parts {
		switch p.kind {
		case textPart:
			for _, word := range strings.SplitAfter(p.text, " ") {
				delta(map[string]any{"content": word})
			}
		case refusalPart:
			delta(map[string]any{"refusal": p.text})
		case reasoningPart:
			delta(map[string]any{"reasoning_content": p.reasoning})
		case callPart:
			finish = "tool_calls"
			for i, piece := range pieces(p.args) {
				function := map[string]any{"arguments": piece}
				call := map[string]any{"index": calls, "function": function}
				if i == 0 {
					function["name"], call["id"], call["type"] = p.name, p.id, "function"
				}
				delta(map[string]any{"tool_calls": []any{call}})
			}
			calls++
		case finishPart:
			finish = p.finish
		case usagePart:
			usage = p.usage
		}
	}
	b.WriteString(frame([]any{choice(map[string]any{}, finish)}, nil))
	b.WriteString(frame([]any{}, map[string]any{
		"prompt_tokens": usage[0], "completion_tokens": usage[2], "total_tokens": usage[0] + usage[2],
		"prompt_tokens_details": map[string]any{"cached_tokens": usage[1]},
	}))
	b.WriteString("data: [DONE]\n\n")
	return b.String()
}

// pieces cuts arguments into pieces of 16 characters, at least one.
func pieces(arguments string) []string {
	runes := []rune(arguments)
	out := []string{string(runes[:min(16, len(runes))])}
	for i := 16; i < len(runes); i += 16 {
		out = append(out, string(runes[i:min(i+16, len(runes))]))
	}
	return out
}

func choice(delta map[string]any, finish any) map[string]any {
	return map[string]any{"index": 0, "delta": delta, "finish_reason": finish}
}

func frame(choices []any, usage any) string {
	body := map[string]any{
		"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": choices,
	}
	if usage != nil {
		body["usage"] = usage
	}
	return "data: " + marshal(body) + "\n\n"
}

func marshal(body map[string]any) string {
	b, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("fakellm: a frame: %v", err)) // maps of strings and numbers always marshal
	}
	return string(b)
}
