package agent_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/memory"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/store"
)

// A run that is taken over while the history is told in short, or after, goes on
// with one memory, of which what each summary took counts.
func TestASummarySurvivesATakeover(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		for _, when := range []string{"while it is made", "after it was made"} {
			model := &listener{}
			b := newBenchOf(t, s, strings.ReplaceAll(when, " ", "")+"@example.org", func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "listener", LLM: model, ContextTokens: 8_000}}
			})
			chat := b.long(4)
			var before []string
			lost := 0
			model.before = func(summarises bool) {
				made := b.client.Memory.Query().CountX(b.ctx)
				if lost == 0 && (summarises && when == "while it is made" || !summarises && made > 0 && when == "after it was made") {
					lost++
					rob(t, s, b.client.Run.Query().Where(run.StateEQ(run.StateRunning)).OnlyIDX(b.ctx))
				}
			}
			for len(before) < 20 && lost == 0 {
				r, _ := b.ask(agent.Question{ChatID: chat, Text: "And now? " + strings.Repeat("Say it in many words. ", 20)})
				before = append(before, r.ID)
				if r.State != run.StateSucceeded {
					t.Fatalf("%s: %s %s", when, r.State, r.ErrorMessage)
				}
			}
			made := b.client.Memory.Query().AllX(b.ctx)
			if lost != 1 || len(made) != 1 {
				t.Fatalf("%s: lost %d times, %d memories", when, lost, len(made))
			}
			var billed, stored int
			for _, r := range b.client.Run.Query().AllX(b.ctx) {
				stored += r.PromptTokens
			}
			// The reply that was on its way to the lost node is nobody's.
			if billed = model.billed.PromptTokens - 100; stored != billed {
				t.Errorf("%s: %d tokens are stored of %d", when, stored, billed)
			}
			last := model.asked[len(model.asked)-1]
			if !strings.Contains(last.Messages[1].Content, "<summary of the conversation") || !strings.Contains(last.Messages[1].Content, defined) {
				t.Errorf("%s: the model was told %q", when, last.Messages[1].Content)
			}
			b.sameDay()
			b.close()
		}
	})
}

// A run that is stopped while the history is told in short ends as one that is
// stopped.
func TestStopWhileAChatIsSummedUp(t *testing.T) {
	model := &listener{}
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "listener", LLM: model}}
		c.Limits.HistoryTokens = 600
	})
	chat := b.long(4)
	begun, once := make(chan struct{}), sync.Once{}
	hold := make(chan struct{})
	model.before = func(summarises bool) {
		if summarises {
			once.Do(func() { close(begun); <-hold })
		}
	}
	var id string
	for range 10 {
		sent, err := b.agent.Send(b.ctx, agent.Question{ChatID: chat, Text: "And now?"})
		if err != nil {
			t.Fatal(err)
		}
		id = sent.Run.ID
		ended := make(chan struct{})
		go func() { b.await(id); close(ended) }()
		select {
		case <-ended:
			continue
		case <-begun:
		}
		if _, err := b.agent.Stop(b.ctx, id); err != nil {
			t.Fatal(err)
		}
		close(hold)
		<-ended
		break
	}
	if r := b.client.Run.GetX(b.ctx, id); r.State != run.StateCancelled {
		t.Errorf("%s %s", r.State, r.ErrorMessage)
	}
}

var errAway = errors.New("away")

// A model that does not end its summary is ended, and one that says nothing has
// given none.
func TestOddSummaries(t *testing.T) {
	for name, test := range map[string]struct {
		text   string
		err    error
		digest bool
	}{
		"endless": {strings.Repeat("and so on ", 10_000), nil, false},
		"empty":   {" \n", nil, true},
		"away":    {"", errAway, true},
	} {
		t.Run(name, func(t *testing.T) {
			model := &odd{text: test.text, err: test.err}
			b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "odd", LLM: model}}
				c.Limits.HistoryTokens = 400
			})
			b.long(8)
			m := b.client.Memory.Query().Where(memory.ThroughSeqGT(0)).Order(ent.Desc(memory.FieldCreatedAt)).FirstX(b.ctx)
			if m.Digest != test.digest || m.Text == "" || tokens.New().Count(m.Text) > 100 {
				t.Errorf("digest %t, %d tokens: %q", m.Digest, tokens.New().Count(m.Text), m.Text)
			}
			if test.digest && !strings.Contains(m.Text, "- Asked: DEFINITION") {
				t.Errorf("the digest is %q", m.Text)
			}
		})
	}
}

// odd answers questions like a listener, and sums up as it is told to.
type odd struct {
	listener
	text string
	err  error
}

func (o *odd) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	if !strings.Contains(req.Messages[0].Content, "keep the memory") {
		return o.listener.Stream(ctx, req, emit)
	}
	for piece := range strings.SplitSeq(o.text, " ") {
		if err := emit(dialogue.Delta{Text: piece + " "}); err != nil {
			return dialogue.Reply{}, err
		}
	}
	return dialogue.Reply{Message: dialogue.Message{Role: dialogue.Assistant, Content: o.text}, Finish: dialogue.FinishStop}, o.err
}
