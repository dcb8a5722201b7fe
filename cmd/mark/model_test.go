package main

import (
	"testing"

	"github.com/mark-analyst/mark/internal/fakellm"
)

// withModel points Mark at a model that answers what it is told to, in order,
// through the same settings as a real one.
func withModel(t testing.TB, answers ...fakellm.Answer) func(*Config, *Parts) {
	t.Helper()
	fake := fakellm.New(t, fakellm.Sequence(answers...))
	return func(c *Config, _ *Parts) {
		c.LLM = LLMConfig{BaseURL: fake.BaseURL(), APIKey: "key", Model: "scripted", API: "chat"}
	}
}

// python is a reply that runs code.
func python(code string) fakellm.Answer {
	return fakellm.Say(fakellm.Call("call_1", "run_python", map[string]string{"code": code}))
}

// says is a reply in plain text.
func says(text string) fakellm.Answer { return fakellm.Say(fakellm.Text(text)) }
