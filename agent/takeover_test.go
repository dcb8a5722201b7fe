package agent_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// course is a model that goes by what it is told, and by nothing else: its n-th
// turn follows on n replies of its own to the question.
type course struct {
	turns  []turn
	before func(turn int) // nil: nothing

	mu      sync.Mutex
	asked   []int    // the turns that were asked for
	choices []string // and the tool that each had to choose
}

func (c *course) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	n := 0
	for _, m := range slices.Backward(req.Messages) {
		if m.Role == dialogue.User {
			break
		}
		if m.Role == dialogue.Assistant {
			n++
		}
	}
	if n >= len(c.turns) {
		return dialogue.Reply{}, fmt.Errorf("turn %d of a course of %d", n, len(c.turns))
	}
	c.mu.Lock()
	c.asked, c.choices = append(c.asked, n), append(c.choices, string(req.Choice))
	c.mu.Unlock()
	if c.before != nil {
		c.before(n)
	}
	t := c.turns[n]
	for _, d := range t.deltas {
		if err := emit(d); err != nil {
			return dialogue.Reply{}, err
		}
	}
	return t.reply, ctx.Err()
}

// longCourse has everything that a replay must get right: several calls in a
// reply, Python that fails, a call that is refused, an answer that is sent back.
func longCourse() *course {
	return &course{turns: []turn{
		calls("list_datasets", `{}`, "run_python", `{"code":"first"}`, "run_python", `{"code":"fails"}`),
		calls("no_such_tool", `{}`),
		python("second"),
		calls("final_answer", `{"story":""}`),
		calls("final_answer", `{"story":"All is well.","claims":[]}`),
	}}
}

// ran counts what Python ran.
type ran struct {
	mu   sync.Mutex
	code map[string]int
}

func (r *ran) run(_ context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
	r.mu.Lock()
	if r.code == nil {
		r.code = map[string]int{}
	}
	r.code[code]++
	r.mu.Unlock()
	emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: "did " + code + "\n"}})
	out := execution.Result{Duration: time.Millisecond}
	if code == "fails" {
		out.Failure = &execution.Failure{Name: "ValueError", Message: "no", Traceback: "ValueError: no"}
	}
	return out, nil
}

// rob takes a run away from whoever works on it, as a node's death does.
func rob(t *testing.T, s *store.Store, runID string) {
	t.Helper()
	err := s.Tx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE runs SET epoch = epoch + 1, lease_until = NULL WHERE id = $1 AND state = 'RUNNING'", runID)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A run is taken away after each of its events in turn, and once after several:
// it goes on from its rows as if nothing had happened.
func TestARunGoesOnWhereverItsNodeIsLost(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		whole := 0
		for at := 0; at == 0 || at < whole; at++ {
			model, python := longCourse(), &ran{}
			b := newBenchOf(t, s, fmt.Sprintf("ada%d@example.org", at), func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "course", LLM: model, Offline: true}}
				c.Limits.Claims = 1000
			})
			b.python.run = python.run
			b.python.origin = execution.Origin{State: execution.OriginKept}
			sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
			if err != nil {
				t.Fatal(err)
			}
			losses := 0
			ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
			for e, err := range b.log.Follow(ctx, sent.Run.ID, 0) {
				if err != nil {
					t.Fatal(err)
				}
				if at > 0 && (e.Seq == at || e.Seq > at && e.Seq%7 == 0) {
					rob(t, s, sent.Run.ID)
					losses++
				}
			}
			cancel()
			r, events := b.await(sent.Run.ID)
			whole = max(whole, min(len(events), 40))
			if r.State != run.StateSucceeded {
				t.Fatalf("lost after %d: %s %s %s", at, r.State, r.ErrorCode, r.ErrorMessage)
			}
			count := map[string]int{}
			for i, e := range events {
				if e.Seq != i+1 {
					t.Errorf("lost after %d: event %d has seq %d", at, i+1, e.Seq)
				}
				body, err := agent.Body(e.Body)
				if err != nil {
					t.Fatal(err)
				}
				switch e.Kind {
				case agent.KindStepStarted, agent.KindStepFinished, agent.KindToolStarted:
					count[e.Kind+" "+body.StepID]++
				case agent.KindRunStarted, agent.KindRunFinished:
					count[e.Kind]++
				}
			}
			for what, n := range count {
				if n != 1 {
					t.Errorf("lost after %d: %d times %s\n%v", at, n, what, kinds(events))
				}
			}
			for code, n := range python.code {
				if n != 1 {
					t.Errorf("lost after %d: %q ran %d times", at, code, n)
				}
			}
			if n := len(model.asked); n > len(model.turns)+losses {
				t.Errorf("lost after %d, %d times: the model was asked %v", at, losses, model.asked)
			}
			steps := b.client.Step.Query().Where(step.RunID(r.ID)).Order(ent.Asc(step.FieldIndex)).AllX(b.ctx)
			if len(steps) != 7 {
				t.Errorf("lost after %d: %d steps", at, len(steps))
			}
			for _, s := range steps {
				if s.Result == nil || s.State == step.StateRunning {
					t.Errorf("lost after %d: step %d has no end", at, s.Index)
				}
			}
			if n := b.client.Message.Query().Where(message.ChatID(r.ChatID)).CountX(b.ctx); n != 2 {
				t.Errorf("lost after %d: %d messages", at, n)
			}
			shown := 0
			for _, p := range b.answer(r) {
				if p.ToolCall != nil {
					shown++
				}
			}
			if shown != 4 || !strings.Contains(b.final(r).Story, "All is well.") {
				t.Errorf("lost after %d: the message shows %d calls and says %q", at, shown, b.final(r).Story)
			}
			b.close()
		}
	})
}

