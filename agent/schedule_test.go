package agent_test

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
)

func TestCloseLeavesWaitingRunsForTheNextStart(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.ConcurrentRuns = 1 })
	running := make(chan struct{})
	b.python.run = hangs(running)
	b.model.then(python("1"))
	first, err := b.agent.Send(b.ctx, agent.Question{Text: "first"})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	var waiting []string
	for range 8 { // in chats of their own: each waits for the one slot
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "later"})
		if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, sent.Run.ID)
	}
	if err := b.agent.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := b.client.Run.GetX(b.ctx, first.Run.ID); r.ErrorCode != agent.CodeInterrupted {
		t.Errorf("the run that went on: %s %q", r.State, r.ErrorCode)
	}
	for _, id := range waiting {
		if r := b.client.Run.GetX(b.ctx, id); r.State != run.StateQueued {
			t.Errorf("a run that waited is %s", r.State)
		}
	}
	if err := b.agent.Close(t.Context()); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestStoppingARunThatWaitsForASlot(t *testing.T) {
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

func TestWhatAnInterruptedRunUsedIsKept(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	chat := b.client.Chat.Create().SetLastMessageSeq(1).SaveX(b.ctx)
	m := b.client.Message.Create().SetChatID(chat.ID).SetSeq(1).SetRole("USER").SetParts([]byte(`[]`)).SaveX(b.ctx)
	r := b.client.Run.Create().SetChatID(chat.ID).SetQuestionID(m.ID).SetState(run.StateRunning).
		SetPromptTokens(7).SetCachedTokens(3).SetCompletionTokens(5).SetReasoningTokens(2).SetPythonMs(9).SaveX(b.ctx)
	if err := b.agent.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, _ = b.await(r.ID); r.PromptTokens != 7 || r.CachedTokens != 3 || r.CompletionTokens != 5 || r.ReasoningTokens != 2 || r.PythonMs != 9 {
		t.Errorf("usage %+v", r)
	}
}
