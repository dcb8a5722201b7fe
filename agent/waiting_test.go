package agent_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/approval"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

const whichYear = `{"question":"Which year?","options":["2023","2024"]}`

// until follows a run to its next event of a kind.
func (b *bench) until(runID, kind string) agent.EventBody {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	for e, err := range b.log.Follow(ctx, runID, 0) {
		if err != nil {
			b.t.Fatal(err)
		}
		if e.Kind == kind {
			body, err := agent.Body(e.Body)
			if err != nil {
				b.t.Fatal(err)
			}
			return body
		}
	}
	b.t.Fatalf("the run ended without %s", kind)
	return agent.EventBody{}
}

// stranger is somebody else.
func (b *bench) stranger() context.Context {
	b.t.Helper()
	u := b.client.User.Create().SetEmail("eve@example.org").SetPasswordHash("x").SaveX(auth.System(b.t.Context(), "test"))
	return auth.WithViewer(b.t.Context(), auth.Viewer{UserID: u.ID})
}

func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if f, ok := fault.As(err); !ok || f.Code != code {
		t.Errorf("got the error %v, want %s", err, code)
	}
}

func TestARunAsksAndGoesOnWithTheAnswer(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(calls("ask_user", whichYear), says("In 2024, then."))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "How much was it?"})
		if err != nil {
			t.Fatal(err)
		}
		asked := b.until(sent.Run.ID, agent.KindQuestionAsked)
		if asked.Text != "Which year?" || !slices.Equal(asked.Options, []string{"2023", "2024"}) {
			t.Errorf("asked %+v", asked)
		}
		waits := b.client.Run.GetX(b.ctx, sent.Run.ID)
		if waits.State != run.StateWaiting || waits.LeaseUntil != nil || waits.Node != "" {
			t.Errorf("%s, lease until %v, node %q: it is to wait in its row alone", waits.State, waits.LeaseUntil, waits.Node)
		}
		st := b.client.Step.Query().OnlyX(b.ctx)
		if q, ok := agent.Asking(st); !ok || q.Text != "Which year?" {
			t.Errorf("the step asks %+v, %v", q, ok)
		}
		_, err = b.agent.AnswerQuestion(b.ctx, waits.ID, "  ")
		wantFault(t, err, fault.BadUserInput)
		if _, err = b.agent.AnswerQuestion(b.stranger(), waits.ID, "2024"); !ent.IsNotFound(err) {
			t.Errorf("a stranger's answer: %v", err)
		}
		if _, err := b.agent.AnswerQuestion(b.ctx, waits.ID, "2024"); err != nil {
			t.Fatal(err)
		}
		r, events := b.await(waits.ID)
		if r.State != run.StateSucceeded || b.final(r).Story != "In 2024, then." {
			t.Errorf("%s, %s", r.State, b.final(r).Story)
		}
		last := b.model.requests[len(b.model.requests)-1].Messages
		if said := last[len(last)-1].Content; !strings.Contains(said, "2024") {
			t.Errorf("the model was told %q", said)
		}
		want := []string{"RunStarted", "StepStarted", "ToolArgsDelta", "UsageUpdated", "ToolStarted", "QuestionAsked", "StepFinished",
			"StepStarted", "TextDelta", "UsageUpdated", "StepFinished", "RunFinished"}
		if got := kinds(events); !slices.Equal(got, want) {
			t.Errorf("events\n got %v\nwant %v", got, want)
		}
		_, err = b.agent.AnswerQuestion(b.ctx, r.ID, "2023")
		wantFault(t, err, fault.Conflict)
	})
}

func TestAnotherMessageInsteadOfAnAnswer(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(calls("ask_user", whichYear), says("The year is open."), says("Hello."))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "How much?"})
		if err != nil {
			t.Fatal(err)
		}
		b.until(sent.Run.ID, agent.KindQuestionAsked)
		next, _ := b.ask(agent.Question{ChatID: sent.Chat.ID, Text: "Never mind."})
		first, _ := b.await(sent.Run.ID)
		if b.final(first).Story != "The year is open." || b.final(next).Story != "Hello." {
			t.Errorf("%q, %q", b.final(first).Story, b.final(next).Story)
		}
	})
}

