package agent_test

import (
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/store"
)

// What attempts took that nobody has seen counts, with whatever came of the reply
// that they belong to.
func TestUnseenAttemptsCount(t *testing.T) {
	unseen := func(t turn) turn {
		t.reply.Unseen = dialogue.Usage{PromptTokens: 1_000, CachedTokens: 400, CompletionTokens: 7}
		return t
	}
	fails := turn{err: &dialogue.Error{Code: dialogue.CodeUnavailable, Message: "Gone."}}
	tooLong := turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "Too long."}}
	for name, test := range map[string]struct {
		script []turn
		state  run.State
		prompt int
	}{
		"a good reply": {[]turn{unseen(says("Done."))}, run.StateSucceeded, 1_010},
		"none":         {[]turn{unseen(fails)}, run.StateFailed, 1_000},
		"a discarded":  {[]turn{unseen(tooLong), says("Done.")}, run.StateSucceeded, 1_010},
	} {
		t.Run(name, func(t *testing.T) {
			databases.Each(t, func(t *testing.T, s *store.Store) {
				b := newBench(t, s, func(c *agent.Config) { c.Models[0].Prices = dialogue.Prices{Input: 3, CachedInput: 1} })
				b.model.then(test.script...)
				r, _ := b.ask(agent.Question{Text: "q"})
				own := int64(test.prompt - 1_000)
				if r.State != test.state || r.PromptTokens != test.prompt || r.CachedTokens != 400 || r.CostMicros != 3*own+3*600+400 {
					t.Errorf("%s, %d tokens, %d of them cached, %d micros", r.State, r.PromptTokens, r.CachedTokens, r.CostMicros)
				}
				b.sameDay()
			})
		})
	}
}
