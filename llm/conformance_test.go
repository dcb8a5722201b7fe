package llm

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/llm/offline"
)

// adapters are those that the suite below holds to one behaviour.
var adapters = map[string]func(*Config){
	"chat":      nil,
	"responses": speakResponses,
}

const aCall, another = `{"code":"print(1)"}`, `{"code":"print(2)"}`

// TestConformance is what every adapter does, whatever the wire format: the same
// answer of a model, put into its format, is the same to the agent.
func TestConformance(t *testing.T) {
	hello := fakellm.Say(fakellm.Text("Hello, dear world"))
	call := fakellm.Call("call_1", "run_python", aCall)
	calls := []dialogue.ToolCall{{ID: "call_1", Name: "run_python", Arguments: aCall}}
	for name, tc := range map[string]struct {
		answer fakellm.Answer
		want   outcome
	}{
		"text":                {hello, outcome{Text: "Hello, dear world", Finish: "stop"}},
		"a pause at the end":  {hello.Then(": bye\n\n"), outcome{Text: "Hello, dear world", Finish: "stop"}},
		"keep-alives":         {fakellm.Raw(strings.Repeat(": hi\n\n", 400)).Followed(hello), outcome{Text: "Hello, dear world", Finish: "stop"}},
		"reasoning":           {fakellm.Say(fakellm.Reasoning("Hm."), fakellm.Text("42")), outcome{Reasoning: "Hm.", Text: "42", Finish: "stop"}},
		"a call alone":        {fakellm.Say(call), outcome{Calls: calls, Finish: "tool_calls"}},
		"reasoning and call":  {fakellm.Say(fakellm.Reasoning("Hm."), fakellm.Text("Look."), call), outcome{Reasoning: "Hm.", Text: "Look.", Calls: calls, Finish: "tool_calls"}},
		"calls in parallel":   {fakellm.Say(call, fakellm.Call("call_2", "run_python", another)), outcome{Calls: append(calls[:1:1], dialogue.ToolCall{ID: "call_2", Name: "run_python", Arguments: another}), Finish: "tool_calls"}},
		"no arguments":        {fakellm.Say(fakellm.Call("call_1", "list_datasets", "")), outcome{Calls: []dialogue.ToolCall{{ID: "call_1", Name: "list_datasets", Arguments: "{}"}}, Finish: "tool_calls", Glued: true}},
		"arguments of no use": {fakellm.Say(fakellm.Call("call_1", "run_python", "print(1)")), outcome{Calls: []dialogue.ToolCall{{ID: "call_1", Name: "run_python", Arguments: "print(1)"}}, Finish: "tool_calls"}},
		"a call as text":      {fakellm.Say(fakellm.Text("```json\n{\"name\": \"run_python\", \"arguments\": " + aCall + "}\n```\n")), outcome{Calls: []dialogue.ToolCall{{ID: "made-1", Name: "run_python", Arguments: aCall}}, Finish: "tool_calls"}},
		"usage":               {fakellm.Say(fakellm.Text("42"), fakellm.Tokens(7, 5, 3)), outcome{Text: "42", Finish: "stop", Usage: counted(7, 5, 3)}},
		"length":              {fakellm.Say(fakellm.Text("Hello, "), fakellm.Finish("length")), outcome{Text: "Hello, ", Finish: "length"}},
		"length in a call":    {fakellm.Say(fakellm.Call("call_1", "run_python", `{"code": "pri`), fakellm.Finish("length")), outcome{Finish: "length", Glued: true}},
		"refusal":             {fakellm.Say(fakellm.Refusal("I can't help.")), outcome{Error: dialogue.CodeRefused, Says: "declined"}},
		"content filter":      {fakellm.Say(fakellm.Text("He"), fakellm.Finish("content_filter")), outcome{Text: "He", Error: dialogue.CodeRefused, Visible: true, Says: "content filter"}},
		"nothing said":        {fakellm.Say(), outcome{Error: dialogue.CodeBadReply, Says: "empty"}},
		"reasoning only":      {fakellm.Say(fakellm.Reasoning("Hm.")), outcome{Reasoning: "Hm.", Error: dialogue.CodeBadReply, Visible: true, Says: "empty"}},
		"gone before text":    {hello.UpTo("").Abort(), outcome{Error: dialogue.CodeBadReply, Usage: counted(0, 0, 0)}},
		"gone after text":     {hello.UpTo("Hello, ").Abort(), outcome{Text: "Hello, ", Error: dialogue.CodeBadReply, Visible: true}},
		"half a stream":       {hello.UpTo("Hello, "), outcome{Text: "Hello, ", Error: dialogue.CodeBadReply, Visible: true}},
		"an error at first":   {fakellm.Raw("data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}}\n\n"), outcome{Error: dialogue.CodeUnavailable}},
		"an error after text": {hello.UpTo("Hello, ").Then("data: {\"error\":{\"message\":\"Boom\",\"code\":500}}\n\n"), outcome{Text: "Hello, ", Error: dialogue.CodeUnavailable, Visible: true}},
		"an error of words":   {fakellm.Raw("event: error\ndata: no luck\n\n"), outcome{Error: dialogue.CodeBadReply}},
		"a web page":          {fakellm.Raw("<html>").With("Content-Type", "text/html"), outcome{Error: dialogue.CodeBadReply, Says: "web page"}},
		"nonsense":            {fakellm.Raw("data: {nonsense\n\n"), outcome{Error: dialogue.CodeBadReply, Says: "not JSON"}},
		"no byte":             {fakellm.Raw(""), outcome{Error: dialogue.CodeBadReply}},
		"no connection":       {fakellm.Dropped(), outcome{Error: dialogue.CodeUnavailable}},
		"429":                 {fakellm.Fail(429, `{"error":{"message":"slow down"}}`).With("Retry-After", "7"), outcome{Error: dialogue.CodeRateLimited, RetryAfter: 7}},
		"429, no credit":      {fakellm.Fail(429, `{"error":{"code":"insufficient_quota"}}`), outcome{Error: dialogue.CodeRateLimited, Says: "credit"}},
		"401":                 {fakellm.Fail(401, `{"error":{"message":"wrong key"}}`), outcome{Error: dialogue.CodeAuth, Says: "MARK_LLM_API_KEY"}},
		"403":                 {fakellm.Fail(403, `{}`), outcome{Error: dialogue.CodeAuth}},
		"402":                 {fakellm.Fail(402, `{}`), outcome{Error: dialogue.CodeRateLimited, Says: "credit"}},
		"404":                 {fakellm.Fail(404, `{"error":"model not found"}`), outcome{Error: dialogue.CodeNotFound, Says: "MARK_LLM_MODEL"}},
		"400":                 {fakellm.Fail(400, `{"error":{"message":"odd"}}`), outcome{Error: dialogue.CodeBadRequest}},
		"400, too long":       {fakellm.Fail(400, `{"error":{"code":"context_length_exceeded"}}`), outcome{Error: dialogue.CodeTooLong}},
		"400, llama.cpp":      {fakellm.Fail(400, `{"error":{"code":400,"type":"exceed_context_size_error","message":"x"}}`), outcome{Error: dialogue.CodeTooLong}},
		"400, filter":         {fakellm.Fail(400, `{"error":{"code":"content_filter","message":"The response was filtered"}}`), outcome{Error: dialogue.CodeRefused}},
		"413":                 {fakellm.Fail(413, ``), outcome{Error: dialogue.CodeTooLong}},
		"422, a list":         {fakellm.Fail(422, `[{"error":{"message":"odd"}}]`), outcome{Error: dialogue.CodeBadRequest}},
		"500, words":          {fakellm.Fail(500, `Internal Server Error`), outcome{Error: dialogue.CodeUnavailable}},
		"502, a page":         {fakellm.Fail(502, `<html>Bad gateway`).With("Content-Type", "text/html"), outcome{Error: dialogue.CodeUnavailable}},
		"503, loading":        {fakellm.Fail(503, `{"error":{"code":503,"message":"Loading model"}}`), outcome{Error: dialogue.CodeUnavailable}},
		"307":                 {fakellm.Fail(307, ``).With("Location", "http://x.invalid/"), outcome{Error: dialogue.CodeNotFound}},
	} {
		for adapter, speak := range adapters {
			t.Run(name+"/"+adapter, func(t *testing.T) {
				server := fakellm.New(t, fakellm.Always(tc.answer))
				endpoint := newChat(t, server.BaseURL(), speak)
				for _, model := range []Model{endpoint, newFenced(endpoint, ToolsUnknown)} {
					endpoint.cfg.NewCallID = func() string { return "made-1" }
					got := observe(t, model, transcript{}.request(), tc.want.Glued)
					if tc.want.Usage == (outcome{}).Usage { // else it is about the usage
						got.Usage = tc.want.Usage
					}
					compare(t, tc.want, got)
				}
			})
		}
	}
}