// What a program did whose node was lost in the middle is not known, and not done
// again: the model is told.
func TestACallInFlightIsAnsweredUnavailable(t *testing.T) {
	s := databases.SQLite(t)
	model := &course{turns: []turn{python("first"), says("done")}}
	b := newBench(t, s, func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "course", LLM: model, Offline: true}}
	})
	python := &ran{}
	begun := make(chan struct{})
	b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
		close(begun)
		python.run(ctx, code, emit)
		<-ctx.Done()
		return execution.Result{}, ctx.Err()
	}
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	rob(t, s, sent.Run.ID)
	r, _ := b.await(sent.Run.ID)
	if r.State != run.StateSucceeded {
		t.Fatalf("%s %s", r.State, r.ErrorMessage)
	}
	first := b.client.Step.Query().Where(step.RunID(r.ID), step.Index(1)).OnlyX(b.ctx)
	if first.State != step.StateFailed || !strings.Contains(*first.Result, "Do not assume that it ran") || python.code["first"] != 1 {
		t.Errorf("the step: %s %v; it ran %d times", first.State, *first.Result, python.code["first"])
	}
}

// Variables that nobody has any more are told of.
func TestATakeoverTellsThatVariablesAreGone(t *testing.T) {
	s := databases.SQLite(t)
	model := &course{turns: []turn{python("first"), python("second"), says("done")}}
	b := newBench(t, s, func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "course", LLM: model, Offline: true}}
	})
	python := &ran{}
	b.python.run = python.run
	var once sync.Once
	model.before = func(turn int) {
		if turn == 1 {
			once.Do(func() { rob(t, s, b.client.Run.Query().OnlyIDX(b.ctx)) })
		}
	}
	r, _ := b.ask(agent.Question{Text: "q"})
	second := b.client.Step.Query().Where(step.RunID(r.ID), step.Index(2)).OnlyX(b.ctx)
	if second.Result == nil || !strings.Contains(*second.Result, "no variables are there") {
		t.Errorf("told %v", second.Result)
	}
}

// A node that ends in good order gives its runs back at once, and they go on at
// the next start; that does not count as a loss.
func TestHandOver(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		model := &course{turns: []turn{python("first"), says("done")}}
		change := func(c *agent.Config) {
			c.Models = []agent.Model{{Name: "course", LLM: model, Offline: true}}
			c.Limits.Claims = 1
		}
		b := newBench(t, s, change)
		running := make(chan struct{})
		b.python.run = hangs(running)
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		waits, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ChatID: sent.Chat.ID})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		b.close()
		r := b.client.Run.GetX(b.ctx, sent.Run.ID)
		if r.State != run.StateRunning || r.LeaseUntil != nil || r.Handovers != 1 {
			t.Errorf("handed over: %s, lease %v, %d handovers", r.State, r.LeaseUntil, r.Handovers)
		}
		next := newBenchOf(t, s, "eve@example.org", change)
		next.ctx = b.ctx
		next.python.run = (&ran{}).run
		for _, id := range []string{sent.Run.ID, waits.Run.ID} {
			if r, _ := next.await(id); r.State != run.StateSucceeded {
				t.Errorf("after the next start: %s %s", r.State, r.ErrorMessage)
			}
		}
		// What is sent to a node that has ended waits.
		later, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := next.await(later.Run.ID); r.State != run.StateSucceeded {
			t.Errorf("sent to a node that has ended: %s %s", r.State, r.ErrorMessage)
		}
	})
}

// A run that takes its nodes with it is given up, with a sentence.
func TestARunThatKillsItsNodesIsGivenUp(t *testing.T) {
	s := databases.SQLite(t)
	model := &course{turns: []turn{says("done")}}
	b := newBench(t, s, func(c *agent.Config) { c.Models = []agent.Model{{Name: "course", LLM: model, Offline: true}} })
	chat := b.client.Chat.Create().SetLastMessageSeq(1).SaveX(b.ctx)
	m := b.client.Message.Create().SetChatID(chat.ID).SetSeq(1).SetRole("USER").SetParts(json.RawMessage(`[]`)).SaveX(b.ctx)
	r := b.client.Run.Create().SetChatID(chat.ID).SetQuestionID(m.ID).SetState(run.StateRunning).SetEpoch(4).
		SetPromptTokens(7).SetCachedTokens(3).SetCompletionTokens(5).SetReasoningTokens(2).SetPythonMs(9).SaveX(b.ctx)
	b.client.Step.Create().SetRunID(r.ID).SetIndex(1).SaveX(b.ctx)
	r, _ = b.await(r.ID)
	if r.State != run.StateFailed || r.ErrorCode != agent.CodeInterrupted || !strings.Contains(r.ErrorMessage, "ask again") || len(model.asked) != 0 {
		t.Errorf("%s %q %q; the model was asked %d times", r.State, r.ErrorCode, r.ErrorMessage, len(model.asked))
	}
	if r.PromptTokens != 7 || r.CachedTokens != 3 || r.CompletionTokens != 5 || r.ReasoningTokens != 2 || r.PythonMs != 9 {
		t.Errorf("usage %+v", r)
	}
	if n := b.client.Step.Query().Where(step.RunID(r.ID), step.StateEQ(step.StateRunning)).CountX(b.ctx); n != 0 {
		t.Error("its step goes on")
	}
}
