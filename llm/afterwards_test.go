package llm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

const writtenList = "```json\n{\"name\": \"list_datasets\", \"arguments\": {}}\n```\n"

// Of a model that writes its calls as text, and goes on with what it takes for their
// result, the call counts: the rest is neither shown nor waited for.
func TestWhatIsMadeUpBehindAWrittenCall(t *testing.T) {
	long := strings.Repeat("The data set has made up columns. ", 20)
	tools := []dialogue.Tool{{Name: "list_datasets", Description: "List.", Schema: json.RawMessage(`{"type":"object"}`)}}
	for _, format := range []Format{Chat, Responses} {
		for name, tc := range map[string]struct {
			answer  fakellm.Answer
			content string
		}{
			"at length, without an end": {fakellm.Say(fakellm.Text("I look.\n" + writtenList + long + "LAST")).UpTo("LAST").Hang(), "I look.\n"},
			"at length":                 {fakellm.Say(fakellm.Text(writtenList + long)), ""},
			"another call after it":     {fakellm.Say(fakellm.Text(writtenList + long + "\n" + writtenList)), ""},
			"a remark":                  {fakellm.Say(fakellm.Text(writtenList + "Then I go on.")), "Then I go on."},
		} {
			t.Run(string(format)+", "+name, func(t *testing.T) {
				chat := newChat(t, fakellm.New(t, fakellm.Always(tc.answer)).BaseURL(), func(cfg *Config) {
					cfg.Format, cfg.IdleTimeout, cfg.MaxRetries = format, 2*time.Second, -1
				})
				var shown strings.Builder
				reply, err := chat.Stream(t.Context(), dialogue.Request{Tools: tools, Messages: []dialogue.Message{{Role: dialogue.User, Content: "q"}}},
					func(d dialogue.Delta) error { shown.WriteString(d.Text); return nil })
				if err != nil {
					t.Fatal(err)
				}
				if calls := reply.Message.ToolCalls; reply.Finish != dialogue.FinishToolCalls || len(calls) != 1 || calls[0].Name != "list_datasets" {
					t.Errorf("finish %s, calls %+v", reply.Finish, calls)
				}
				if reply.Message.Content != tc.content || shown.String() != tc.content {
					t.Errorf("said %q, shown %q", reply.Message.Content, shown.String())
				}
			})
		}
	}
}
