package agent_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/memory"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/tokens"
)

// listener is a model that knows what its prompt says, and nothing else. Of a
// definition it takes the line, when it sums up as when it is asked for it.
type listener struct {
	broken bool                  // it gives no summary
	before func(summarises bool) // nil: nothing
	counts func(text string) int // nil: nothing is counted

	mu        sync.Mutex
	asked     []dialogue.Request
	summaries int
	billed    dialogue.Usage
	largest   int // prompt, tokens
}

const defined = "DEFINITION: an active customer has ordered in the last ninety days."

func (l *listener) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	summarises := strings.Contains(req.Messages[0].Content, "keep the memory")
	if l.before != nil {
		l.before(summarises)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u := dialogue.Usage{PromptTokens: 100, CompletionTokens: 10}
	last := req.Messages[len(req.Messages)-1].Content
	text := strings.Repeat("So it is noted, and what follows from it is said at length. ", 8)
	switch {
	case summarises && l.broken:
		l.billed = l.billed.Add(u)
		return dialogue.Reply{Usage: u}, &dialogue.Error{Code: dialogue.CodeUnavailable, Message: "It is away."}
	case summarises:
		l.summaries++
		text = "Definitions:\n" + l.find(req.Messages[1:]) + "\nOpen: nothing."
	case strings.Contains(last, "What is an active customer?"):
		text = "It is said: " + l.find(req.Messages)
	}
	if !summarises {
		l.asked = append(l.asked, req)
		if l.counts != nil {
			n := 0
			for _, m := range req.Messages {
				n += l.counts(m.Content)
			}
			for _, t := range req.Tools {
				n += l.counts(t.Description) + l.counts(string(t.Schema))
			}
			l.largest = max(l.largest, n)
		}
	}
	l.billed = l.billed.Add(u)
	if err := emit(dialogue.Delta{Text: text}); err != nil {
		return dialogue.Reply{Usage: u}, err
	}
	return dialogue.Reply{Message: dialogue.Message{Role: dialogue.Assistant, Content: text}, Finish: dialogue.FinishStop, Usage: u}, ctx.Err()
}

func (l *listener) find(messages []dialogue.Message) string {
	for _, m := range messages {
		if strings.Contains(m.Content, defined) {
			return defined
		}
	}
	return "nothing"
}

// long has a chat of so many questions, of which the first defines something.
func (b *bench) long(turns int) (chatID string) {
	b.t.Helper()
	for i := range turns {
		q := agent.Question{ChatID: chatID, Text: fmt.Sprintf("Tell me more of it, please, as question %d.", i)}
		if i == 0 {
			q.Text = defined
		}
		r, _ := b.ask(q)
		if r.State != run.StateSucceeded {
			b.t.Fatalf("question %d: %s %s", i, r.State, r.ErrorMessage)
		}
		chatID = r.ChatID
	}
	return chatID
}

// A chat of three hundred questions goes on within a small context, and knows what
// was said in the first: by a summary of the model's, and where it gives none by
// what was said.
func TestALongChatKnowsItsBeginning(t *testing.T) {
	const room = 6_000 // three quarters of the context
	for _, test := range []struct {
		name  string
		turns int
		model *listener
	}{
		{"summarised", 300, &listener{}},
		{"no summary is given", 80, &listener{broken: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			model := test.model
			model.counts = tokens.New().Count
			b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "listener", LLM: model, ContextTokens: 8_000}}
			})
			chat := b.long(test.turns - 1)
			r, _ := b.ask(agent.Question{ChatID: chat, Text: "What is an active customer?"})
			if said := b.final(r).Story; !strings.Contains(said, defined) {
				t.Errorf("after %d questions: %q", test.turns, said)
			}
			if model.largest > room {
				t.Errorf("the largest prompt had %d tokens of %d", model.largest, room)
			}
			made := b.client.Memory.Query().Order(ent.Asc(memory.FieldCreatedAt), ent.Asc(memory.FieldID)).AllX(b.ctx)
			sums, through := 0, 0
			for _, m := range made {
				if m.ThroughSeq < through || m.PromptHash != r.PromptHash || m.Digest != model.broken && m.Text != "" {
					t.Errorf("a memory through %d after %d: digest %t, prompts %q", m.ThroughSeq, through, m.Digest, m.PromptHash)
				}
				if m.ThroughSeq > through {
					sums++
				}
				through = m.ThroughSeq
			}
			if sums < 3 || sums > test.turns/3 {
				t.Errorf("%d summaries of %d questions", sums, test.turns)
			}
			var stored dialogue.Usage
			for _, r := range b.client.Run.Query().AllX(b.ctx) {
				stored = stored.Add(dialogue.Usage{PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens})
			}
			if stored != model.billed {
				t.Errorf("the runs used %+v, the model was paid %+v", stored, model.billed)
			}
			t.Logf("%d questions, %d summaries, at most %d tokens in a prompt, %.1f %% of all prompts' bytes repeated the call's before",
				test.turns, sums, model.largest, 100*repeated(model.asked))
		})
	}
}