func counted(prompt, cached, completion int) (u struct {
	Prompt     int `json:"prompt,omitempty"`
	Cached     int `json:"cached,omitempty"`
	Completion int `json:"completion,omitempty"`
	Reasoning  int `json:"reasoning,omitempty"`
}) {
	u.Prompt, u.Cached, u.Completion = prompt, cached, completion
	return u
}

// TestConformanceOverTime is the suite's part that is about waiting, being
// stopped and asking again.
func TestConformanceOverTime(t *testing.T) {
	hello := fakellm.Say(fakellm.Text("Hello, dear world"))
	busy := fakellm.Fail(http.StatusTooManyRequests, `{}`)
	for adapter, speak := range adapters {
		with := func(t *testing.T, client *fakellm.Client) *Endpoint {
			return newChat(t, "http://x.invalid/v1", func(cfg *Config) {
				if speak != nil {
					speak(cfg)
				}
				cfg.HTTPClient, cfg.MaxRetries = client, 3
			})
		}
		t.Run("retry/"+adapter, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fakellm.NewClient(fakellm.Sequence(busy.With("Retry-After", "7"), fakellm.Dropped(), hello.UpTo("").Abort(), hello))
				began := time.Now()
				reply, err := with(t, client).Stream(t.Context(), dialogue.Request{}, discard)
				if err != nil || reply.Message.Content != "Hello, dear world" || len(client.Requests()) != 4 || time.Since(began) < 7*time.Second {
					t.Errorf("%+v, %v after %v and %d requests", reply, err, time.Since(began), len(client.Requests()))
				}
			})
		})
		t.Run("no retry of what was seen/"+adapter, func(t *testing.T) {
			client := fakellm.NewClient(fakellm.Sequence(hello.UpTo("Hello, ").Abort(), hello))
			_, err := with(t, client).Stream(t.Context(), dialogue.Request{}, discard)
			if codeOf(err) != dialogue.CodeBadReply || len(client.Requests()) != 1 {
				t.Errorf("%v after %d requests", err, len(client.Requests()))
			}
		})
		t.Run("cancel/"+adapter, func(t *testing.T) {
			client := fakellm.NewClient(fakellm.Always(hello.UpTo("Hello, ").Hang()))
			why := errors.New("the person pressed stop")
			ctx, cancel := context.WithCancelCause(t.Context())
			reply, err := with(t, client).Stream(ctx, dialogue.Request{}, func(dialogue.Delta) error {
				cancel(why)
				return nil
			})
			<-client.Left()
			if !errors.Is(err, why) || reply.Message.Content != "Hello, " || len(client.Requests()) != 1 {
				t.Errorf("%+v, %v after %d requests", reply, err, len(client.Requests()))
			}
		})
		t.Run("cancel before anything/"+adapter, func(t *testing.T) {
			arrived := make(chan struct{})
			client := fakellm.NewClient(func(fakellm.Request) fakellm.Answer {
				close(arrived)
				return fakellm.Silent()
			})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-arrived
				cancel()
			}()
			if _, err := with(t, client).Stream(ctx, dialogue.Request{}, discard); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			<-client.Left()
		})
		t.Run("silence/"+adapter, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fakellm.NewClient(fakellm.Always(hello.UpTo("Hello, ").Hang()))
				_, err := with(t, client).Stream(t.Context(), dialogue.Request{}, discard)
				if codeOf(err) != dialogue.CodeUnavailable || !strings.Contains(err.Error(), "silent") {
					t.Error(err)
				}
			})
		})
	}
}

