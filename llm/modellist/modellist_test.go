package modellist_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/llm"
	"github.com/mark-analyst/mark/llm/modellist"
)

func lookup(name string) (string, bool) {
	value, ok := map[string]string{"GOOD_KEY": "sk-good", "EMPTY_KEY": ""}[name]
	return value, ok
}

func load(t *testing.T, text string) ([]modellist.Entry, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "models.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return modellist.Load(path, lookup)
}

func TestLoad(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte("sk-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, `
# the good one
- name: good
  url: https://api.example/v1
  keyEnv: GOOD_KEY
  format: responses
  model: gpt-good
  context: 400000
  reply: 64000
  prices: {input: 1.25, cachedInput: 0.125, output: 10}
  tools: true
  fallback: small
- name: small
  url: http://127.0.0.1:11434/v1
  keyFile: `+keyFile+`
  prices: {input: 0.5, output: 1}
  tools: false
- {"name": "plain", "url": "http://127.0.0.1:8000/v1", "context": 8192}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []modellist.Entry{
		{
			Name: "good", BaseURL: "https://api.example/v1", APIKey: "sk-good", Format: llm.Responses, Model: "gpt-good", ContextTokens: 400_000, ReplyTokens: 64_000,
			Prices: dialogue.Prices{Input: 1.25, CachedInput: 0.125, Output: 10}, Tools: llm.ToolsKnown, Fallback: "small",
		},
		{
			Name: "small", BaseURL: "http://127.0.0.1:11434/v1", APIKey: "sk-file", Format: llm.Chat, Model: "small",
			Prices: dialogue.Prices{Input: 0.5, CachedInput: 0.5, Output: 1}, Tools: llm.ToolsNone,
		},
		{Name: "plain", BaseURL: "http://127.0.0.1:8000/v1", Format: llm.Chat, Model: "plain", ContextTokens: 8192},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestJSON: a list in JSON is one in YAML, tabs and all.
func TestJSON(t *testing.T) {
	got, err := load(t, "[\n\t{\n\t\t\"name\": \"a\",\n\t\t\"url\": \"http://x/v1\",\n\t\t\"prices\": {\"input\": 1e-1, \"output\": 2}\n\t}\n]\n")
	if err != nil || len(got) != 1 || got[0].Prices.Input != 0.1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRefuses(t *testing.T) {
	const head = "- name: a\n  url: http://x/v1\n"
	for name, tc := range map[string]struct{ text, says string }{
		"nothing":            {"", "lists no model"},
		"only a comment":     {"# soon\n", "lists no model"},
		"no list":            {"name: a\n", "[1:5]"},
		"broken":             {"- name: [\n", "models.yaml"},
		"an unknown field":   {head + "  colour: blue\n", "colour"},
		"a word for a count": {head + "  context: many\n", `line 3, column 12: what is there is not`},
		"no name":            {"- url: http://x/v1\n", "model 1: name"},
		"no url":             {"- name: a\n", `model "a": url`},
		"an odd url":         {"- name: a\n  url: ftp://x\n", `model "a": url`},
		"a password":         {"- name: a\n  url: http://u:sk-secret@x/v1\n", "keyEnv"},
		"a key":              {head + "  key: sk-secret\n", "does not belong"},
		"two keys":           {head + "  keyEnv: GOOD_KEY\n  keyFile: /x\n", "one key"},
		"no such variable":   {head + "  keyEnv: BAD_KEY\n", "BAD_KEY is not set"},
		"an empty variable":  {head + "  keyEnv: EMPTY_KEY\n", "EMPTY_KEY is not set"},
		"no such file":       {head + "  keyFile: /nonexistent/key\n", "keyFile"},
		"a format":           {head + "  format: grpc\n", "chat or responses"},
		"a small context":    {head + "  context: 128\n", "context"},
		"a small reply":      {head + "  reply: 16\n", "reply"},
		"all for the reply":  {head + "  context: 8000\n  reply: 8000\n", "reply"},
		"a negative price":   {head + "  prices: {input: -1}\n", "prices"},
		"a price of nothing": {head + "  prices: {input: .nan}\n", "prices"},
		"twice":              {head + head, "same name"},
		"no such fallback":   {head + "  fallback: b\n", `model "a": fallback: no model`},
		"itself":             {head + "  fallback: a\n", "comes back"},
		"a circle":           {head + "  fallback: b\n- name: b\n  url: http://x/v1\n  fallback: a\n", "comes back"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.text)
			if err == nil || !strings.HasPrefix(err.Error(), "MARK_MODELS: ") || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%v, want %q", err, tc.says)
			}
			if strings.Contains(err.Error(), "sk-secret") {
				t.Errorf("the key is in the error: %v", err)
			}
		})
	}
	if _, err := modellist.Load(filepath.Join(t.TempDir(), "none"), lookup); err == nil || !strings.Contains(err.Error(), "MARK_MODELS") {
		t.Error(err)
	}
}
