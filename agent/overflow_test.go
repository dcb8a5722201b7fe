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
	size := 0
	for _, m := range b.model.requests[1].Messages[1:] {
		size += len(m.Content)
	}
	if size > 1_000 {
		t.Errorf("the next prompt holds %d bytes beside the system's", size)
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
