package llm

import (
	"context"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/tokens"
)

// Counted counts the tokens of replies whose endpoint has not: some never do,
// and none does of a reply that was broken off. Without, those would be free.
type Counted struct {
	inner   Model
	counter tokens.Counter
}

// NewCounted puts Counted around a model.
func NewCounted(inner Model, counter tokens.Counter) *Counted {
	return &Counted{inner: inner, counter: counter}
}

// Stream is as the inner model's. A request of which nothing came back took
// nothing.
func (c *Counted) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	var came strings.Builder
	reply, err := c.inner.Stream(ctx, req, func(d dialogue.Delta) error {
		came.WriteString(d.Reasoning + d.Text)
		if d.Call != nil {
			came.WriteString(d.Call.Name + d.Call.Arguments)
		}
		return emit(d)
	})
	if reply.Usage == (dialogue.Usage{}) && came.Len() > 0 {
		reply.Usage = dialogue.Usage{PromptTokens: c.prompt(req), CompletionTokens: c.counter.Count(came.String())}
	}
	return reply, err
}

// prompt counts what a request puts before the model. What a format adds to it
// is little.
func (c *Counted) prompt(req dialogue.Request) (n int) {
	for _, m := range req.Messages {
		n += c.counter.Count(m.Content)
		for _, call := range m.ToolCalls {
			n += c.counter.Count(call.Name) + c.counter.Count(call.Arguments)
		}
	}
	for _, t := range req.Tools {
		n += c.counter.Count(t.Name) + c.counter.Count(t.Description) + c.counter.Count(string(t.Schema))
	}
	return n
}
