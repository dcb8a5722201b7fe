package agent_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// A small model that reads "Stopped." in its own voice answers the next question
// with it.
func TestAQuestionWithoutAnAnswerIsToldAsOne(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(
		says("Hello."),
		turn{err: &dialogue.Error{Code: dialogue.CodeBadRequest, Message: "It was refused."}},
		says("Three."), says("Four."))
	first, _ := b.ask(agent.Question{Text: "hi"})
	if failed, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "how many\n\"a\"?"}); failed.State != run.StateFailed {
		t.Fatalf("state %s", failed.State)
	}
	b.ask(agent.Question{ChatID: first.ChatID, Text: "try again"})
	b.ask(agent.Question{ChatID: first.ChatID, Text: "and now?"})

	again, next := b.model.requests[2].Messages, b.model.requests[3].Messages
	var roles []string
	for _, m := range again[1:] {
		roles = append(roles, string(m.Role))
	}
	if got := strings.Join(roles, " "); got != "user assistant user" {
		t.Errorf("the model was told by %s", got)
	}
	last := again[len(again)-1].Content
	if !strings.Contains(last, `Asked before, not answered: "how many \"a\"?"`) || !strings.HasSuffix(last, "try again") {
		t.Errorf("the model was told %q", last)
	}
	for _, m := range next {
		if strings.Contains(m.Content, "refused") {
			t.Errorf("the model was told %q", m.Content)
		}
	}
	if !reflect.DeepEqual(next[:len(again)], again) || strings.Contains(next[len(next)-1].Content, "not answered") {
		t.Errorf("of %q became %q", again, next)
	}
}

// A question that is sent while another is worked on comes before its answer in
// the chat, and after it in what the model reads.
func TestAWaitingQuestionFollowsTheAnswerBeforeIt(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	asked, sent := make(chan struct{}), make(chan struct{})
	slow := says("It is so.")
	slow.first = func(context.Context) { close(asked); <-sent }
	b.model.then(slow, says("Still so."))
	first, err := b.agent.Send(b.ctx, agent.Question{Text: "first"})
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	second, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.Chat.ID, Text: "second"})
	close(sent)
	if err != nil {
		t.Fatal(err)
	}
	b.await(second.Run.ID)
	var told []string
	for _, m := range b.model.requests[len(b.model.requests)-1].Messages[1:] {
		_, said, _ := strings.Cut("\n"+m.Content, "</context>\n")
		told = append(told, string(m.Role)+" "+said)
	}
	if want := []string{"user first", "assistant ", "user second"}; !reflect.DeepEqual(told, want) {
		t.Errorf("the model was told %q", told)
	}
}