// leaving is a queue whose client goes away as soon as a question is stored.
type leaving struct {
	agent.Queue
	leave func()
}

func (leaving) Hold() (func(agent.Job) bool, func(), bool) { return nil, nil, false }

func (l leaving) Enqueue(ctx context.Context, jobs ...agent.Job) error {
	l.leave()
	return l.Queue.Enqueue(ctx, jobs...)
}

// Whoever asks for an answer moves on though the client has gone away meanwhile, or
// the node has: then the client sends once more.
func TestAnotherMessageOfAClientThatLeaves(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		for name, send := range map[string]func(agent.Question) (agent.Sent, error){
			"away": func(q agent.Question) (agent.Sent, error) {
				ctx, leave := context.WithCancel(b.ctx)
				config := b.agent.Config
				config.Queue = leaving{config.Queue, leave}
				other, err := agent.New(config)
				if err != nil {
					t.Fatal(err)
				}
				return other.Send(ctx, q)
			},
			"again": func(q agent.Question) (agent.Sent, error) {
				b.client.Chat.UpdateOneID(q.ChatID).AddLastMessageSeq(1).ExecX(b.ctx)
				m := b.client.Message.Create().SetChatID(q.ChatID).SetSeq(2).SetRole("USER").SetParts([]byte(`[{"text":{"text":"Never mind."}}]`)).SaveX(b.ctx)
				b.client.Run.Create().SetChatID(q.ChatID).SetQuestionID(m.ID).SetModel("scripted").SetClientMutationID(q.ClientMutationID).SaveX(b.ctx)
				return b.agent.Send(b.ctx, q)
			},
		} {
			b.model.script = nil
			b.model.then(calls("ask_user", whichYear), says("The year is open."), says("Hello."))
			first, err := b.agent.Send(b.ctx, agent.Question{Text: "How much?"})
			if err != nil {
				t.Fatal(err)
			}
			b.until(first.Run.ID, agent.KindQuestionAsked)
			next, err := send(agent.Question{ChatID: first.Chat.ID, Text: "Never mind.", ClientMutationID: name})
			if err != nil {
				t.Fatal(name, err)
			}
			r, _ := b.await(next.Run.ID)
			if before, _ := b.await(first.Run.ID); b.final(before).Story != "The year is open." || b.final(r).Story != "Hello." {
				t.Errorf("%s: %q, %q", name, b.final(before).Story, b.final(r).Story)
			}
		}
	})
}

// A model that asks once more does not keep the person's next question waiting.
func TestAnotherMessageInsteadOfAnAnswerHoldsForAllOfTheRun(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(calls("ask_user", whichYear), calls("ask_user", `{"question":"Really?"}`), says("The year is open."), says("Hello."), calls("ask_user", whichYear))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "How much?"})
		if err != nil {
			t.Fatal(err)
		}
		b.until(sent.Run.ID, agent.KindQuestionAsked)
		next, _ := b.ask(agent.Question{ChatID: sent.Chat.ID, Text: "Never mind."})
		first, events := b.await(sent.Run.ID)
		if b.final(first).Story != "The year is open." || b.final(next).Story != "Hello." {
			t.Errorf("%q, %q", b.final(first).Story, b.final(next).Story)
		}
		if n := strings.Count(strings.Join(kinds(events), " "), agent.KindQuestionAsked); n != 1 {
			t.Errorf("the person was asked %d times", n)
		}
		// Another run asks as ever.
		later, err := b.agent.Send(b.ctx, agent.Question{ChatID: sent.Chat.ID, Text: "How much, then?"})
		if err != nil {
			t.Fatal(err)
		}
		b.until(later.Run.ID, agent.KindQuestionAsked)
	})
}

func TestAQuestionOutlivesItsNode(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(calls("ask_user", whichYear), says("Good."))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "How much?"})
		if err != nil {
			t.Fatal(err)
		}
		b.until(sent.Run.ID, agent.KindQuestionAsked)
		b.close()
		next := newBenchOf(t, s, "bob@example.org", func(c *agent.Config) { c.Models[0].LLM, c.Node = b.model, "next" })
		if _, err := next.agent.AnswerQuestion(b.ctx, sent.Run.ID, "2023"); err != nil {
			t.Fatal(err)
		}
		next.ctx = b.ctx
		if r, _ := next.await(sent.Run.ID); r.State != run.StateSucceeded || next.final(r).Story != "Good." || len(b.model.requests) != 2 {
			t.Errorf("%s, asked %d times", r.State, len(b.model.requests))
		}
	})
}

