package offline

import "testing"

// A stop or an error leaves a question without an answer; people go on from it
// all the same.
func TestAFollowUpOfAQuestionWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	c := conversationOf(request{Messages: []wireMessage{{
		Role:    "user",
		Content: "<context>\nToday is Monday, 23 November 2026.\nAsked before, not answered: \"mean \\\"body mass\\\"\"\n</context>\nby island",
	}}})
	if len(c.earlier) != 1 || c.earlier[0].question != `mean "body mass"` || c.now.question != "by island" {
		t.Errorf("it read %+v", c)
	}
}
