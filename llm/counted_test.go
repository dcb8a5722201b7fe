package llm

import (
	"context"
	"errors"
	"testing"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// letters counts a token a byte.
type letters struct{}

func (letters) Count(text string) int { return len(text) }

func TestCounted(t *testing.T) {
	req := dialogue.Request{
		Messages: []dialogue.Message{{Role: dialogue.User, Content: "12345"}, {Role: dialogue.Assistant, ToolCalls: []dialogue.ToolCall{{ID: "a", Name: "f", Arguments: "{}"}}}},
		Tools:    []dialogue.Tool{{Name: "f", Description: "123", Schema: []byte("{ }")}},
	}
	const asked = 5 + 3 + 1 + 3 + 3
	hello := fakellm.Raw("data: {\"choices\":[{\"delta\":{\"reasoning\":\"Hm\"}}]}\n\n" + hello)
	for name, tc := range map[string]struct {
		answer fakellm.Answer
		want   dialogue.Usage
	}{
		"the endpoint counts":  {fakellm.Say(fakellm.Text("Hi"), fakellm.Tokens(7, 3, 2)), dialogue.Usage{PromptTokens: 7, CachedTokens: 3, CompletionTokens: 2}},
		"it does not":          {hello.Then(stop), dialogue.Usage{PromptTokens: asked, CompletionTokens: 4}},
		"a call":               {fakellm.Raw("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n" + stop), dialogue.Usage{PromptTokens: asked, CompletionTokens: 3}},
		"broken off":           {hello.Abort(), dialogue.Usage{PromptTokens: asked, CompletionTokens: 4}},
		"nothing came":         {fakellm.Raw("").Abort(), dialogue.Usage{}},
		"a bad request":        {fakellm.Fail(400, `{}`), dialogue.Usage{}},
		"counted, and refused": {fakellm.Say(fakellm.Refusal("No."), fakellm.Tokens(7, 3, 2)), dialogue.Usage{PromptTokens: 7, CachedTokens: 3, CompletionTokens: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Always(tc.answer))
			reply, _ := NewCounted(newChat(t, server.BaseURL(), nil), letters{}).Stream(t.Context(), req, discard)
			if reply.Usage != tc.want {
				t.Errorf("%+v, want %+v", reply.Usage, tc.want)
			}
		})
	}
}

// TestCountedWhenStopped: what a person stopped was paid for all the same.
func TestCountedWhenStopped(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Raw(hello).Hang()))
	ctx, cancel := context.WithCancel(t.Context())
	reply, err := NewCounted(newChat(t, server.BaseURL(), nil), letters{}).Stream(ctx, dialogue.Request{}, func(dialogue.Delta) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || reply.Usage.CompletionTokens != 2 {
		t.Errorf("%+v, %v", reply.Usage, err)
	}
	<-server.Left()
}