// repeated is which share of the prompts' bytes stood at the beginning of the prompt
// before.
func repeated(asked []dialogue.Request) float64 {
	same, all := 0, 0
	for i := 1; i < len(asked); i++ {
		before, after := flat(asked[i-1]), flat(asked[i])
		same, all = same+common(before, after), all+len(after)
	}
	return float64(same) / float64(all)
}

// flat is a prompt as models read it: the tools and then the messages.
func flat(req dialogue.Request) string {
	var b strings.Builder
	for _, t := range req.Tools {
		b.WriteString(t.Name + t.Description + string(t.Schema))
	}
	for _, m := range req.Messages {
		b.WriteString("\x00" + string(m.Role) + m.Content)
		for _, c := range m.ToolCalls {
			b.WriteString(c.ID + c.Name + c.Arguments)
		}
	}
	return b.String()
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// A copy of a long chat knows what the chat knew.
func TestACopyOfALongChatKnowsItsBeginning(t *testing.T) {
	model := &listener{}
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "listener", LLM: model}}
		c.Limits.HistoryTokens = 600
	})
	chat := b.long(8)
	made := model.summaries
	last := b.client.Message.Query().Order(ent.Desc("seq")).FirstX(b.ctx)
	branch, err := b.agent.Branch(b.ctx, agent.Copy{ChatID: chat, MessageID: last.ID})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := b.ask(agent.Question{ChatID: branch.ID, Text: "What is an active customer?"})
	if said := b.final(r).Story; !strings.Contains(said, defined) || made == 0 || model.summaries > made+1 {
		t.Errorf("%d summaries before and %d after it was copied: %q", made, model.summaries, said)
	}
	copied := b.client.Memory.Query().Where(memory.ChatID(branch.ID), memory.RunIDNEQ(r.ID)).AllX(b.ctx)
	if len(copied) != 1 || copied[0].Text == "" || len(copied[0].Expense) > 0 {
		t.Errorf("the copy has the memories %v", copied)
	}
}

// Of a question that was asked again the newest answer is told, once.
func TestTheNewestAnswerToAQuestionIsTold(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(says("First answer."), says("Third answer."))
	first, _ := b.ask(agent.Question{Text: "one"})
	// Asked again, twice: once answered, once not.
	for i, parts := range []string{`[{"answer":{"story":"Second answer."}}]`, `[{"error":{"code":"X","message":"It broke."}}]`} {
		c := b.client.Chat.UpdateOneID(first.ChatID).AddLastMessageSeq(1).SaveX(b.ctx)
		m := b.client.Message.Create().SetChatID(c.ID).SetSeq(c.LastMessageSeq).SetRole("ASSISTANT").SetParts([]byte(parts)).SaveX(b.ctx)
		state := []run.State{run.StateSucceeded, run.StateFailed}[i]
		b.client.Run.Create().SetChatID(c.ID).SetQuestionID(first.QuestionID).SetAnswerID(m.ID).SetState(state).SetFinishedAt(time.Now()).SaveX(b.ctx)
	}
	b.ask(agent.Question{ChatID: first.ChatID, Text: "two"})
	var told []string
	for _, m := range b.model.requests[len(b.model.requests)-1].Messages[1:] {
		told = append(told, m.Content)
	}
	all := strings.Join(told, "\n")
	if len(told) != 3 || told[1] != "Second answer." || strings.Contains(all, "First answer") || strings.Contains(all, "not answered") {
		t.Errorf("the model was told %q", told)
	}
}
