package offline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// reply is what the analyst says next.
type reply struct {
	reasoning string
	text      string
	calls     []toolUse
}

// toolUse is a wish to have a tool run.
type toolUse struct {
	name string
	args any
}

// completion is a reply on its way out.
type completion struct {
	id       string
	reply    reply
	args     []string // of the calls, as JSON
	usage    bool     // the client wants it streamed
	limit    int      // tokens; 0: none
	prompt   int      // tokens
	finished string
}

func newCompletion(r request, body []byte, say reply) completion {
	sum := sha256.Sum256(body)
	c := completion{
		id: hex.EncodeToString(sum[:8]), reply: say, usage: r.StreamOptions.IncludeUsage,
		limit: r.limit(), finished: "stop",
	}
	for _, m := range r.Messages {
		c.prompt += tokens(string(m.Content)) + 4
		for _, call := range m.ToolCalls {
			c.prompt += tokens(call.Function.Arguments)
		}
	}
	for _, call := range say.calls {
		args, err := json.Marshal(call.args)
		if err != nil {
			args = []byte("{}") // every argument is a struct or a map of strings
		}
		c.args = append(c.args, string(args))
		c.finished = "tool_calls"
	}
	return c
}

// tokens estimates how many tokens a text is: a quarter of its bytes, as
// tokenizers of English come to on average. It only feeds the usage counters.
func tokens(text string) int { return (len(text) + 3) / 4 }

// delta is the delta of a chunk, or the message of a whole completion.
type delta struct {
	Role      string      `json:"role,omitempty"`
	Content   *string     `json:"content,omitempty"`
	Reasoning string      `json:"reasoning_content,omitempty"`
	ToolCalls []callDelta `json:"tool_calls,omitempty"`
}

type callDelta struct {
	Index    int    `json:"index"`
	ID       string `json:"id,omitempty"`
	Type     string `json:"type,omitempty"`
	Function struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func (c completion) callID(i int) string { return fmt.Sprintf("call_%s%02d", c.id, i) }

// pieces returns the deltas of the reply in their order. Their text is in
// fragments, as a model's is. Where a limit of tokens cuts the reply short, the
// finish reason is "length".
func (c completion) pieces() (deltas []delta, finish string, used, reasoned int) {
	finish = c.finished
	emit := func(d delta, text string) bool {
		if c.limit > 0 && used+tokens(text) > c.limit {
			finish = "length"
			return false
		}
		used += tokens(text)
		deltas = append(deltas, d)
		return true
	}
	deltas = append(deltas, delta{Role: "assistant"})
	for _, f := range fragments(c.reply.reasoning, 48) {
		if !emit(delta{Reasoning: f}, f) {
			return deltas, finish, used, used
		}
	}
	reasoned = used
	for _, f := range fragments(c.reply.text, 32) {
		if !emit(delta{Content: &f}, f) {
			return deltas, finish, used, reasoned
		}
	}
	for i, call := range c.reply.calls {
		start := callDelta{Index: i, ID: c.callID(i), Type: "function"}
		start.Function.Name = call.name
		if !emit(delta{ToolCalls: []callDelta{start}}, call.name) {
			return deltas, finish, used, reasoned
		}
		for _, f := range fragments(c.args[i], 64) {
			piece := callDelta{Index: i}
			piece.Function.Arguments = f
			if !emit(delta{ToolCalls: []callDelta{piece}}, f) {
				return deltas, finish, used, reasoned
			}
		}
	}
	return deltas, finish, used, reasoned
}

// fragments cuts a text into pieces of about size bytes, between characters.
func fragments(text string, size int) []string {
	var out []string
	for len(text) > 0 {
		n := min(size, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func (c completion) usageOf(used, reasoned int) any {
	return map[string]any{
		"prompt_tokens": c.prompt, "completion_tokens": used, "total_tokens": c.prompt + used,
		"completion_tokens_details": map[string]int{"reasoning_tokens": reasoned},
	}
}

// whole is the reply in one piece, for requests that do not stream.
func (c completion) whole() any {
	deltas, finish, used, reasoned := c.pieces()
	message := delta{Role: "assistant"}
	text, calls := "", []callDelta{}
	for _, d := range deltas {
		message.Reasoning += d.Reasoning
		if d.Content != nil {
			text += *d.Content
		}
		for _, piece := range d.ToolCalls {
			if piece.ID != "" {
				calls = append(calls, piece)
				continue
			}
			calls[len(calls)-1].Function.Arguments += piece.Function.Arguments
		}
	}
	message.Content, message.ToolCalls = &text, calls
	return map[string]any{
		"id": "chatcmpl-" + c.id, "object": "chat.completion", "created": 0, "model": Model,
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": finish}},
		"usage":   c.usageOf(used, reasoned),
	}
}

// chunks is the reply as the events of a stream.
func (c completion) chunks() []any {
	chunk := func(choices []any) map[string]any {
		return map[string]any{
			"id": "chatcmpl-" + c.id, "object": "chat.completion.chunk", "created": 0, "model": Model, "choices": choices,
		}
	}
	deltas, finish, used, reasoned := c.pieces()
	var out []any
	for _, d := range deltas {
		out = append(out, chunk([]any{map[string]any{"index": 0, "delta": d, "finish_reason": nil}}))
	}
	out = append(out, chunk([]any{map[string]any{"index": 0, "delta": delta{}, "finish_reason": finish}}))
	if c.usage {
		last := chunk([]any{})
		last["usage"] = c.usageOf(used, reasoned)
		out = append(out, last)
	}
	return out
}
