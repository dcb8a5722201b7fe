package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/store"
)

// namer answers questions as a script says, and gives titles, which it is asked for
// without tools.
type namer struct {
	scriptedModel
	title  turn
	before func() // a title is given; nil: nothing
	named  []dialogue.Request
}

func (n *namer) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	if len(req.Tools) > 0 {
		return n.scriptedModel.Stream(ctx, req, emit)
	}
	if n.before != nil {
		n.before()
	}
	n.named = append(n.named, req)
	return n.title.reply, n.title.err
}

// titles are the jobs that were given.
type titles chan agent.TitleJob

func (q titles) Enqueue(_ context.Context, jobs ...agent.TitleJob) error {
	for _, j := range jobs {
		q <- j
	}
	return nil
}

const longQuestion = "I would like to know how much all the penguins of the Palmer archipelago weigh, by species and by sex, please."

// newNamed is a bench whose chats are named.
func newNamed(t *testing.T, s *store.Store, change func(*agent.Config)) (*bench, *namer, titles) {
	t.Helper()
	model, jobs := &namer{title: says("Weight of penguins")}, make(titles, 10)
	b := newBench(t, s, func(c *agent.Config) {
		c.Models[0].LLM, c.Models[0].Prices, c.Titles = model, dialogue.Prices{Input: 1, Output: 2}, jobs
		if change != nil {
			change(c)
		}
	})
	model.then(says("A lot."))
	return b, model, jobs
}

// name does the jobs that are there, and returns a chat's title.
func (b *bench) name(jobs titles, chatID string) string {
	b.t.Helper()
	for {
		select {
		case j := <-jobs:
			if err := b.agent.Title(context.WithoutCancel(b.t.Context()), j); err != nil {
				b.t.Error(err)
			}
		default:
			return b.client.Chat.GetX(b.ctx, chatID).Title
		}
	}
}

// asks waits until the agent is done with a run, all that follows its end included.
func (b *bench) asks(q agent.Question) *ent.Run {
	b.t.Helper()
	r, _ := b.ask(q)
	b.settle()
	return r
}

// settle waits until this node works on nothing.
func (b *bench) settle() {
	b.t.Helper()
	if err := b.agent.HandOver(b.t.Context()); err != nil {
		b.t.Error(err)
	}
}

// The first answer in a chat brings it a title, once, and what that took counts.
func TestAChatGetsATitle(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b, model, jobs := newNamed(t, s, nil)
		model.script = nil
		model.then(turn{err: &dialogue.Error{Code: dialogue.CodeRefused, Message: "No."}}, says("A lot."))
		failed, _ := b.ask(agent.Question{Text: longQuestion})
		first, _ := b.ask(agent.Question{ChatID: failed.ChatID, Text: "How much?"})
		b.ask(agent.Question{ChatID: failed.ChatID, Text: "Why?"})
		b.settle()
		if len(jobs) != 1 {
			t.Fatalf("%d titles were asked for", len(jobs))
		}
		before := b.client.Chat.GetX(b.ctx, failed.ChatID)
		if !strings.HasPrefix(before.Title, "I would like") || before.TitledBy != chat.TitledByQuestion {
			t.Errorf("until then it is called %q, by %s", before.Title, before.TitledBy)
		}
		if got := b.name(jobs, first.ChatID); got != "Weight of penguins" {
			t.Errorf("it is called %q", got)
		}
		shown := text(model.named[0].Messages)
		if len(model.named) != 1 || !strings.Contains(shown, "How much?") || !strings.Contains(shown, "A lot.") || model.named[0].MaxTokens == 0 {
			t.Errorf("%d titles; the model was shown\n%s", len(model.named), shown)
		}
		if r := b.client.Run.GetX(b.ctx, first.ID); r.PromptTokens != 20 || r.CompletionTokens != 10 || r.CostMicros != 40 {
			t.Errorf("used are %d and %d tokens, %d micros", r.PromptTokens, r.CompletionTokens, r.CostMicros)
		}
		b.sameDay()
	})
}

