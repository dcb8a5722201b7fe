package agent_test

import (
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// Each request says how long its reply may be: as is configured, what the context
// leaves, and what is left of the budgets.
func TestRepliesAreBounded(t *testing.T) {
	const spent, least = 40_000, 4_096
	for name, test := range map[string]struct {
		model         agent.Model
		run, day      int64
		first, second [2]int // between these
	}{
		"nothing is known":   {agent.Model{}, 0, 0, [2]int{16_384, 16_384}, [2]int{16_384, 16_384}},
		"a small context":    {agent.Model{ContextTokens: 12_000}, 0, 0, [2]int{3_000, 3_000}, [2]int{3_000, 3_000}},
		"a large context":    {agent.Model{ContextTokens: 400_000}, 0, 0, [2]int{32_768, 32_768}, [2]int{32_768, 32_768}},
		"configured":         {agent.Model{ContextTokens: 400_000, ReplyTokens: 50_000}, 0, 0, [2]int{50_000, 50_000}, [2]int{50_000, 50_000}},
		"more than there is": {agent.Model{ContextTokens: 12_000, ReplyTokens: 50_000}, 0, 0, [2]int{3_000, 11_000}, [2]int{3_000, 11_000}},
		"a run's budget":     {agent.Model{ContextTokens: 400_000}, spent + 20_000, 0, [2]int{32_768, 32_768}, [2]int{least + 1, 19_999}},
		"a day's":            {agent.Model{ContextTokens: 400_000}, 0, spent + 20_000, [2]int{32_768, 32_768}, [2]int{least + 1, 19_999}},
		"little of a run's":  {agent.Model{ContextTokens: 400_000}, spent + 10, 0, [2]int{32_768, 32_768}, [2]int{least, least}},
		"nothing of a run's": {agent.Model{ContextTokens: 400_000}, spent, 0, [2]int{30_000, 32_768}, [2]int{least, least}},
		"nothing of a day's": {agent.Model{ContextTokens: 400_000}, 0, spent, [2]int{30_000, 32_768}, [2]int{least, least}},
		"all is configured":  {agent.Model{ContextTokens: 400_000, ReplyTokens: 2_000}, spent, spent, [2]int{2_000, 2_000}, [2]int{2_000, 2_000}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
				test.model.Name, test.model.LLM = "scripted", c.Models[0].LLM
				c.Models[0] = test.model
				c.Limits.PerRun, c.Limits.PerDay = agent.Budget{Tokens: test.run}, agent.Budget{Tokens: test.day}
			})
			look := calls("list_datasets", `{}`)
			look.reply.Usage = dialogue.Usage{PromptTokens: spent / 2, CompletionTokens: spent / 2}
			b.model.then(look, calls("final_answer", `{"story":"Nothing is here.","claims":[]}`))
			b.ask(agent.Question{Text: "q"})
			if len(b.model.requests) != 2 {
				t.Fatalf("%d requests", len(b.model.requests))
			}
			for i, want := range [][2]int{test.first, test.second} {
				if got := b.model.requests[i].MaxTokens; got < want[0] || got > want[1] {
					t.Errorf("reply %d may have %d tokens, want %v", i+1, got, want)
				}
			}
		})
	}
}
