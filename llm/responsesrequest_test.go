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

func speakResponses(cfg *Config) { cfg.Format = Responses }

func TestResponsesRequestOnTheWire(t *testing.T) {
	tools := []dialogue.Tool{{Name: "f", Description: "F", Schema: json.RawMessage(`{"type":"object","properties":{"b":{},"a":{}}}`)}, {Name: "g"}}
	const wireTools = `"tools":[{"description":"F","name":"f","parameters":{"type":"object","properties":{"b":{},"a":{}}},"type":"function"},` +
		`{"name":"g","parameters":{"type":"object","properties":{}},"type":"function"}]`
	const include, thoughts = `"include":["reasoning.encrypted_content"],`, `"reasoning":{"summary":"auto"},`
	head := func(middle string) string {
		return `{` + include + `"input":[],` + middle + `"model":"m",` + thoughts + `"store":false,"stream":true`
	}
	for _, tc := range []struct {
		name string
		req  dialogue.Request
		q    quirks
		want string
	}{
		{"bare", dialogue.Request{}, quirks{}, head("") + `}`},
		{"limits and person", dialogue.Request{MaxTokens: 99, User: "u"}, quirks{}, head(`"max_output_tokens":99,`) + `,"user":"u"}`},
		{"a limit below the least", dialogue.Request{MaxTokens: 9}, quirks{}, head(`"max_output_tokens":16,`) + `}`},
		{"tools, auto", dialogue.Request{Tools: tools, Choice: dialogue.ChoiceAuto}, quirks{}, head("") + `,` + wireTools + `}`},
		{"tools, required", dialogue.Request{Tools: tools, Choice: dialogue.ChoiceRequired}, quirks{}, head("") + `,"tool_choice":"required",` + wireTools + `}`},
		{"tools, none", dialogue.Request{Tools: tools, Choice: dialogue.ChoiceNone}, quirks{}, head("") + `,"tool_choice":"none",` + wireTools + `}`},
		{"tools, named", dialogue.Request{Tools: tools, Choice: "g"}, quirks{}, head("") + `,"tool_choice":{"type":"function","name":"g"},` + wireTools + `}`},
		{"choice without tools", dialogue.Request{Choice: dialogue.ChoiceNone}, quirks{}, head("") + `}`},
		{"quirks", dialogue.Request{Tools: tools, Choice: "g", User: "u"},
			quirks{noInclude: true, noReasoning: true, noStore: true, noUser: true, choice: 1},
			`{"input":[],"model":"m","stream":true,"tool_choice":"required",` + wireTools + `}`},
		{"a system message", dialogue.Request{Messages: []dialogue.Message{{Role: dialogue.System, Content: "S"}, {Role: dialogue.User, Content: "U"}, {Role: dialogue.System, Content: "T"}}}, quirks{},
			`{` + include + `"input":[{"type":"message","role":"user","content":"U"},{"type":"message","role":"system","content":"T"}],"instructions":"S","model":"m",` + thoughts + `"store":false,"stream":true}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.req.Model = "m"
			got, err := json.Marshal(wireResponses(tc.req, tc.q, "").CreateResponseRequest)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResponsesInput(t *testing.T) {
	call := dialogue.ToolCall{ID: "a", Name: "f", Arguments: `{"x":1}`}
	result := dialogue.Message{Role: dialogue.ToolRole, ToolCallID: "a", Content: "1"}
	native := dialogue.Native{Of: "mine", Items: []json.RawMessage{
		json.RawMessage(`{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"X","unheard_of":1}`),
		json.RawMessage(`{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{\"x\":1}"}`),
	}}
	const (
		own     = `{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"X","unheard_of":1},{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{\"x\":1}"}`
		plain   = `{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":1}"}`
		answers = `,{"type":"function_call_output","call_id":"a","output":"1"}`
	)
	says := func(change func(m *dialogue.Message)) []dialogue.Message {
		m := dialogue.Message{Role: dialogue.Assistant, Reasoning: "never sent", ToolCalls: []dialogue.ToolCall{call}, Native: native}
		if change != nil {
			change(&m)
		}
		return []dialogue.Message{m, result}
	}
	for _, tc := range []struct {
		name   string
		in     []dialogue.Message
		want   string
		native bool
	}{
		{"its own items", says(nil), own + answers, true},
		{"items of another endpoint", says(func(m *dialogue.Message) { m.Native.Of = "theirs" }), plain + answers, false},
		{"no items", says(func(m *dialogue.Message) { m.Native = dialogue.Native{} }), plain + answers, false},
		{"an edited call", says(func(m *dialogue.Message) {
			m.ToolCalls = []dialogue.ToolCall{{ID: "a", Name: "f", Arguments: `{"x":2}`}}
		}),
			`{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":2}"}` + answers, false},
		{"a call under another id", says(func(m *dialogue.Message) {
			m.ToolCalls = []dialogue.ToolCall{{ID: "b", Name: "f", Arguments: `{"x":1}`}}
		}),
			`{"type":"function_call","call_id":"b","name":"f","arguments":"{\"x\":1}"},{"type":"function_call_output","call_id":"b","output":"(This call was not carried out.)"}`, false},
		{"a call too many", says(func(m *dialogue.Message) { m.ToolCalls = nil }), `{"type":"message","role":"assistant","content":"(no answer)"}`, false},
		{"a text that the items lack", says(func(m *dialogue.Message) { m.Content = "Look." }),
			`{"type":"message","role":"assistant","content":"Look."},` + plain + answers, false},
		{"truncated arguments", says(func(m *dialogue.Message) {
			m.ToolCalls = []dialogue.ToolCall{{ID: "a", Name: "f", Arguments: `{"code": "pri`}}
			m.Native.Items = []json.RawMessage{json.RawMessage(`{"type":"function_call","call_id":"a","name":"f","arguments":"{\"code\": \"pri"}`)}
		}), `{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"(The arguments of this call were not a JSON object and are left out here.)\n1"}`, false},
		{"a result without a call", []dialogue.Message{result, {Role: dialogue.User}}, `{"type":"message","role":"user","content":"(nothing)"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			items, native := wireInput(tc.in, "mine")
			got, err := json.Marshal(items)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("["+tc.want+"]", string(got)); diff != "" || native != tc.native {
				t.Errorf("native %v\n%s", native, diff)
			}
		})
	}
}

// thinks is a reply with encrypted reasoning and a call.
func thinks() fakellm.Answer {
	return fakellm.Raw(`data: {"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"SEALED"}}

data: {"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"g","arguments":"{}"}}

data: {"type":"response.completed","response":{"status":"completed","output":[]}}

`)
}

// TestNativeItemsGoBack: what the endpoint wrote goes back to it as it came, to
// nobody else, and not to an endpoint that turned out not to take it.
func TestNativeItemsGoBack(t *testing.T) {
	server := fakellm.New(t, fakellm.Sequence(thinks(), fakellm.Say(fakellm.Text("42"))))
	endpoint := newChat(t, server.BaseURL(), speakResponses)
	tools := []dialogue.Tool{{Name: "g"}}
	reply, err := endpoint.Stream(t.Context(), dialogue.Request{Tools: tools}, discard)
	if err != nil || len(reply.Message.Native.Items) != 2 {
		t.Fatalf("%+v, %v", reply, err)
	}
	stored, err := json.Marshal(reply)
	if err != nil {
		t.Fatal(err)
	}
	var restored dialogue.Reply // as an agent that goes on after a restart has it
	if err := json.Unmarshal(stored, &restored); err != nil {
		t.Fatal(err)
	}
	next := dialogue.Request{Tools: tools, Messages: []dialogue.Message{restored.Message, {Role: dialogue.ToolRole, ToolCallID: "call_1", Content: "1"}}}
	sealed := func(e *Endpoint, model string, s *fakellm.Server) bool {
		t.Helper()
		next.Model = model
		if _, err := e.Stream(t.Context(), next, discard); err != nil {
			t.Fatal(err)
		}
		all := s.Requests()
		return strings.Contains(string(all[len(all)-1].Body), "SEALED")
	}
	if !sealed(endpoint, "", server) {
		t.Error("the items did not go back")
	}
	if sealed(endpoint, "another", server) {
		t.Error("the items went to another model")
	}
	if sealed(newChat(t, server.BaseURL(), nil), "", server) {
		t.Error("the items went out over Chat Completions")
	}
	strict := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
		if strings.Contains(string(r.Body), "SEALED") {
			return fakellm.Fail(http.StatusBadRequest, `{"error":{"code":"invalid_encrypted_content","message":"The encrypted content could not be verified."}}`)
		}
		return fakellm.Say(fakellm.Text("42"))
	})
	refusing := newChat(t, strict.BaseURL(), speakResponses)
	next.Messages[0].Native.Of = nativeOf(refusing, "m-default")
	if sealed(refusing, "", strict) || len(strict.Requests()) != 2 {
		t.Errorf("%d requests", len(strict.Requests()))
	}
}

// TestTooLongTeachesNothing: what is too long is no fault of a part of the
// request, whatever words the server has for it.
func TestTooLongTeachesNothing(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(400, `{"error":{"code":"context_length_exceeded","param":"input","message":"The 'input' items exceed the context window."}}`)))
	endpoint := newChat(t, server.BaseURL(), speakResponses)
	message := dialogue.Message{Role: dialogue.Assistant, Native: dialogue.Native{
		Of: nativeOf(endpoint, "m-default"), Items: []json.RawMessage{json.RawMessage(`{"type":"reasoning","encrypted_content":"X"}`)},
	}}
	_, err := endpoint.Stream(t.Context(), dialogue.Request{Messages: []dialogue.Message{message}}, discard)
	if codeOf(err) != dialogue.CodeTooLong || len(server.Requests()) != 1 || endpoint.quirks.get("m-default") != (quirks{}) {
		t.Errorf("%v after %d requests, %+v", err, len(server.Requests()), endpoint.quirks.get("m-default"))
	}
}

// TestResponsesLearnsWhatIsRefused: as with Chat Completions.
func TestResponsesLearnsWhatIsRefused(t *testing.T) {
	refusals := map[string]string{
		`"include"`:     `{"error":{"message":"Encrypted content is not supported with this model.","param":"include"}}`,
		`"reasoning":`:  `{"error":{"message":"Unsupported parameter: 'reasoning.summary' is not supported with this model.","param":"reasoning.summary"}}`,
		`"store"`:       `{"detail":"Extra inputs are not permitted: 'store'"}`,
		`"user"`:        `{"detail":"Extra inputs are not permitted: 'user'"}`,
		`"tool_choice"`: `{"error":"tool_choice is not supported"}`,
	}
	server := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
		for part, body := range refusals {
			if strings.Contains(string(r.Body), part) {
				return fakellm.Fail(http.StatusBadRequest, body)
			}
		}
		return fakellm.Say(fakellm.Text("Hi"))
	})
	endpoint := newChat(t, server.BaseURL(), speakResponses)
	req := dialogue.Request{Tools: []dialogue.Tool{{Name: "g"}}, Choice: dialogue.ChoiceRequired, User: "u"}
	for i, want := range []int{6, 7} {
		if _, err := endpoint.Stream(t.Context(), req, discard); err != nil {
			t.Fatal(err)
		}
		if got := len(server.Requests()); got != want {
			t.Errorf("%d requests after call %d, want %d", got, i+1, want)
		}
	}
}

// TestResponsesSizeLimits: no stream is read for ever, whatever it is full of.
func TestResponsesSizeLimits(t *testing.T) {
	event := func(kind, rest string) string { return `data: {"type":"response.` + kind + `",` + rest + "}\n\n" }
	long := strings.Repeat("x", 600)
	for name, body := range map[string]string{
		"text":      strings.Repeat(event("output_text.delta", `"delta":"`+long+`"`), 2),
		"reasoning": strings.Repeat(event("reasoning_text.delta", `"delta":"`+long+`"`), 2),
		"a refusal": strings.Repeat(event("refusal.delta", `"delta":"`+long+`"`), 2),
		"arguments": strings.Repeat(event("function_call_arguments.delta", `"delta":"`+long+`"`), 2),
		"whole":     event("completed", `"response":{"output":[{"type":"message","content":"`+long+long+`"}]}`),
		"items":     strings.Repeat(event("output_item.added", `"item":{"type":"message"}`)+event("output_item.done", `"item":{"type":"message"}`), maxItems+1),
		"all items": event("completed", `"response":{"output":[{}`+strings.Repeat(",{}", 100_000)+`]}`),
	} {
		t.Run(name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Always(fakellm.Raw(body)))
			endpoint := newChat(t, server.BaseURL(), func(cfg *Config) {
				cfg.Format, cfg.MaxReplyBytes = Responses, 1000
				if strings.HasSuffix(name, "items") {
					cfg.MaxReplyBytes = 10_000_000
				}
			})
			if _, err := endpoint.Stream(t.Context(), dialogue.Request{}, discard); err == nil || !strings.Contains(err.Error(), "too large") {
				t.Error(err)
			}
		})
	}
}
