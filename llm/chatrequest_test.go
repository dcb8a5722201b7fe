package llm

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

func TestMessagesOnTheWire(t *testing.T) {
	call := func(id, name, arguments string) dialogue.ToolCall {
		return dialogue.ToolCall{ID: id, Name: name, Arguments: arguments}
	}
	says := func(content string, calls ...dialogue.ToolCall) dialogue.Message {
		return dialogue.Message{Role: dialogue.Assistant, Content: content, Reasoning: "never sent", ToolCalls: calls}
	}
	result := func(id, content string) dialogue.Message {
		return dialogue.Message{Role: dialogue.ToolRole, ToolCallID: id, Content: content}
	}
	const fine = `{"role":"tool","content":"1","tool_call_id":"a"}`
	for _, tc := range []struct {
		name string
		in   []dialogue.Message
		want string
	}{
		{"plain", []dialogue.Message{{Role: dialogue.System, Content: "S"}, {Role: dialogue.User, Content: "U"}, says("A")},
			`{"role":"system","content":"S"},{"role":"user","content":"U"},{"role":"assistant","content":"A"}`},
		{"empty contents", []dialogue.Message{{Role: dialogue.System}, {Role: dialogue.User}, says("")},
			`{"role":"user","content":"(nothing)"},{"role":"assistant","content":"(no answer)"}`},
		{"a call and an empty result", []dialogue.Message{says("", call("a", "f", `{"x":1}`)), result("a", "")},
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","content":"(no output)","tool_call_id":"a"}`},
		{"empty arguments", []dialogue.Message{says("", call("a", "f", " ")), result("a", "1")},
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},` + fine},
		{"truncated arguments", []dialogue.Message{says("", call("a", "f", `{"code": "pri`)), result("a", "1")},
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"(The arguments of this call were not a JSON object and are left out here.)\n1","tool_call_id":"a"}`},
		{"arguments that are a list", []dialogue.Message{says("", call("a", "f", `[1]`)), result("a", "1")},
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"(The arguments of this call were not a JSON object and are left out here.)\n1","tool_call_id":"a"}`},
		{"a call without a result", []dialogue.Message{says("", call("a", "f", `{}`), call("b", "f", `{}`)), result("a", "1"), {Role: dialogue.User, Content: "U"}},
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
				fine + `,{"role":"tool","content":"(This call was not carried out.)","tool_call_id":"b"},{"role":"user","content":"U"}`},
		{"results without a call", []dialogue.Message{result("z", "1"), {Role: dialogue.User, Content: "U"}, result("y", "1")},
			`{"role":"user","content":"U"}`},
		{"names that no server takes", []dialogue.Message{says("", call("a", "run python!", `{}`)), result("a", "1"), says("", call("a", "", `{}`)), result("a", "1")},
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"run_python_","arguments":"{}"}}]},` + fine +
				`,{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"unknown","arguments":"{}"}}]},` + fine},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := json.Marshal(wireMessages(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("["+tc.want+"]", string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequestOnTheWire(t *testing.T) {
	tools := []dialogue.Tool{
		{Name: "f", Description: "F", Schema: json.RawMessage(`{"type":"object","properties":{"b":{},"a":{}}}`)},
		{Name: "g"},
	}
	const wireTools = `"tools":[{"function":{"name":"f","description":"F","parameters":{"type":"object","properties":{"b":{},"a":{}}}},"type":"function"},` +
		`{"function":{"name":"g","parameters":{"type":"object","properties":{}}},"type":"function"}]`
	const head, usage = `{"model":"m","messages":null,`, `,"stream_options":{"include_usage":true}`
	for _, tc := range []struct {
		name string
		req  dialogue.Request
		q    quirks
		want string
	}{
		{"bare", dialogue.Request{}, quirks{}, head + `"stream":true` + usage + `}`},
		{"limits and person", dialogue.Request{MaxTokens: 9, User: "u"}, quirks{}, head + `"max_tokens":9,"stream":true,"user":"u"` + usage + `}`},
		{"tools, auto", dialogue.Request{Tools: tools, Choice: dialogue.ChoiceAuto}, quirks{}, head + `"stream":true,` + wireTools + usage + `}`},
		{"tools, required", dialogue.Request{Tools: tools, Choice: dialogue.ChoiceRequired}, quirks{}, head + `"stream":true,` + wireTools + `,"tool_choice":"required"` + usage + `}`},
		{"tools, named", dialogue.Request{Tools: tools, Choice: "g"}, quirks{}, head + `"stream":true,` + wireTools + `,"tool_choice":{"type":"function","function":{"name":"g"}}` + usage + `}`},
		{"choice without tools", dialogue.Request{Choice: dialogue.ChoiceNone}, quirks{}, head + `"stream":true` + usage + `}`},
		{"quirks", dialogue.Request{Tools: tools, Choice: "g", MaxTokens: 9, User: "u"},
			quirks{noUsage: true, newLimit: true, noThinking: true, noUser: true, choice: 1},
			head + `"max_completion_tokens":9,"stream":true,` + wireTools + `,"tool_choice":"required","reasoning_effort":"none"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.req.Model = "m"
			got, err := json.Marshal(wireRequest(tc.req, tc.q))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLearnsWhatIsRefused: a part of the request that the server does not take
