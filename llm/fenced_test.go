package llm

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

func newFenced(inner Model, tools Tools) Model {
	made := 0
	return NewFenced(inner, tools, func() string { made++; return fmt.Sprint("made-", made) }, slog.New(slog.DiscardHandler))
}

var fencedTools = []dialogue.Tool{
	{Name: "list_datasets", Description: "List them."},
	{Name: "run_python", Description: "Run Python.", Schema: json.RawMessage(`{"type": "object", "properties": {"code": {"type": "string"}}}`)},
	{Name: "final_answer", Description: "Answer."},
}

// TestFencedReplies: what a model writes that takes no tools, however its text is
// cut into deltas.
func TestFencedReplies(t *testing.T) {
	program := func(code string) []dialogue.ToolCall {
		arguments, err := json.Marshal(map[string]string{"code": code})
		if err != nil {
			t.Fatal(err)
		}
		return []dialogue.ToolCall{{ID: "made-1", Name: "run_python", Arguments: string(arguments)}}
	}
	for name, tc := range map[string]struct {
		says   string
		choice dialogue.Choice
		finish string
		text   string
		calls  []dialogue.ToolCall
	}{
		"a program":               {says: "Let me look.\n\n```python\nprint(1)\n```\n", text: "Let me look.\n\n", calls: program("print(1)")},
		"py":                      {says: "```py\nprint(1)\n```", calls: program("print(1)")},
		"lines and indents":       {says: "```Python\nfor i in x:\n\n    print(i)\n```", calls: program("for i in x:\n\n    print(i)")},
		"no closing fence":        {says: "```python\nprint(1)", calls: program("print(1)")},
		"a longer fence":          {says: "````python\ns = \"\"\"\n```\n\"\"\"\n````\n", calls: program("s = \"\"\"\n```\n\"\"\"")},
		"a made-up result":        {says: "```python\nprint(1)\n```\nOutput:\n```\n1\n```\nThe answer is 1.", calls: program("print(1)")},
		"two programs":            {says: "```python\na = 1\n```\n```python\nprint(a)\n```", calls: program("a = 1")},
		"a program and an answer": {says: "```python\nprint(1)\n```\n```json\n{\"name\": \"final_answer\", \"arguments\": {\"story\": \"1\"}}\n```", calls: program("print(1)")},
		"JSON":                    {says: "```json\n{\"name\": \"list_datasets\", \"arguments\": {}}\n```", calls: []dialogue.ToolCall{{ID: "made-1", Name: "list_datasets", Arguments: "{}"}}},
		"a program as JSON":       {says: "```json\n{\"name\": \"run_python\", \"arguments\": {\"code\": \"print(1)\"}}\n```", calls: []dialogue.ToolCall{{ID: "made-1", Name: "run_python", Arguments: `{"code": "print(1)"}`}}},
		"the final answer":        {says: "```json\n{\"name\": \"final_answer\", \"arguments\": {\"story\": \"42\"}}\n```", calls: []dialogue.ToolCall{{ID: "made-1", Name: "final_answer", Arguments: `{"story": "42"}`}}},
		"plain text":              {says: "The mean is 42.", text: "The mean is 42."},
		"another language":        {says: "Like so:\n```sql\nSELECT 1\n```\n", text: "Like so:\n```sql\nSELECT 1\n```\n"},
		"code in a line":          {says: "Use `print(1)` or ```python``` there.", text: "Use `print(1)` or ```python``` there."},
		"an empty program":        {says: "```python\n\n```\nThat is all.", text: "That is all."},
		"no program at the end":   {says: "```python\nprint(1)\n```", choice: "final_answer", text: "```python\nprint(1)\n```"},
		"only the named":          {says: "```json\n{\"name\": \"list_datasets\", \"arguments\": {}}\n```", choice: "final_answer", text: "```json\n{\"name\": \"list_datasets\", \"arguments\": {}}\n```"},
		"no call is wanted":       {says: "```python\nprint(1)\n```", choice: dialogue.ChoiceNone, text: "```python\nprint(1)\n```"},
		"cut in a program":        {says: "Look:\n```python\nprint(", finish: "length", text: "Look:\n"},
		"cut behind a program":    {says: "```python\nprint(1)\n```\nAnd", finish: "length", calls: program("print(1)")},
	} {
		for adapter, speak := range adapters {
			t.Run(name+"/"+adapter, func(t *testing.T) {
				for _, cut := range []int{1, 3, len(tc.says)} {
					var parts []fakellm.Part
					if tc.finish != "" {
						parts = append(parts, fakellm.Finish(tc.finish))
					}
					for rest := tc.says; rest != ""; {
						n := min(cut, len(rest))
						parts = append(parts, fakellm.Text(rest[:n]))
						rest = rest[n:]
					}
					client := fakellm.NewClient(fakellm.Always(fakellm.Say(parts...)))
					model := newFenced(newChat(t, "http://x.invalid/v1", func(cfg *Config) {
						if speak != nil {
							speak(cfg)
						}
						cfg.HTTPClient = client
					}), ToolsNone)
					got := observe(t, model, dialogue.Request{Tools: fencedTools, Choice: tc.choice}, false)
					want := outcome{Text: tc.text, Calls: tc.calls, Finish: dialogue.FinishStop, Usage: got.Usage}
					switch {
					case len(tc.calls) > 0:
						want.Finish = dialogue.FinishToolCalls
					case tc.finish != "":
						want.Finish = dialogue.FinishLength
					}
					compare(t, want, got)
				}
			})
		}
	}
}

