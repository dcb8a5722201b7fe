package agent_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// lostOnce is a bench whose run is taken away once, before the model's n-th turn
// and after what is done first.
func lostOnce(t *testing.T, s *store.Store, model *course, n int, first func(b *bench), change func(*agent.Config)) *bench {
	t.Helper()
	b := newBench(t, s, func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "course", LLM: model}}
		if change != nil {
			change(c)
		}
	})
	var once sync.Once
	model.before = func(turn int) {
		if turn == n {
			once.Do(func() {
				first(b)
				rob(t, s, b.client.Run.Query().OnlyIDX(b.ctx))
			})
		}
	}
	return b
}

func nothing(*bench) {}

// A model that has to answer, since it went round in circles, has to after a
// takeover, too.
func TestATakeoverKnowsWhoWentInCircles(t *testing.T) {
	for name, printed := range map[string]string{"a short result": "1\n", "a long one": strings.Repeat("many words ", 60)} {
		t.Run(name, func(t *testing.T) {
			model := &course{turns: []turn{python("same"), python("same"), python("same"), calls("final_answer", `{"story":"Done."}`)}}
			b := lostOnce(t, databases.SQLite(t), model, 3, nothing, nil)
			b.python.run = prints(printed)
			if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded || r.Epoch < 3 {
				t.Fatalf("%s %s in epoch %d", r.State, r.ErrorMessage, r.Epoch)
			}
			if len(model.choices) != 5 || model.choices[3] != "final_answer" || model.choices[4] != "final_answer" {
				t.Errorf("the model had to choose %q", model.choices)
			}
		})
	}
}

// An answer that was sent back is not taken after a takeover because its number
// is known by now.
func TestATakeoverKeepsToADoubt(t *testing.T) {
	model := &course{turns: []turn{
		calls("final_answer", `{"story":"There are 344 rows."}`),
		calls("final_answer", `{"story":"All is well."}`),
	}}
	var d *ent.Dataset
	b := lostOnce(t, databases.SQLite(t), model, 1, func(b *bench) {
		b.client.Dataset.UpdateOne(d).SetRowCount(344).ExecX(b.ctx)
	}, nil)
	d = b.dataset("a.csv")
	r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: []string{d.ID}})
	if a := b.final(r); r.State != run.StateSucceeded || a.Story != "All is well." {
		t.Errorf("%s, answer %q", r.State, a.Story)
	}
}

// What is kept with a run is bounded, however often it is taken over.
func TestATakeoverKnowsWhatIsKept(t *testing.T) {
	model := &course{turns: []turn{python("first"), python("second"), says("Done.")}}
	b := lostOnce(t, databases.SQLite(t), model, 1, nothing, func(c *agent.Config) { c.Limits.InlineBytes = 1500 })
	b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEText, Text: strings.Repeat("x", 1000)}})
		return execution.Result{Duration: time.Millisecond}, nil
	}
	r, _ := b.ask(agent.Question{Text: "q"})
	second := b.client.Step.Query().Where(step.RunID(r.ID), step.Index(2)).OnlyX(b.ctx)
	if second.Result == nil || !strings.Contains(*second.Result, "Left out") {
		t.Errorf("%s; the second step showed %v", r.State, second.Result)
	}
}