// TestOfflineConforms: the offline analyst is a model like others, as far as it
// can be asked to be: it neither thinks nor refuses nor fails.
func TestOfflineConforms(t *testing.T) {
	endpoint := newChat(t, "http://offline.invalid/v1", func(cfg *Config) {
		cfg.HTTPClient = &http.Client{Transport: offline.New()}
	})
	ask := func(text string) dialogue.Request {
		return dialogue.Request{
			Messages: []dialogue.Message{{Role: dialogue.User, Content: text}},
			Tools:    []dialogue.Tool{{Name: "list_datasets"}, {Name: "describe_dataset"}, {Name: "run_python"}, {Name: "final_answer"}},
		}
	}
	if got := observe(t, endpoint, ask("help"), false); got.Finish != dialogue.FinishStop && got.Finish != dialogue.FinishToolCalls || got.Usage.Completion == 0 {
		t.Errorf("%+v", got)
	}
	got := observe(t, endpoint, ask("What is the mean of price by city?"), false)
	if got.Finish != dialogue.FinishToolCalls || len(got.Calls) == 0 {
		t.Errorf("%+v", got)
	}
	why := errors.New("the person pressed stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := endpoint.Stream(ctx, ask("help"), func(dialogue.Delta) error {
		cancel(why)
		return why
	})
	if !errors.Is(err, why) {
		t.Error(err)
	}
}
