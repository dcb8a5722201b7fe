package agent_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

// steered is a chat with an answer, and what steers it under a ClientMutationID.
type steered struct {
	*bench
	chat, run, step, answer string
}

func newSteered(t *testing.T, s *store.Store) steered {
	t.Helper()
	b := newBench(t, s, nil)
	b.python.run = (&ran{}).run
	b.model.then(python("one"), says("Done."))
	r, _ := b.ask(agent.Question{Text: "q", ClientMutationID: "question"})
	b.model.script = nil
	b.model.then(says("Done again."))
	return steered{b, r.ChatID, r.ID, b.stepsOf(r)[0].ID, *r.AnswerID}
}

// retry, edit and branch return the id of what they made.
func (s steered) retry(id string) (string, error) {
	r, err := s.agent.Retry(s.ctx, agent.Retrial{RunID: s.run, ClientMutationID: id})
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

func (s steered) edit(id string) (string, error) {
	r, err := s.agent.Edit(s.ctx, agent.Edit{StepID: s.step, Code: "two", Only: true, ClientMutationID: id})
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

func (s steered) branch(id string) (string, error) {
	c, err := s.agent.Branch(s.ctx, agent.Copy{ChatID: s.chat, MessageID: s.answer, ClientMutationID: id})
	if err != nil {
		return "", err
	}
	return c.ID, nil
}

// rows is how many chats and runs there are.
func (s steered) rows() string {
	return fmt.Sprintf("%d chats, %d runs", s.client.Chat.Query().CountX(s.ctx), s.client.Run.Query().CountX(s.ctx))
}

// The same request under a ClientMutationID takes place once, also when it comes
// many times at once, and again when what it made has ended.
func TestSteeringAgainTakesPlaceOnce(t *testing.T) {
	databases.Each(t, func(t *testing.T, db *store.Store) {
		s := newSteered(t, db)
		for i, steer := range []struct {
			name string
			do   func(id string) (string, error)
			rows string
		}{
			{"retry", s.retry, "1 chats, 2 runs"},
			{"edit", s.edit, "1 chats, 3 runs"},
			{"branch", s.branch, "2 chats, 4 runs"},
		} {
			made := make(chan string, 8)
			var wg sync.WaitGroup
			for range cap(made) {
				wg.Go(func() {
					id, err := steer.do(fmt.Sprint(i))
					if err != nil {
						t.Errorf("%s: %v", steer.name, err)
					}
					made <- id
				})
			}
			wg.Wait()
			close(made)
			id := <-made
			for other := range made {
				if other != id {
					t.Errorf("%s made %s and %s", steer.name, id, other)
				}
			}
			if steer.name != "branch" {
				s.await(id)
			}
			if again, err := steer.do(fmt.Sprint(i)); err != nil || again != id {
				t.Errorf("%s later: %s, %v; want %s", steer.name, again, err, id)
			}
			if got := s.rows(); got != steer.rows {
				t.Errorf("after %s there are %s, want %s", steer.name, got, steer.rows)
			}
		}
		// Without an id nothing is the same request.
		if id, err := s.branch(""); err != nil || s.rows() != "3 chats, 5 runs" {
			t.Errorf("%s, %v, %s", id, err, s.rows())
		}
	})
}

// Under the ClientMutationID of another request nothing takes place.
func TestAnotherRequestUnderTheSameID(t *testing.T) {
	databases.Each(t, func(t *testing.T, db *store.Store) {
		s := newSteered(t, db)
		retried, err := s.retry("retry")
		if err != nil {
			t.Fatal(err)
		}
		s.await(retried)
		edited, err := s.edit("edit")
		if err != nil {
			t.Fatal(err)
		}
		s.await(edited)
		if _, err := s.branch("branch"); err != nil {
			t.Fatal(err)
		}
		before := s.rows()
		question := s.client.Message.Query().Where(message.ChatID(s.chat), message.Seq(1)).OnlyIDX(s.ctx)
		for name, do := range map[string]func() error{
			"a retry as the question": func() error { _, err := s.retry("question"); return err },
			"a question as the retry": func() error {
				_, err := s.agent.Send(s.ctx, agent.Question{ChatID: s.chat, Text: "q", ClientMutationID: "retry"})
				return err
			},
			"another run": func() error {
				_, err := s.agent.Retry(s.ctx, agent.Retrial{RunID: retried, ClientMutationID: "retry"})
				return err
			},
			"another model": func() error {
				_, err := s.agent.Retry(s.ctx, agent.Retrial{RunID: s.run, Model: "other", ClientMutationID: "retry"})
				return err
			},
			"a retry as the edit":  func() error { _, err := s.retry("edit"); return err },
			"an edit as the retry": func() error { _, err := s.edit("retry"); return err },
			"other code": func() error {
				_, err := s.agent.Edit(s.ctx, agent.Edit{StepID: s.step, Code: "three", Only: true, ClientMutationID: "edit"})
				return err
			},
			"going on": func() error {
				_, err := s.agent.Edit(s.ctx, agent.Edit{StepID: s.step, Code: "two", ClientMutationID: "edit"})
				return err
			},
			"another message": func() error {
				_, err := s.agent.Branch(s.ctx, agent.Copy{ChatID: s.chat, MessageID: question, ClientMutationID: "branch"})
				return err
			},
		} {
			if f, ok := fault.As(do()); !ok || f.Code != fault.BadUserInput || f.Field != "clientMutationId" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if got := s.rows(); got != before {
			t.Errorf("there are %s, and were %s", got, before)
		}
		// One that was refused leaves the id to the next.
		_, err = s.agent.Retry(s.ctx, agent.Retrial{RunID: s.run, Model: "other", ClientMutationID: "free"})
		wantFault(t, err, fault.BadUserInput)
		if _, err := s.retry("free"); err != nil {
			t.Error(err)
		}
	})
}
