package agent_test

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// hangs is a step of Python that says when it runs and goes on until it is
// cancelled.
func hangs(running chan<- struct{}) func(context.Context, string, func(execution.Event)) (execution.Result, error) {
	return func(ctx context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: "so far\n"}})
		close(running)
		<-ctx.Done()
		return execution.Result{}, &execution.Error{Code: execution.CodeCancelled, Message: "Cancelled."}
	}
}

func TestStopWhilePythonRuns(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		running := make(chan struct{})
		b.python.run = hangs(running)
		b.model.then(python("while True: pass"))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
			t.Fatal(err)
		}
		r, _ := b.await(sent.Run.ID)
		if r.State != run.StateCancelled || r.ErrorCode != "" || !r.CancelRequested {
			t.Errorf("state %s, error %q", r.State, r.ErrorCode)
		}
		st := b.client.Step.Query().OnlyX(b.ctx)
		if st.State != step.StateCancelled || st.Result == nil {
			t.Errorf("step %s, result %v", st.State, st.Result)
		}
		if b.python.closed != 1 {
			t.Error("the session was not closed")
		}
		// Stopping again, after the end, is harmless.
		if again, err := b.agent.Stop(b.ctx, r.ID); err != nil || again.State != run.StateCancelled || again.LastSeq != r.LastSeq {
			t.Errorf("second stop: %v, %v", again, err)
		}
	})
}

func TestStopWhileTheModelIsAsked(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	asked := make(chan struct{})
	b.model.then(turn{first: func(ctx context.Context) { close(asked); <-ctx.Done() }})
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.await(sent.Run.ID); r.State != run.StateCancelled {
		t.Errorf("state %s", r.State)
	}
}

func TestRunsOfOneChatGoInOrderAndAWaitingOneCanBeStopped(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	running := make(chan struct{})
	b.python.run = hangs(running)
	b.model.then(python("1"), says("third"))
	first, err := b.agent.Send(b.ctx, agent.Question{Text: "first"})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	var waiting [2]agent.Sent
	for i := range waiting {
		if waiting[i], err = b.agent.Send(b.ctx, agent.Question{ChatID: first.Chat.ID, Text: "more"}); err != nil {
			t.Fatal(err)
		}
	}
	if active, err := b.agent.ActiveRun(b.ctx, first.Chat.ID); err != nil || active.ID != first.Run.ID {
		t.Errorf("active run %v, %v", active, err)
	}
	stopped, err := b.agent.Stop(b.ctx, waiting[0].Run.ID)
	if err != nil || stopped.State != run.StateCancelled {
		t.Fatalf("stopping a waiting run: %v, %v", stopped, err)
	}
	if r := b.client.Run.GetX(b.ctx, waiting[1].Run.ID); r.State != run.StateQueued {
		t.Errorf("the last run is %s while the first goes on", r.State)
	}
	if _, err := b.agent.Stop(b.ctx, first.Run.ID); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.await(waiting[1].Run.ID); r.State != run.StateSucceeded {
		t.Errorf("the last run ended %s", r.State)
	}
}

func TestTimeLimit(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.RunTime = 50 * time.Millisecond })
	b.python.run = hangs(make(chan struct{}))
	b.model.then(python("1"))
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateFailed || r.ErrorCode != agent.CodeTimeLimit || !strings.Contains(r.ErrorMessage, "a narrower question") {
		t.Errorf("state %s, error %q: %s", r.State, r.ErrorCode, r.ErrorMessage)
	}
}

// TestTimeLimitOfASilentModel: it is not for the person to ask in another way. The time
// is enough for the model to be asked.
func TestTimeLimitOfASilentModel(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.RunTime = 3 * time.Second })
	b.model.then(turn{
		last: func(ctx context.Context) { <-ctx.Done() },
		err:  &dialogue.Error{Code: dialogue.CodeUnavailable, Message: "stopped"},
	})
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.ErrorCode != agent.CodeTimeLimit || !strings.Contains(r.ErrorMessage, "waiting for the model") || strings.Contains(r.ErrorMessage, "narrower") {
		t.Errorf("error %q: %s", r.ErrorCode, r.ErrorMessage)
	}
}

// Whoever deletes a chat and goes away at once leaves nothing of it behind.
func TestDeleteChatAndGoAway(t *testing.T) {
	var blobs string
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
		blobs = t.TempDir()
		c.Blobs = folder(blobs)
	})
	b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEFile, Artifact: &execution.Artifact{
			Name: "a.csv", MIMEType: "text/csv", SizeBytes: 1, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil },
		}}})
		return execution.Result{}, nil
	}
	b.model.then(python("1"), says("done"))
	r, _ := b.ask(agent.Question{Text: "q"})
	files := func() int {
		left, err := os.ReadDir(blobs)
		if err != nil {
			t.Fatal(err)
		}
		return len(left)
	}
	if n := files(); n != 1 {
		t.Fatalf("%d files are kept", n)
	}
	ctx, goAway := context.WithCancel(b.ctx)
	defer goAway()
	b.client.Chat.Use(func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if m.Op().Is(ent.OpDeleteOne) {
				defer goAway()
			}
			return next.Mutate(ctx, m)
		})
	})
	if err := b.agent.DeleteChat(ctx, r.ChatID); err != nil {
		t.Errorf("it returned %v", err)
	}
	if n := files(); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestDeleteChat(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		d := b.dataset("a.csv")
		running := make(chan struct{})
		b.python.run = hangs(running)
		b.model.then(python("1"))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q", DatasetIDs: []string{d.ID}})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		if err := b.agent.DeleteChat(b.ctx, sent.Chat.ID); err != nil {
			t.Fatal(err)
		}
		for what, n := range map[string]int{
			"chats": b.client.Chat.Query().CountX(b.ctx), "messages": b.client.Message.Query().CountX(b.ctx),
			"runs": b.client.Run.Query().CountX(b.ctx), "steps": b.client.Step.Query().CountX(b.ctx),
			"events": b.client.Event.Query().CountX(b.ctx),
		} {
			if n != 0 {
				t.Errorf("%d %s are left", n, what)
			}
		}
		if n := b.client.Dataset.Query().CountX(b.ctx); n != 1 {
			t.Errorf("%d datasets", n)
		}
		if err := b.agent.DeleteChat(b.ctx, sent.Chat.ID); !ent.IsNotFound(err) {
			t.Errorf("deleting it again: %v", err)
		}
	})
}
