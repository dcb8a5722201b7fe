package agent_test

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// The time of programs that are run again for their variables is the step's that
// wanted them, and is counted once, whether the run's node is lost afterwards or not.
func TestRemadeVariablesTakeTimeOfPython(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		for _, lost := range []bool{false, true} {
			b := newBenchOf(t, s, map[bool]string{false: "ada@example.org", true: "bob@example.org"}[lost], nil)
			python1 := &ran{}
			b.python.run = python1.run
			b.model.then(python("one"), python("two"), python("three"), says("Done."))
			first, _ := b.ask(agent.Question{Text: "q"})
			b.python.forgets, b.python.origin = true, execution.Origin{State: execution.OriginKept}
			b.model.script = nil
			if lost {
				b.model.then(turn{first: func(ctx context.Context) {
					rob(t, s, b.client.Run.Query().Where(run.StateEQ(run.StateRunning)).OnlyIDX(b.ctx))
					<-ctx.Done()
				}})
			}
			b.model.then(python("four"), says("Done."))
			changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(first)[2].ID, Code: "other"})
			if err != nil {
				t.Fatal(err)
			}
			// "one", "two" again, "other" and "four", of a millisecond each.
			if r, _ := b.await(changed.ID); r.State != run.StateSucceeded || r.PythonMs != 4 {
				t.Errorf("lost %t: %s %s, %d ms of Python; ran %v", lost, r.State, r.ErrorMessage, r.PythonMs, python1.code)
			}
			b.sameDay()
			b.close()
		}
	})
}
