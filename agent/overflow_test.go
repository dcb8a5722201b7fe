package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// A model that repeats itself up to its limit must not fill the next prompt with
// it, nor leave it before people's eyes.
func TestCutReplyIsWithdrawn(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	endless := says(strings.Repeat("and so on ", 2_000))
	endless.reply.Finish = dialogue.FinishLength
	b.model.then(endless, says("Short."))
	r, events := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateSucceeded || b.final(r).Story != "Short." || !slices.Contains(kinds(events), "AttemptDiscarded") {
		t.Errorf("state %s %s, events %v", r.State, r.ErrorMessage, kinds(events))
	}
	// Nor is it told its beginning, which it would take for a good one; and the
	// question and the hint are one turn, as templates want it.
	told := b.model.requests[1].Messages[1:]
	if len(told) != 1 || strings.Contains(told[0].Content, "and so on") || !strings.Contains(told[0].Content, "cut off") {
		t.Errorf("the next prompt is %q", told)
	}
}

func TestAHintIsGivenOnce(t *testing.T) {
	empty := turn{reply: dialogue.Reply{Finish: dialogue.FinishStop}}
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(empty, empty, says("Done."))
	b.ask(agent.Question{Text: "q"})
	if said := b.model.requests[2].Messages[1].Content; strings.Count(said, "Your reply was empty") != 1 {
		t.Errorf("the model was told %q", said)
	}
}

// A prompt that is still too long is cut further, so far as it can be.
func TestTooLongIsCutFurther(t *testing.T) {
	tooLong := turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "Too long."}}
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = prints(strings.Repeat("many words ", 600))
	b.model.then(python("print(1)"), tooLong, tooLong, says("Done."))
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateSucceeded {
		t.Fatalf("state %s %s", r.State, r.ErrorMessage)
	}
	var sizes []int
	for _, q := range b.model.requests[1:] {
		sizes = append(sizes, len(q.Messages[len(q.Messages)-1].Content))
	}
	if len(sizes) != 3 || sizes[0] < 6_000 || sizes[1] > 2_100 || sizes[2] > 600 {
		t.Errorf("the result was told in %v bytes", sizes)
	}
}

// A full context cuts replies short as a reply's own limit does; saying it
// shorter makes no room there.
func TestRepliesThatAreCutAgainMakeRoom(t *testing.T) {
	cut := turn{reply: dialogue.Reply{Finish: dialogue.FinishLength}}
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(says("First."), cut, cut, says("Second."))
	first, _ := b.ask(agent.Question{Text: "the first question"})
	if r, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "the second"}); r.State != run.StateSucceeded {
		t.Fatalf("state %s %s", r.State, r.ErrorMessage)
	}
	for i, want := range map[int]bool{2: true, 3: false} {
		told := slices.ContainsFunc(b.model.requests[i].Messages, func(m dialogue.Message) bool { return strings.Contains(m.Content, "the first question") })
		if told != want {
			t.Errorf("request %d tells of the first question: %v", i, told)
		}
	}
}

// Where nothing is left to leave out, a new chat would end the same way.
func TestWhatDoesNotFitByItselfIsSaid(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "The conversation is too long for the model. Start a new chat."}})
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.ErrorCode != string(dialogue.CodeTooLong) || strings.Contains(r.ErrorMessage, "new chat") || !strings.Contains(r.ErrorMessage, "larger context") {
		t.Errorf("error %s %q", r.ErrorCode, r.ErrorMessage)
	}
}

// Of earlier runs goes first what is longest and least missed.
func TestEarlierRunsAreLeftOutInStages(t *testing.T) {
	tooLong := turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "Too long."}}
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = prints(strings.Repeat("many words ", 100))
	b.model.then(python("print(1)"), says("First."))
	first, _ := b.ask(agent.Question{Text: "one"})
	b.model.script = []turn{says("Second.")}
	b.ask(agent.Question{ChatID: first.ChatID, Text: "two"})
	b.model.script = []turn{tooLong, tooLong, tooLong, says("Third.")}
	if r, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "three"}); r.State != run.StateSucceeded {
		t.Fatalf("state %s %s", r.State, r.ErrorMessage)
	}
	var told []string
	for _, q := range b.model.requests[3:] {
		roles := ""
		for _, m := range q.Messages[1:] {
			roles += string(m.Role[:1])
		}
		told = append(told, roles)
	}
	if want := []string{"uatauau", "uauau", "uau", "u"}; !slices.Equal(told, want) {
		t.Errorf("the model was told %v, want %v", told, want)
	}
}
