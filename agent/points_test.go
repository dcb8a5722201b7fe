package agent_test

import (
	"context"
	"slices"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// A program that ended its session has left no variables to go back to, and is not
// to be run again for what it leaves.
func TestAProgramThatEndedItsSessionIsNoPoint(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		python1 := &ran{}
		b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
			result, err := python1.run(ctx, code, emit)
			if code == "dies" {
				err = &execution.Error{Code: execution.CodeDied, Message: "It died.", Fatal: true}
			}
			return result, err
		}
		b.model.then(python("one"), python("dies"), python("three"), says("Done."))
		first, _ := b.ask(agent.Question{Text: "q"})
		steps := b.stepsOf(first)
		for _, forgets := range []bool{false, true} {
			python1.code, b.python.rewound, b.python.forgets = nil, nil, forgets
			changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: steps[2].ID, Code: "other", Only: true})
			if err != nil {
				t.Fatal(err)
			}
			r, _ := b.await(changed.ID)
			if r.State != run.StateSucceeded || python1.code["other"] != 1 || python1.code["dies"] != 0 || (python1.code["one"] == 1) != forgets {
				t.Errorf("points are kept: %v: %s %s, ran %v", !forgets, r.State, r.ErrorMessage, python1.code)
			}
			if b.python.rewound[0] != steps[0].ID {
				t.Errorf("rewound to %v, want %s", b.python.rewound, steps[0].ID)
			}
		}
	})
}

// What a node has not come to do is done by the next one.
func TestARunThatIsTakenOverGoesBackToo(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		python1 := &ran{}
		b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
			if code == "two, changed" {
				rob(t, s, b.client.Run.Query().Where(run.EditedIndexGT(0)).OnlyIDX(b.ctx))
			}
			return python1.run(ctx, code, emit)
		}
		first := threeSteps(b)
		old := b.stepsOf(first)
		python1.code = nil
		changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: old[1].ID, Code: "two, changed"})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := b.await(changed.ID)
		if r.State != run.StateSucceeded || python1.code["two, changed"] != 1 || python1.code["four"] != 1 {
			t.Errorf("%s %s, ran %v", r.State, r.ErrorMessage, python1.code)
		}
		if want := []string{old[0].ID, old[0].ID}; !slices.Equal(b.python.rewound, want) {
			t.Errorf("rewound to %v, want %v: the first node may not have come to it, or to all of it", b.python.rewound, want)
		}
	})
}

// A run that was stopped in the queue has no beginning of its own.
func TestARunThatNeverBeganIsTriedAgainFromWhereTheQuestionsBeforeEnded(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = (&ran{}).run
		running, goOn := make(chan struct{}), make(chan struct{})
		held := python("zero")
		held.first = func(context.Context) { close(running); <-goOn }
		b.model.then(held, python("one"), says("First."))
		first, err := b.agent.Send(b.ctx, agent.Question{Text: "q1"})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		second, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.Chat.ID, Text: "q2"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.agent.Stop(b.ctx, second.Run.ID); err != nil {
			t.Fatal(err)
		}
		close(goOn)
		b.await(first.Run.ID)
		b.model.script = nil
		b.model.then(python("later"), says("Third."))
		b.ask(agent.Question{ChatID: first.Chat.ID, Text: "q3"})
		b.model.script = nil
		b.model.then(python("two"), says("Second."))
		again, err := b.agent.Retry(b.ctx, agent.Retrial{RunID: second.Run.ID})
		if err != nil {
			t.Fatal(err)
		}
		b.await(again.ID)
		if want := []string{b.stepsOf(first.Run)[1].ID}; !slices.Equal(b.python.rewound, want) {
			t.Errorf("rewound to %q, want %q", b.python.rewound, want)
		}
	})
}
