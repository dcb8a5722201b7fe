package llm

import "github.com/mark-analyst/mark/internal/dialogue"

// afterCall is what of a reply's text follows a call that was written as text.
// Models that call in this way often go on with the result that they expect, and
// with an answer made of it. A remark is handed on at the end of the reply; what is
// longer than one is dropped with all that follows, and not waited for.
type afterCall struct {
	text    string
	dropped bool
}

// write takes more text. It returns false when there has been enough.
func (a *afterCall) write(text string) bool {
	if a.text += text; len(a.text) > mostAfter {
		a.text, a.dropped = "", true
	}
	return !a.dropped
}

// enough ends a reply that has called a tool and goes on.
func (a *assembler) enough() {
	a.over = true
	if a.finish == "" {
		a.finish = dialogue.FinishStop
	}
}
