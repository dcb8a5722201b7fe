package agent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/llm"
)

// What a provider has in its cache is the beginning of a prompt, byte for byte: in a
// run from the second step on, and from a chat's question to the next, at least nine
// tenths of each request are the beginning of the request before. It is measured on
// what the adapter sends. Models read the tools first, whose place in the request's
// JSON is the last.
func TestPromptsBeginAsTheOneBefore(t *testing.T) {
	var answers []fakellm.Answer
	const turns = 6
	for turn := range turns {
		call := func(id, name string, args any) { // one at a time
			answers = append(answers, fakellm.Say(fakellm.Call(fmt.Sprintf("call_%d%s", turn, id), name, args)))
		}
		call("a", "describe_dataset", map[string]string{"name": "prices.csv"})
		call("b", "run_python", map[string]string{"code": fmt.Sprintf("print(df.price.mean()) # %d", turn)})
		call("c", "run_python", map[string]string{"code": "print(df.price.nope)"})
		call("d", "final_answer", map[string]any{"story": "So it is, as the step above shows.", "claims": []any{}})
	}
	fake := fakellm.New(t, fakellm.Sequence(answers...))
	chat, err := llm.New(llm.Config{BaseURL: fake.BaseURL(), APIKey: "key", Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chat.Close)
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "m", LLM: chat, ContextTokens: 128_000}}
	})
	d := b.dataset("prices.csv")
	b.python.run = (&ran{}).run
	b.python.origin = execution.Origin{State: execution.OriginKept}
	var id string
	for turn := range turns {
		q := agent.Question{ChatID: id, Text: fmt.Sprintf("What is the mean, as of question %d?", turn)}
		if turn == 0 {
			q.DatasetIDs = []string{d.ID}
		}
		r, _ := b.ask(q)
		if r.State != run.StateSucceeded {
			t.Fatalf("question %d: %s %s", turn, r.State, r.ErrorMessage)
		}
		id = r.ChatID
	}
	requests := fake.Requests()
	if len(requests) != 4*turns {
		t.Fatalf("%d requests", len(requests))
	}
	least, same, all := 1.0, 0, 0
	for i := 1; i < len(requests); i++ {
		before, after := asRead(t, requests[i-1].Body), asRead(t, requests[i].Body)
		n := common(before, after)
		same, all = same+n, all+len(after)
		share := float64(n) / float64(len(after))
		least = min(least, share)
		if share < 0.9 || n < len(before) {
			t.Errorf("request %d: %.1f %% of %d bytes repeat the one before, of which %d bytes do not stand in it",
				i+1, 100*share, len(after), len(before)-n)
		}
	}
	t.Logf("%d requests, %d bytes: %.1f %% repeat the request before, at least %.1f %% of each", len(requests), all, 100*float64(same)/float64(all), 100*least)
}

// asRead is the prompt in a request as models read it: the tools and then the
// messages, up to where the next would follow, in the bytes in which they are sent.
func asRead(t *testing.T, body []byte) string {
	t.Helper()
	var sent struct {
		Tools    json.RawMessage `json:"tools"`
		Messages json.RawMessage `json:"messages"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, sent.Messages) || !bytes.Contains(body, sent.Tools) {
		t.Fatal("the request was read otherwise than it was sent")
	}
	return string(sent.Tools) + strings.TrimSuffix(string(sent.Messages), "]")
}
