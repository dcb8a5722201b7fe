package llm

import (
	"context"
	"encoding/json"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// chatFormat is Chat Completions.
type chatFormat struct{}

func (chatFormat) request(req dialogue.Request, q quirks, _ *Endpoint) request {
	return chatRequest{wireRequest(req, q)}
}

func (chatFormat) reader(a *assembler, _ dialogue.Request, _ *Endpoint) reader {
	return chatReader{a}
}

func (chatFormat) ends(frame []byte) bool {
	c, err := decode(frame)
	if err != nil || len(c.Choices) == 0 {
		return false
	}
	_, over := finish(c.Choices[0].Finish)
	return over
}

type chatRequest struct{ openai.ChatCompletionRequest }

func (r chatRequest) open(ctx context.Context, client *openai.Client) (stream, error) {
	return client.CreateChatCompletionStream(ctx, r.ChatCompletionRequest)
}

func (r chatRequest) learn(q quirks, e *serverError) quirks {
	limit := max(r.MaxTokens, r.MaxCompletionTokens) //nolint:staticcheck // deprecated by OpenAI; most other servers know no other
	switch {
	case limit > 0 && e.refusesLimit():
		return q.lowered(limit)
	case r.StreamOptions != nil && e.says("stream_options", "include_usage"):
		q.noUsage = true
	case r.MaxTokens > 0 && !q.oldLimit && e.says("max_completion_tokens"): //nolint:staticcheck // deprecated by OpenAI; most other servers know no other
		q.newLimit = true
	case r.MaxCompletionTokens > 0 && !q.newLimit && e.says("max_completion_tokens"):
		q.oldLimit = true
	case len(r.Tools) > 0 && r.ReasoningEffort == "" && e.says("reasoning_effort"):
		q.noThinking = true
	case r.ToolChoice != nil && e.says("tool_choice", "tool choice"):
		q.choice++
	case r.User != "" && e.refusesUser():
		q.noUser = true
	}
	return q
}

// chatReader reads the chunks of Chat Completions.
type chatReader struct{ *assembler }

// frame implements reader.
func (a chatReader) frame(raw []byte) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	c, err := decode(raw)
	if err != nil {
		return errNotJSON
	}
	if c.Model != "" {
		a.reply.Model = c.Model
	}
	for _, counted := range []json.RawMessage{c.Usage, c.Groq.Usage} {
		if u, ok := usage(counted); ok {
			a.reply.Usage = u
		}
	}
	if present(c.Error) {
		return a.told(c.Error)
	}
	for _, ch := range c.Choices {
		if i, ok := number(ch.Index); ok && i > 0 {
			continue // one reply was asked for
		}
		if present(ch.Error) {
			return a.told(ch.Error)
		}
		for _, d := range []*delta{ch.Delta, ch.Message} {
			if d != nil {
				if err := a.delta(d); err != nil {
					return err
				}
			}
		}
		if reason, ok := finish(ch.Finish); ok {
			a.finish = reason
		}
	}
	return nil
}

func (a chatReader) delta(d *delta) error {
	list := d.ToolCalls
	if d.FunctionCall != nil {
		list = append(list, callDelta{Function: *d.FunctionCall})
	}
	content, reasoning := d.spoken()
	size := len(content) + len(reasoning) + len(d.Refusal)
	for _, piece := range list {
		size += len(piece.Function.Arguments)
	}
	if err := a.count(size); err != nil {
		return err
	}
	if err := a.say(piece{reasoning: reasoning}); err != nil {
		return err
	}
	if err := a.read(content); err != nil {
		return err
	}
	a.refusal.WriteString(text(d.Refusal))
	if len(list) == 0 {
		return nil
	}
	// A server that gives calls in their own place does not write them as text.
	if err := a.sayAll(a.written.stop()); err != nil {
		return err
	}
	for _, piece := range list {
		if err := a.show(a.calls.add(piece)); err != nil {
			return err
		}
	}
	return nil
}
