package agent_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// inquisitive is diligent, and asks the person something after the first program.
type inquisitive struct{ diligent }

func (q *inquisitive) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	last := req.Messages[len(req.Messages)-1]
	if last.Role == dialogue.ToolRole && strings.Contains(last.Content, "did program 1\n") {
		t := calls("ask_user", whichYear)
		return t.reply, ctx.Err()
	}
	return q.diligent.Stream(ctx, req, emit)
}

// The time that a run may take is that in which it is worked on: what passed before
// a wait counts after it, and the wait itself does not.
func TestWaitsTakeNothingOfARunsTimeAndGiveNothing(t *testing.T) {
	for name, review := range map[string]bool{"a question": false, "approvals": true} {
		t.Run(name, func(t *testing.T) {
			databases.Each(t, func(t *testing.T, s *store.Store) {
				model, now := &inquisitive{}, &shifted{}
				b := newBench(t, s, func(c *agent.Config) {
					c.Models = []agent.Model{{Name: "inquisitive", LLM: model, Offline: true}}
					if review {
						c.Models[0].LLM = &model.diligent
					}
					c.Clock, c.Limits.RunTime = clock.Func(now.now), time.Hour
				})
				python1 := &ran{}
				b.python.origin = execution.Origin{State: execution.OriginKept}
				b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
					now.by.Add(int64(17 * time.Minute))
					return python1.run(ctx, code, emit)
				}
				sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ReviewCode: review})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
				defer cancel()
				for e, err := range b.log.Follow(ctx, sent.Run.ID, 0) {
					if err != nil {
						t.Fatal(err)
					}
					switch e.Kind {
					case agent.KindQuestionAsked:
						now.by.Add(int64(50 * time.Hour))
						_, err = b.agent.AnswerQuestion(b.ctx, sent.Run.ID, "2024")
					case agent.KindApprovalRequested:
						now.by.Add(int64(50 * time.Hour))
						body, errBody := agent.Body(e.Body)
						if err = errBody; err == nil {
							_, _, err = b.agent.DecideApproval(b.ctx, body.ApprovalID, agent.Decision{Approve: true})
						}
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				r, _ := b.await(sent.Run.ID)
				if r.State != run.StateSucceeded || len(python1.code) != 3 {
					t.Fatalf("%s %s; ran %v, want three programs of 17 minutes in the 48 that are not for the answer", r.State, r.ErrorMessage, python1.code)
				}
				if checks := b.final(r).Checks; len(checks) != 1 || !strings.Contains(checks[0].Text, "the 1 hour that a question may take") {
					t.Errorf("checks %+v", checks)
				}
				if worked := time.Duration(r.WorkedMs) * time.Millisecond; worked < 51*time.Minute || worked > 53*time.Minute {
					t.Errorf("it was worked on for %v", worked)
				}
			})
		})
	}
}

// A run whose time was over when it began to wait has none afterwards.
func TestNoTimeIsLeftAfterAWait(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(calls("ask_user", whichYear), says("In 2024, then."))
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	b.until(sent.Run.ID, agent.KindQuestionAsked)
	b.client.Run.UpdateOneID(sent.Run.ID).SetWorkedMs(b.agent.Limits.RunTime.Milliseconds()).ExecX(b.ctx)
	if _, err := b.agent.AnswerQuestion(b.ctx, sent.Run.ID, "2024"); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.await(sent.Run.ID); r.State != run.StateFailed || r.ErrorCode != agent.CodeTimeLimit {
		t.Errorf("%s %s", r.State, r.ErrorCode)
	}
}
