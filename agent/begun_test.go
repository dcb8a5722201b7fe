package agent_test

import (
	"context"
	"slices"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/event"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/store"
)

// told are the kinds of events that a run has now.
func (b *bench) told(r *ent.Run) []string {
	return b.client.Event.Query().Where(event.RunID(r.ID)).Order(ent.Asc(event.FieldSeq)).Select(event.FieldKind).StringsX(b.ctx)
}

func TestAQuestionBeginsWhereItIsStored(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, func(c *agent.Config) { c.Limits.ConcurrentRuns = 2 })
		goOn := make(chan struct{})
		held := says("Done.")
		held.first = func(context.Context) { <-goOn }
		b.model.then(held, held, held, held)
		send := func(q agent.Question) agent.Sent {
			t.Helper()
			sent, err := b.agent.Send(b.ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			return sent
		}
		first := send(agent.Question{Text: "first"})
		if got := b.told(first.Run); first.Run.State != run.StateRunning || !slices.Equal(got, []string{agent.KindRunStarted, agent.KindStepStarted}) {
			t.Errorf("it is %s when it is stored, and was told of by %v", first.Run.State, got)
		}
		next := send(agent.Question{ChatID: first.Chat.ID, Text: "next"})
		if got := b.told(next.Run); next.Run.State != run.StateQueued || len(got) > 0 {
			t.Errorf("what follows it in its chat is %s: %v", next.Run.State, got)
		}
		other := send(agent.Question{Text: "in another chat"})
		if other.Run.State != run.StateRunning {
			t.Errorf("there is a place, and the other is %s", other.Run.State)
		}
		late := send(agent.Question{Text: "without a place"})
		if late.Run.State != run.StateQueued {
			t.Errorf("there is no place, and it is %s", late.Run.State)
		}
		close(goOn)
		for _, sent := range []agent.Sent{first, next, other, late} {
			r, events := b.await(sent.Run.ID)
			if r.State != run.StateSucceeded || r.Epoch != 1 || !slices.Equal(kinds(events)[:2], []string{agent.KindRunStarted, agent.KindStepStarted}) ||
				slices.Contains(kinds(events), agent.KindAttemptDiscarded) || r.PromptHash == "" || len(b.stepsOf(r)) != 1 {
				t.Errorf("%s in the epoch %d: %v", r.State, r.Epoch, kinds(events))
			}
		}
	})
}

// A node that begins no more gives what it has just stored to the others.
func TestAQuestionToANodeThatIsLeaving(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		ended, end := context.WithCancel(t.Context())
		end()
		if err := b.jobs.Drain(ended); err != nil {
			t.Logf("draining: %v", err)
		}
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "Is anybody there?"})
		if err != nil {
			t.Fatal(err)
		}
		newBenchOf(t, s, "eve@example.org", func(c *agent.Config) { c.Models[0].LLM.(*scriptedModel).then(says("Yes.")) })
		r, _ := b.await(sent.Run.ID)
		if r.State != run.StateSucceeded || b.final(r).Story != "Yes." {
			t.Errorf("%s: %s", r.State, r.ErrorMessage)
		}
	})
}
