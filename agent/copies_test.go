package agent_test

import (
	"reflect"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/store"
)

// What a warehouse was asked in a step is told of its copies too, and billed once.
func TestCopiesOfStepsTellTheirQueries(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, withWarehouse(&scriptedWarehouse{}))
		b.python.run = (&ran{}).run
		b.model.then(sqlCall("SELECT 1"), python("one"), says("It is 1234.5."))
		first, _ := b.ask(agent.Question{Text: "q"})
		want := b.queries(first.ID)
		changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(first)[1].ID, Code: "other", Only: true})
		if err != nil {
			t.Fatal(err)
		}
		edited, _ := b.await(changed.ID)
		made, err := b.agent.Branch(b.ctx, agent.Copy{ChatID: first.ChatID, MessageID: *first.AnswerID})
		if err != nil {
			t.Fatal(err)
		}
		copied := b.client.Run.Query().Where(run.ChatID(made.ID)).OnlyX(b.ctx)
		for name, id := range map[string]string{"the changed run": edited.ID, "the copied chat": copied.ID} {
			if got := b.queries(id); len(want) != 1 || !reflect.DeepEqual(got, want) {
				t.Errorf("%s tells of the queries %+v, want %+v", name, got, want)
			}
		}
		if first.BytesBilled != 8*mebi || edited.BytesBilled != 0 || copied.BytesBilled != 0 {
			t.Errorf("billed are %d, %d and %d bytes", first.BytesBilled, edited.BytesBilled, copied.BytesBilled)
		}
	})
}
