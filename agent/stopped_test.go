package agent_test

import (
	"context"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/store"
)

// stoppedBy returns what the run's last event says of its stop.
func (b *bench) stoppedBy(runID string) agent.Stopped {
	b.t.Helper()
	r, events := b.await(runID)
	last, err := agent.Body(events[len(events)-1].Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.State != run.StateCancelled || last.Stopped == nil {
		b.t.Fatalf("the run is %s, and was stopped in %v", r.State, last.Stopped)
	}
	return *last.Stopped
}

// The last event says what was stopped. Stopping again, and what has ended, is
// harmless.
func TestTheLastEventSaysWhatWasStopped(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	running, asked := make(chan struct{}), make(chan struct{})
	b.python.run = hangs(running)
	b.model.then(python("1"), turn{
		first: func(ctx context.Context) { close(asked); <-ctx.Done() },
		reply: dialogue.Reply{}, err: context.Canceled,
	})
	stop := func(id string) {
		t.Helper()
		if _, err := b.agent.Stop(b.ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	first, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	waits, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.Chat.ID, Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	stop(waits.Run.ID)
	if s := b.stoppedBy(waits.Run.ID); s.What != agent.DoingQueue || s.StepID != "" {
		t.Errorf("in the queue: %+v", s)
	}
	stop(first.Run.ID)
	stop(first.Run.ID)
	if s := b.stoppedBy(first.Run.ID); s.What != agent.DoingPython || s.StepID == "" {
		t.Errorf("while Python ran: %+v", s)
	}
	stop(first.Run.ID)
	model, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	stop(model.Run.ID)
	if s := b.stoppedBy(model.Run.ID); s.What != agent.DoingModel || s.StepID == "" {
		t.Errorf("while the model replied: %+v", s)
	}
}

// A run that goes on at one node is stopped through another.
func TestStopThroughAnotherNode(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		running := make(chan struct{})
		b.python.run = hangs(running)
		b.model.then(python("1"))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		// Only now: a node that looks for work as it starts may take the run first.
		other := newBenchOf(t, s, "eve@example.org", func(c *agent.Config) { c.Node = "other" })
		began := time.Now()
		if _, err := other.agent.Stop(b.ctx, sent.Run.ID); err != nil {
			t.Fatal(err)
		}
		if s := b.stoppedBy(sent.Run.ID); s.What != agent.DoingPython {
			t.Errorf("stopped in %+v", s)
		}
		t.Logf("stopped within %s", time.Since(began))
	})
}