// TestFencedRambles: a model that goes on after its call is not waited for, and
// one that only adds a remark is, with the tokens that it took.
func TestFencedRambles(t *testing.T) {
	for name, tc := range map[string]struct {
		after  fakellm.Answer
		tokens int
	}{
		"on and on": {fakellm.Say(fakellm.Text("```python\nprint(1)\n```\nOutput: " + strings.Repeat("1 ", mostAfter))).UpTo("Output").Then("data: {\"choices\":[{\"delta\":{\"content\":\"" + strings.Repeat("1 ", mostAfter) + "\"}}]}\n\n").Hang(), 0},
		"a remark":  {fakellm.Say(fakellm.Text("```python\nprint(1)\n```\nThis prints 1."), fakellm.Tokens(7, 0, 5)), 5},
	} {
		t.Run(name, func(t *testing.T) {
			client := fakellm.NewClient(fakellm.Always(tc.after))
			model := newFenced(newChat(t, "http://x.invalid/v1", func(cfg *Config) { cfg.HTTPClient = client }), ToolsNone)
			got := observe(t, model, dialogue.Request{Tools: fencedTools}, false)
			if len(got.Calls) != 1 || got.Text != "" || got.Usage.Completion != tc.tokens {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestFencedRequest: what the model is sent holds no trace of tools but words.
func TestFencedRequest(t *testing.T) {
	req := dialogue.Request{
		Tools: fencedTools,
		Messages: []dialogue.Message{
			{Role: dialogue.System, Content: "You are Mark."},
			{Role: dialogue.User, Content: "How many?"},
			{Role: dialogue.Assistant, Content: "Let me look.", ToolCalls: []dialogue.ToolCall{
				{ID: "a", Name: "run_python", Arguments: `{"code": "print(\"` + "```" + `\")\n"}`}, {ID: "b", Name: "list_datasets", Arguments: "{}"},
			}},
			{Role: dialogue.ToolRole, ToolCallID: "a", Content: "7"},
			{Role: dialogue.ToolRole, ToolCallID: "b"},
			{Role: dialogue.User, Content: "Go on."},
		},
		Choice: "final_answer",
	}
	got, err := fencedRequest(req)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tools) != 0 || got.Choice != "" || len(got.Messages) != 4 {
		t.Fatalf("%+v", got)
	}
	system := got.Messages[0].Content
	for _, part := range []string{"You are Mark.\n\nHow to use tools here", "```python\n", "run_python: Run Python.\n{\"type\":\"object\"", "list_datasets: List them."} {
		if !strings.Contains(system, part) {
			t.Errorf("no %q in %s", part, system)
		}
	}
	want := []dialogue.Message{
		{Role: dialogue.User, Content: "How many?"},
		{Role: dialogue.Assistant, Content: "Let me look.\n\n````python\nprint(\"```\")\n````\n\n```json\n{\"name\": \"list_datasets\", \"arguments\": {}}\n```"},
		{Role: dialogue.User, Content: "What run_python gave:\n7\n\nWhat list_datasets gave:\n(no output)\n\nGo on.\n\n(Write the block of final_answer now, or answer in plain text. No other block is read any more.)"},
	}
	if diff := cmp.Diff(want, got.Messages[1:]); diff != "" {
		t.Error(diff)
	}
	again, err := fencedRequest(req)
	if err != nil || cmp.Diff(got, again) != "" {
		t.Errorf("the second time it is another: %v", err)
	}
}

// TestToolsRefused: an endpoint that takes no tools is asked again without, once
// and from then on; a model that is said to take them is not.
func TestToolsRefused(t *testing.T) {
	for name, refusal := range map[string]fakellm.Answer{
		"Ollama":     fakellm.Fail(400, `{"error":{"message":"registry.ollama.ai/library/gemma3:1b does not support tools","type":"api_error"}}`),
		"OpenRouter": fakellm.Fail(404, `{"error":{"message":"No endpoints found that support tool use.","code":404}}`),
		"vLLM":       fakellm.Fail(400, `{"object":"error","message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set","code":400}`),
		"FastAPI":    fakellm.Fail(422, `{"detail":[{"type":"extra_forbidden","loc":["body","tools"],"msg":"Extra inputs are not permitted"}]}`),
		"OpenAI":     fakellm.Fail(400, `{"error":{"message":"Unsupported parameter: 'tools' is not supported with this model.","param":"tools"}}`),
	} {
		for adapter, speak := range adapters {
			t.Run(name+"/"+adapter, func(t *testing.T) {
				server := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
					if len(r.Tools) > 0 {
						return refusal
					}
					return fakellm.Say(fakellm.Text("```python\nprint(1)\n```"))
				})
				req := dialogue.Request{Tools: fencedTools}
				model := newFenced(newChat(t, server.BaseURL(), speak), ToolsUnknown)
				for i, requests := range []int{2, 3} {
					reply, err := model.Stream(t.Context(), req, discard)
					if err != nil || len(reply.Message.ToolCalls) != 1 || len(server.Requests()) != requests {
						t.Errorf("call %d: %+v, %v after %d requests", i, reply, err, len(server.Requests()))
					}
				}
				if _, err := newFenced(newChat(t, server.BaseURL(), speak), ToolsKnown).Stream(t.Context(), req, discard); codeOf(err) != dialogue.CodeBadRequest {
					t.Error(err)
				}
			})
		}
	}
}

// TestToolsNotRefused: another bad request, and one without tools, is what it is.
func TestToolsNotRefused(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(400, `{"error":{"message":"Invalid schema for function 'g'","param":"tools[0].function.parameters"}}`)))
	model := newFenced(newChat(t, server.BaseURL(), nil), ToolsUnknown)
	if _, err := model.Stream(t.Context(), dialogue.Request{Tools: fencedTools}, discard); codeOf(err) != dialogue.CodeBadRequest || len(server.Requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(server.Requests()))
	}
}
