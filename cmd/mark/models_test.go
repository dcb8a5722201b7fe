package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/internal/tokens"
)

// withList has a service use a list of models.
func withList(t *testing.T, list string) func(*Config, *Parts) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "models.yaml")
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *Config, _ *Parts) { c.Models = path }
}

// TestModelList: models of a list answer, over either format, with a fallback
// for one that is not available, and without support for tools.
func TestModelList(t *testing.T) {
	broke := fakellm.New(t, fakellm.Always(fakellm.Fail(429, `{"error":{"code":"insufficient_quota"}}`)))
	reserve := fakellm.New(t, fakellm.Always(says("From the reserve.")))
	wordy := fakellm.New(t, fakellm.Sequence(says("```json\n{\"name\": \"list_datasets\", \"arguments\": {}}\n```\n"), says("There is none.")))
	t.Setenv("MARK_TEST_KEY", "sk-listed")
	s := start(t, "", withList(t, fmt.Sprintf(`
- {name: first, url: %q, format: responses, model: gpt-first, keyEnv: MARK_TEST_KEY, context: 400000, fallback: reserve}
- {name: reserve, url: %q, reply: 700}
- {name: wordy, url: %q, format: responses, tools: false}
`, broke.BaseURL(), reserve.BaseURL(), wordy.BaseURL())))
	ada := s.signUp("ada@example.org")

	var names []string
	for _, m := range ada.do(`{ server { models { name offline contextTokens } } }`, nil).at("server", "models").([]any) {
		names = append(names, fmt.Sprint(dig(t, m, "name"), " ", dig(t, m, "offline"), " ", dig(t, m, "contextTokens")))
	}
	if diff := cmp.Diff([]string{"first false 400000", "reserve false <nil>", "wordy false <nil>", "offline-analyst true <nil>"}, names); diff != "" {
		t.Error(diff)
	}

	_, run := ada.ask("", "hello")
	if story := ada.answered(run)["story"]; story != "From the reserve." {
		t.Errorf("the fallback says %q", story)
	}
	if first, second := string(broke.Requests()[0].Body), string(reserve.Requests()[0].Body); !strings.Contains(first, `"max_output_tokens":32768,`) || !strings.Contains(second, `"max_tokens":700,`) {
		t.Errorf("replies are not bounded as they are to be:\n%s\n%s", first, second)
	}
	if got := broke.Requests()[0]; got.Model != "gpt-first" || got.Path != "/v1/responses" || got.Header.Get("Authorization") != "Bearer sk-listed" {
		t.Errorf("the first was asked for %s at %s", got.Model, got.Path)
	}

	next := ada.do(`mutation { sendMessage(input: {text: "What is there?", model: "wordy"}) { run { id } errors { ... on UserError { message } } } }`, nil)
	if story := ada.answered(next.str("sendMessage", "run", "id"))["story"]; story != "There is none." {
		t.Errorf("the model without tools says %q", story)
	}
	asked := wordy.Requests()
	if len(asked) != 2 || len(asked[1].Tools) != 0 || !strings.Contains(asked[1].Last("user").Text(), "What list_datasets gave:") {
		t.Errorf("%d requests", len(asked))
	}
}

// TestDefaultBesideAList: the MARK_LLM_ settings make the first model where they
// name one; a key alone may be there for one of the list.
func TestDefaultBesideAList(t *testing.T) {
	list := withList(t, "- {name: a, url: http://127.0.0.1:1/v1}\n")
	for name, tc := range map[string]struct {
		llm  LLMConfig
		want string
	}{
		"a list":          {LLMConfig{}, "a offline-analyst"},
		"a key beside it": {LLMConfig{APIKey: "sk"}, "a offline-analyst"},
		"a model too":     {LLMConfig{APIKey: "sk", Model: "b", API: "responses"}, "b a offline-analyst"},
		"the same name":   {LLMConfig{APIKey: "sk", Model: "a"}, `MARK_MODELS: model "a": MARK_LLM_MODEL has the same name`},
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{LLM: tc.llm}
			list(&c, nil)
			var names []string
			models, closeModels, err := openModels(c, tokens.New(), nil, nil)
			if err != nil {
				names = append(names, err.Error())
			} else if err := closeModels(t.Context()); err != nil {
				t.Error(err)
			}
			for _, m := range models {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, " "); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// TestResponsesSetting: MARK_LLM_API=responses makes a model that calls tools.
func TestResponsesSetting(t *testing.T) {
	fake := fakellm.New(t, fakellm.Sequence(fakellm.Say(fakellm.Reasoning("Hm."), fakellm.Call("call_1", "list_datasets", "{}")), says("There is none.")))
	s := start(t, "", func(c *Config, _ *Parts) {
		c.LLM = LLMConfig{BaseURL: fake.BaseURL(), APIKey: "key", Model: "scripted", API: "responses", Context: 8000}
	})
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "What is there?")
	if story := ada.answered(run)["story"]; story != "There is none." {
		t.Errorf("it says %q", story)
	}
	asked := fake.Requests()
	if len(asked) != 2 || asked[1].Path != "/v1/responses" || asked[1].Last("tool").ToolCallID != "call_1" {
		t.Fatalf("%d requests", len(asked))
	}
	prompts := make([]struct {
		Instructions string
		Input, Tools []json.RawMessage
	}, 2)
	for i := range prompts {
		if err := json.Unmarshal(asked[i].Body, &prompts[i]); err != nil {
			t.Fatal(err)
		}
	}
	before := len(prompts[0].Input)
	prompts[1].Input = prompts[1].Input[:before]
	if diff := cmp.Diff(prompts[0], prompts[1]); diff != "" || before == 0 {
		t.Errorf("the second prompt begins otherwise than the first: %s", diff)
	}
}
