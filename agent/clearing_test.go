package agent_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/tokens"
)

// Where a run's own results take more than the context holds the older ones are
// cleared, by a line that says so; the newest stay.
func TestOldResultsAreCleared(t *testing.T) {
	const room = 6_000
	for _, known := range []bool{true, false} {
		b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
			if known {
				c.Models[0].ContextTokens = 8_000
			}
		})
		b.python.run = prints(strings.Repeat("many different words, ", 250))
		for i := range 6 {
			b.model.then(python(fmt.Sprintf("print(%d)", i)))
		}
		b.model.then(says("Done."))
		r, _ := b.ask(agent.Question{Text: "q"})
		if r.State != run.StateSucceeded {
			t.Fatalf("%s %s", r.State, r.ErrorMessage)
		}
		last := b.model.requests[len(b.model.requests)-1]
		var results []string
		for _, m := range last.Messages {
			if m.Role == dialogue.ToolRole {
				results = append(results, m.Content)
			}
		}
		cleared := strings.Count(strings.Join(results, "\n"), "(Cleared to save room: ")
		newest := results[len(results)-1]
		if len(results) != 6 || (cleared > 0) != known || strings.HasPrefix(newest, "(Cleared") {
			t.Errorf("context known %t: %d of %d results are cleared", known, cleared, len(results))
		}
		if known && !strings.Contains(results[0], "characters that run_python gave. What its programs made is still in the variables") {
			t.Errorf("the first result is told as %q", results[0])
		}
		n := tokens.New().Count(flat(last))
		if (n <= room) != known {
			t.Errorf("context known %t: the prompt has %d tokens", known, n)
		}
	}
}

// Before a chat is summed up the results of its older runs are cleared, for good:
// the next prompts begin with the same.
func TestClearingStays(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.HistoryTokens = 4_000 })
	b.python.run = prints(strings.Repeat("many different words, ", 120))
	var chat string
	for i := range 9 {
		b.model.script = []turn{python(fmt.Sprintf("print(%d)", i)), says("So it is.")}
		r, _ := b.ask(agent.Question{ChatID: chat, Text: "q"})
		chat = r.ChatID
	}
	made := b.client.Memory.Query().AllX(b.ctx)
	if len(made) != 1 || made[0].ThroughSeq != 0 || made[0].ClearedSeq == 0 || made[0].Text != "" {
		t.Fatalf("the chat has the memories %v", made)
	}
	last := b.model.requests[len(b.model.requests)-4:]
	for i := range last[1:] {
		if !strings.HasPrefix(flat(last[i+1]), flat(last[i])) {
			t.Errorf("prompt %d does not begin with the one before", i+1)
		}
	}
	if !strings.Contains(flat(last[0]), "(Cleared to save room") {
		t.Error("nothing is cleared")
	}
}