// What a person has called a chat is what it is called, also where that is what the
// question would be, or comes while the model thinks of a title.
func TestAPersonsTitleStays(t *testing.T) {
	for name, test := range map[string]struct{ before, meanwhile bool }{"before": {true, false}, "meanwhile": {false, true}} {
		t.Run(name, func(t *testing.T) {
			databases.Each(t, func(t *testing.T, s *store.Store) {
				b, model, jobs := newNamed(t, s, nil)
				rename := func() {
					c := b.client.Chat.Query().OnlyX(b.ctx)
					c.Update().SetTitle(c.Title).SetTitledBy(chat.TitledByPerson).ExecX(b.ctx)
				}
				if test.meanwhile {
					model.before = rename
				}
				r := b.asks(agent.Question{Text: longQuestion})
				if test.before {
					rename()
				}
				if got := b.name(jobs, r.ChatID); !strings.HasPrefix(got, "I would like") {
					t.Errorf("it is called %q", got)
				}
				b.sameDay()
			})
		})
	}
}

// Where no title comes the question stays, and what was tried counts.
func TestATitleThatComesToNothing(t *testing.T) {
	cut := says("Weight of")
	cut.reply.Finish = dialogue.FinishLength
	broken := says("Weight of")
	broken.err = &dialogue.Error{Code: dialogue.CodeUnavailable, Message: "Gone."}
	for name, title := range map[string]turn{
		"empty": says(" \n"), "a speech": says(strings.Repeat("All about penguins. ", 10)), "cut": cut, "broken off": broken,
		"a call": calls("run_python", `{"code":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			b, model, jobs := newNamed(t, databases.SQLite(t), nil)
			model.title = title
			r := b.asks(agent.Question{Text: longQuestion})
			if got := b.name(jobs, r.ChatID); !strings.HasPrefix(got, "I would like") {
				t.Errorf("it is called %q", got)
			}
			if got := b.client.Run.GetX(b.ctx, r.ID); got.PromptTokens != 10+title.reply.Usage.PromptTokens {
				t.Errorf("%d tokens are counted", got.PromptTokens)
			}
			b.sameDay()
		})
	}
}

// Nobody is asked for a title where that would be of no use, or may not be.
func TestNoTitleIsAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*agent.Config)
		after  func(*bench, *ent.Run)
	}{
		"the offline analyst": {func(c *agent.Config) { c.Models[0].Offline = true }, nil},
		"it is switched off":  {func(c *agent.Config) { c.Titles = nil }, nil},
		"the day is spent":    {func(c *agent.Config) { c.Limits.PerDay.Tokens = 15 }, nil},
		"the run is spent":    {func(c *agent.Config) { c.Limits.PerRun.Tokens = 15 }, nil},
		"the chat is deleted": {nil, func(b *bench, r *ent.Run) {
			if err := b.agent.DeleteChat(b.ctx, r.ChatID); err != nil {
				b.t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b, model, jobs := newNamed(t, databases.SQLite(t), test.change)
			r := b.asks(agent.Question{Text: longQuestion})
			if test.after != nil {
				test.after(b, r)
			}
			for len(jobs) > 0 {
				if err := b.agent.Title(t.Context(), <-jobs); err != nil {
					t.Error(err)
				}
			}
			if len(model.named) != 0 {
				t.Errorf("%d titles were asked for", len(model.named))
			}
		})
	}
}

// Of what a model writes the title is taken.
func TestTitlesAreBared(t *testing.T) {
	for wrote, want := range map[string]string{
		"Weight of penguins":                 "Weight of penguins",
		"\n\n**Weight of penguins.**\nIt is": "Weight of penguins",
		`"Weight of penguins"`:               "Weight of penguins",
		"# Title: Weight of penguins":        "Weight of penguins",
		"**Title:** Weight of penguins":      "Weight of penguins",
		"„Gewicht der Pinguine“":             "Gewicht der Pinguine",
		"Sales 2023: by region":              "Sales 2023: by region",
		"Weight\u202e of\u200b penguins":     "Weight of penguins",
		"<b>Weight</b>":                      "<b>Weight</b>",
	} {
		t.Run(fmt.Sprintf("%.20q", wrote), func(t *testing.T) {
			b, model, jobs := newNamed(t, databases.SQLite(t), nil)
			model.title = says(wrote)
			r := b.asks(agent.Question{Text: longQuestion})
			if got := b.name(jobs, r.ChatID); got != want {
				t.Errorf("it is called %q, want %q", got, want)
			}
		})
	}
}
