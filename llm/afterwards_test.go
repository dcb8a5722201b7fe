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
			"a block without an end":    {fakellm.Say(fakellm.Text(writtenList + "```\n" + strings.Repeat(long, 20) + "LAST")).UpTo("LAST").Hang(), ""},
			"another call after it":     {fakellm.Say(fakellm.Text(writtenList + long + "\n" + writtenList)), ""},
			"a remark":                  {fakellm.Say(fakellm.Text(writtenList + "Then I go on.")), "Then I go on."},
		} {
			t.Run(string(format)+", "+name, func(t *testing.T) {
				chat := newChat(t, fakellm.New(t, fakellm.Always(tc.answer)).BaseURL(), func(cfg *Config) {
					cfg.Format, cfg.IdleTimeout, cfg.MaxRetries = format, 20*time.Second, -1
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

// A reply that has come to nothing but line breaks has ended, in either format.
func TestWhiteSpaceWithoutAnEndEndsAReply(t *testing.T) {
	for _, format := range []Format{Chat, Responses} {
		for name, tc := range map[string]struct{ said, want string }{
			"behind text":  {"It is so.", "It is so."},
			"behind a gap": {"It is" + strings.Repeat("\n", maxBlank-1) + "so.", "It is" + strings.Repeat("\n", maxBlank-1) + "so."},
		} {
			t.Run(string(format)+", "+name, func(t *testing.T) {
				answer := fakellm.Say(fakellm.Text(tc.said + strings.Repeat("\n ", maxBlank) + "LAST")).UpTo("LAST").Hang()
				chat := newChat(t, fakellm.New(t, fakellm.Always(answer)).BaseURL(), func(cfg *Config) {
					cfg.Format, cfg.IdleTimeout, cfg.MaxRetries = format, 20*time.Second, -1
				})
				reply, err := chat.Stream(t.Context(), dialogue.Request{Messages: []dialogue.Message{{Role: dialogue.User, Content: "q"}}}, discard)
				if err != nil || strings.TrimSpace(reply.Message.Content) != tc.want || reply.Finish != dialogue.FinishStop {
					t.Errorf("%v, said %q, finish %s", err, reply.Message.Content, reply.Finish)
				}
			})
		}
	}
}

// Where a call is asked for, a block of Python is the program: models that know no
// other way write it so. Elsewhere it is text.
func TestABlockOfPythonIsACallWhereOneHasToBeMade(t *testing.T) {
	const block = "```python\nprint(1)\n```\n"
	tools := []dialogue.Tool{{Name: programTool, Description: "Run.", Schema: json.RawMessage(`{"type":"object"}`)}}
	for choice, calls := range map[dialogue.Choice]int{dialogue.ChoiceRequired: 1, dialogue.ChoiceAuto: 0} {
		answer := fakellm.Say(fakellm.Text(block + "```\n1\n```\nAND SO ON"))
		if calls == 1 { // nothing behind it is waited for
			answer = answer.UpTo("AND").Hang()
		}
		server := fakellm.New(t, fakellm.Always(answer))
		reply, err := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.IdleTimeout = 20 * time.Second }).Stream(t.Context(),
			dialogue.Request{Tools: tools, Choice: choice, Messages: []dialogue.Message{{Role: dialogue.User, Content: "q"}}}, discard)
		if err != nil || len(reply.Message.ToolCalls) != calls {
			t.Fatalf("%s: %v, calls %+v", choice, err, reply.Message.ToolCalls)
		}
		if calls == 1 && reply.Message.ToolCalls[0].Arguments != `{"code":"print(1)"}` {
			t.Errorf("it calls %+v", reply.Message.ToolCalls)
		}
	}
}