func TestCodeRunsOnlyWhenItIsApproved(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		python1 := &ran{}
		b.python.run = python1.run
		b.model.then(python("drop()"), python("look()"), says("Done."))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ReviewCode: true})
		if err != nil {
			t.Fatal(err)
		}
		asked := b.until(sent.Run.ID, agent.KindApprovalRequested)
		a := b.client.Approval.GetX(b.ctx, asked.ApprovalID)
		if request, err := agent.RequestOf(a); err != nil || request.Code != "drop()" || a.State != approval.StatePending {
			t.Errorf("%+v is %s (%v)", request, a.State, err)
		}
		_, _, err = b.agent.DecideApproval(b.ctx, a.ID, agent.Decision{Note: strings.Repeat("x", 3000)})
		wantFault(t, err, fault.BadUserInput)
		if _, _, err = b.agent.DecideApproval(b.stranger(), a.ID, agent.Decision{Approve: true}); !ent.IsNotFound(err) {
			t.Errorf("a stranger's decision: %v", err)
		}
		if len(python1.code) != 0 {
			t.Fatalf("%v ran unapproved", python1.code)
		}
		_, err = b.agent.AnswerQuestion(b.ctx, sent.Run.ID, "yes")
		wantFault(t, err, fault.Conflict)
		if _, _, err := b.agent.DecideApproval(b.ctx, a.ID, agent.Decision{Note: "Only look."}); err != nil {
			t.Fatal(err)
		}
		second := b.pending(sent.Run.ID, a.ID)
		// What was decided stands: the same again is harmless, another is not.
		if again, r, err := b.agent.DecideApproval(b.ctx, a.ID, agent.Decision{}); err != nil || again.State != approval.StateRejected || r.ID != sent.Run.ID {
			t.Errorf("the same decision again: %v", err)
		}
		_, _, err = b.agent.DecideApproval(b.ctx, a.ID, agent.Decision{Approve: true})
		wantFault(t, err, fault.Conflict)
		if decided, _, err := b.agent.DecideApproval(b.ctx, second, agent.Decision{Approve: true}); err != nil || decided.DecidedAt == nil {
			t.Fatal(decided, err)
		}
		r, _ := b.await(sent.Run.ID)
		if r.State != run.StateSucceeded || python1.code["drop()"] != 0 || python1.code["look()"] != 1 {
			t.Errorf("%s; what ran: %v", r.State, python1.code)
		}
		if len(b.python.opened) != 1 { // not for those that nobody has approved
			t.Errorf("%d sessions were opened", len(b.python.opened))
		}
		told := b.model.requests[1].Messages
		if result := told[len(told)-1].Content; !strings.Contains(result, "Only look.") || !strings.Contains(result, "refused") {
			t.Errorf("the model was told %q", result)
		}
		steps := b.client.Step.Query().Order(ent.Asc(step.FieldIndex)).AllX(b.ctx)
		if steps[0].State != step.StateFailed || steps[0].ErrorCode != "APPROVAL_REJECTED" || steps[1].State != step.StateSucceeded {
			t.Errorf("steps %s %s, %s", steps[0].State, steps[0].ErrorCode, steps[1].State)
		}
	})
}

// pending waits for an approval other than one that was decided.
func (b *bench) pending(runID, not string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	for e, err := range b.log.Follow(ctx, runID, 0) {
		if err != nil {
			b.t.Fatal(err)
		}
		if body, err := agent.Body(e.Body); err == nil && e.Kind == agent.KindApprovalRequested && body.ApprovalID != not {
			return body.ApprovalID
		}
	}
	b.t.Fatal("nothing more was asked for")
	return ""
}

