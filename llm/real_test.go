package llm

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// TestRealEndpoint asks the endpoint of MARK_TEST_LLM_BASE_URL in both formats,
// with tools and through fenced blocks, with MARK_TEST_LLM_MODEL and MARK_TEST_LLM_API_KEY where it wants them. What a
// model says cannot be expected; that a conversation with a tool comes to its
// end without an error can.
func TestRealEndpoint(t *testing.T) {
	base := os.Getenv("MARK_TEST_LLM_BASE_URL")
	if base == "" {
		t.Skip("MARK_TEST_LLM_BASE_URL names no endpoint")
	}
	for _, format := range []Format{Chat, Responses} {
		t.Run(string(format), func(t *testing.T) { converse(t, base, format, ToolsKnown) })
		t.Run(string(format)+" fenced", func(t *testing.T) { converse(t, base, format, ToolsNone) })
	}
}

func converse(t *testing.T, base string, format Format, does Tools) {
	endpoint := newChat(t, base, func(cfg *Config) {
		cfg.Format = format
		cfg.APIKey, cfg.Model = os.Getenv("MARK_TEST_LLM_API_KEY"), orElse(os.Getenv("MARK_TEST_LLM_MODEL"), "default")
		cfg.MaxRetries = 1
	})
	model := newFenced(endpoint, does)
	tools := []dialogue.Tool{
		{Name: "list_datasets", Description: "List the attached datasets.", Schema: json.RawMessage(`{"type":"object","properties":{}}`)},
		{Name: "run_python", Description: "Run Python and return what it prints.",
			Schema: json.RawMessage(`{"type":"object","properties":{"code":{"type":"string"}},"required":["code"]}`)},
	}
	messages := []dialogue.Message{
		{Role: dialogue.System, Content: "You are a data analyst. Use the tools."},
		{Role: dialogue.User, Content: "Compute the sum of 1..10 with Python, then tell me the result."},
	}
	for turn := range 4 {
		began, first, deltas := time.Now(), time.Duration(0), 0
		reply, err := model.Stream(t.Context(), dialogue.Request{Messages: messages, Tools: tools, MaxTokens: 200}, func(dialogue.Delta) error {
			if deltas++; deltas == 1 {
				first = time.Since(began)
			}
			return nil
		})
		if codeOf(err) == dialogue.CodeBadReply && strings.Contains(err.Error(), errEmpty.Error()) {
			t.Logf("turn %d: the model said nothing, in %d tokens", turn, reply.Usage.CompletionTokens) // a weak one does
			return
		}
		if err != nil {
			t.Fatalf("turn %d: %v", turn, err)
		}
		t.Logf("turn %d: %v to the first of %d deltas, %v in all, %s, %+v\n%q %+v", turn,
			first.Round(time.Millisecond), deltas, time.Since(began).Round(time.Millisecond), reply.Finish, reply.Usage, reply.Message.Content, reply.Message.ToolCalls)
		if strings.Contains(reply.Message.Content, `"arguments"`) {
			t.Errorf("turn %d: a call stayed text: %q", turn, reply.Message.Content)
		}
		messages = append(messages, reply.Message)
		if len(reply.Message.ToolCalls) == 0 {
			return
		}
		for _, call := range reply.Message.ToolCalls {
			messages = append(messages, dialogue.Message{Role: dialogue.ToolRole, ToolCallID: call.ID, Content: "55"})
		}
	}
}
