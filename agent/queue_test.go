package agent_test

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
)

func TestStoppingARunThatWaitsForANode(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.ConcurrentRuns = 1 })
	running := make(chan struct{})
	b.python.run = hangs(running)
	b.model.then(python("1"))
	if _, err := b.agent.Send(b.ctx, agent.Question{Text: "first"}); err != nil {
		t.Fatal(err)
	}
	<-running
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "second"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
		t.Fatal(err)
	}
	if r, events := b.await(sent.Run.ID); r.State != run.StateCancelled || len(events) != 1 {
		t.Errorf("state %s, events %v", r.State, kinds(events))
	}
}

// However a stop falls in with the run's beginning, the run ends by it.
func TestStopAtAnyMoment(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = func(ctx context.Context, _ string, _ func(execution.Event)) (execution.Result, error) {
		<-ctx.Done()
		return execution.Result{}, &execution.Error{Code: execution.CodeCancelled, Message: "Cancelled."}
	}
	b.model.then(python("1"))
	chat := ""
	for range 40 {
		sent, err := b.agent.Send(b.ctx, agent.Question{ChatID: chat, Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		chat = sent.Chat.ID
		if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
			t.Fatal(err)
		}
		if r, _ := b.await(sent.Run.ID); r.State != run.StateCancelled {
			t.Fatalf("state %s %s", r.State, r.ErrorMessage)
		}
	}
}