// is left out, at once and from then on.
func TestLearnsWhatIsRefused(t *testing.T) {
	refusals := map[string]string{
		`"stream_options"`: `{"error":{"message":"Unrecognized request argument: stream_options"}}`,
		`"max_tokens"`:     `{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.","param":"max_tokens"}}`,
		`"user"`:           `{"detail":"Extra inputs are not permitted: 'user'"}`,
		`"tool_choice"`:    `{"error":"tool_choice is not supported"}`,
	}
	server := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
		for part, body := range refusals {
			if strings.Contains(string(r.Body), part) {
				return fakellm.Fail(http.StatusBadRequest, body)
			}
		}
		if !strings.Contains(string(r.Body), `"reasoning_effort":"none"`) {
			return fakellm.Fail(http.StatusBadRequest, `{"error":{"message":"Function tools with reasoning_effort are not supported"}}`)
		}
		return fakellm.Say(fakellm.Text("Hi"))
	})
	chat := newChat(t, server.BaseURL(), nil)
	req := dialogue.Request{Tools: []dialogue.Tool{{Name: "g"}}, Choice: dialogue.ChoiceRequired, MaxTokens: 9, User: "u"}
	for i, want := range []int{6, 7} {
		if _, err := chat.Stream(t.Context(), req, discard); err != nil {
			t.Fatal(err)
		}
		if got := len(server.Requests()); got != want {
			t.Errorf("%d requests after call %d, want %d", got, i+1, want)
		}
	}
	// Another model of the same endpoint is another matter.
	req.Model = "other"
	if _, err := chat.Stream(t.Context(), req, discard); err != nil {
		t.Fatal(err)
	}
	if got := len(server.Requests()); got != 13 {
		t.Errorf("%d requests in the end, want 13", got)
	}
}

// TestLearningEnds: a server that complains about what is not sent is not asked
// for ever.
func TestLearningEnds(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(400, `{"error":"stream_options, max_completion_tokens, tool_choice"}`)))
	chat := newChat(t, server.BaseURL(), nil)
	_, err := chat.Stream(t.Context(), dialogue.Request{Tools: []dialogue.Tool{{Name: "g"}}, Choice: "g", MaxTokens: 9}, discard)
	if n := len(server.Requests()); codeOf(err) != dialogue.CodeBadRequest || n != 5 {
		t.Errorf("%v after %d requests", err, n)
	}
}

// TestReasoningModels: what go-openai itself would refuse to send is put so
// that it does not, or explained.
func TestReasoningModels(t *testing.T) {
	for model, want := range map[string]string{
		"gpt-5-mini": `"max_completion_tokens":9`,
		"o3":         `"max_completion_tokens":9`,
		"gpt-6-sol":  `"reasoning_effort":"none"`,
		"qwen3":      `"max_tokens":9`,
	} {
		server := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Hi"))))
		chat := newChat(t, server.BaseURL(), nil)
		req := dialogue.Request{Model: model, MaxTokens: 9, Tools: []dialogue.Tool{{Name: "g"}}}
		if _, err := chat.Stream(t.Context(), req, discard); err != nil {
			t.Errorf("%s: %v", model, err)
		} else if body := string(server.Requests()[0].Body); !strings.Contains(body, want) {
			t.Errorf("%s: %s lacks %s", model, body, want)
		}
	}
}

func TestBadToolSchema(t *testing.T) {
	chat := newChat(t, "http://x.invalid/v1", func(cfg *Config) { cfg.MaxRetries = 3 })
	req := dialogue.Request{Tools: []dialogue.Tool{{Name: "g", Schema: json.RawMessage(`{`)}}}
	if _, err := chat.Stream(t.Context(), req, discard); codeOf(err) != dialogue.CodeBadRequest {
		t.Error(err)
	}
}