func TestAServerCanHaveAllCodeReviewed(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.ReviewCode = true })
	python1 := &ran{}
	b.python.run = python1.run
	b.model.then(python("x"), says("Done."))
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	asked := b.until(sent.Run.ID, agent.KindApprovalRequested)
	if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
		t.Fatal(err)
	}
	r, events := b.await(sent.Run.ID)
	body, err := agent.Body(events[len(events)-1].Body)
	if err != nil || r.State != run.StateCancelled || body.Stopped == nil || body.Stopped.What != agent.DoingPerson || len(python1.code) != 0 {
		t.Errorf("%s, %+v, ran %v (%v)", r.State, body.Stopped, python1.code, err)
	}
	if a := b.client.Approval.GetX(b.ctx, asked.ApprovalID); a.State != approval.StateWithdrawn {
		t.Errorf("the approval is %s", a.State)
	}
	_, _, err = b.agent.DecideApproval(b.ctx, asked.ApprovalID, agent.Decision{Approve: true})
	wantFault(t, err, fault.Conflict)
}

// Questions and approvals, with the node lost after each event in turn.
func TestAWaitingRunGoesOnWhereverItsNodeIsLost(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		whole := 0
		for at := 0; at == 0 || at < whole; at++ {
			model, python1 := &course{turns: []turn{
				calls("ask_user", whichYear, "run_python", `{"code":"first"}`),
				calls("ask_user", whichYear),
				calls("final_answer", `{"story":"All is well."}`),
			}}, &ran{}
			b := newBenchOf(t, s, fmt.Sprintf("ada%d@example.org", at), func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "course", LLM: model, Offline: true}}
				c.Limits.Claims = 1000
			})
			b.python.run, b.python.origin = python1.run, execution.Origin{State: execution.OriginKept}
			sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ReviewCode: true})
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
			for e, err := range b.log.Follow(ctx, sent.Run.ID, 0) {
				if err != nil {
					t.Fatal(err)
				}
				body, err := agent.Body(e.Body)
				if err != nil {
					t.Fatal(err)
				}
				switch e.Kind {
				case agent.KindQuestionAsked:
					asked++
					if _, err := b.agent.AnswerQuestion(b.ctx, sent.Run.ID, "2024"); err != nil {
						t.Fatal(err)
					}
				case agent.KindApprovalRequested:
					if _, _, err := b.agent.DecideApproval(b.ctx, body.ApprovalID, agent.Decision{Approve: true}); err != nil {
						t.Fatal(err)
					}
				}
				if e.Seq == at {
					rob(t, s, sent.Run.ID)
				}
			}
			cancel()
			r, events := b.await(sent.Run.ID)
			whole = max(whole, len(events))
			if r.State != run.StateSucceeded || asked != 2 || python1.code["first"] > 1 {
				t.Errorf("lost after %d: %s %s, asked %d times, ran %v", at, r.State, r.ErrorMessage, asked, python1.code)
			}
			b.close()
		}
	})
}

// What a run has shown is kept when it is stopped while it waits, as when it is
// stopped at work.
func TestARunThatIsStoppedWhileItWaitsKeepsWhatItHasShown(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = (&ran{}).run
		first := python("one")
		first.reply.Message.Content = "Let me look."
		b.model.then(first, calls("ask_user", whichYear))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		b.until(sent.Run.ID, agent.KindQuestionAsked)
		if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
			t.Fatal(err)
		}
		r, _ := b.await(sent.Run.ID)
		var got []string
		for _, p := range b.answer(r) {
			switch {
			case p.Text != nil:
				got = append(got, p.Text.Text)
			case p.ToolCall != nil:
				got = append(got, p.ToolCall.Code+" "+p.ToolCall.State)
			case p.Output != nil:
				got = append(got, p.Output.Output.Text)
			}
		}
		if len(got) != 4 || got[0] != "Let me look." || got[1] != "one SUCCEEDED" || got[2] != "did one\n" {
			t.Errorf("Mark's message holds %q", got)
		}
	})
}

// A question under a name that was given to one without review is another: its
// programs would run unseen.
func TestAReviewIsNotLostInARepetition(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(says("Done."))
	first, _ := b.ask(agent.Question{Text: "q", ClientMutationID: "once"})
	_, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ClientMutationID: "once", ReviewCode: true})
	wantFault(t, err, fault.BadUserInput)
	again, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ClientMutationID: "once"})
	if err != nil || again.Run.ID != first.ID {
		t.Errorf("the same again: %+v, %v", again.Run, err)
	}
}
