package llm

import (
	"strings"
	"unicode"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// afterCall is what of a reply's text follows a call that was written as text.
// Models that call in this way often go on with the result that they expect, and
// with an answer made of it. A remark is handed on at the end of the reply; what is
// longer than one is dropped with all that follows, and not waited for.
type afterCall struct {
	text    string
	bytes   int // with what is held back, which may be another call
	dropped bool
}

// maxBehind is how much may stand behind the first call, further calls included,
// bytes.
const maxBehind = 8 << 10

// write takes more text. It returns false when there has been enough.
func (a *afterCall) write(text string) bool {
	if a.text += text; len(a.text) > mostAfter {
		a.text, a.dropped = "", true
	}
	return !a.dropped
}

// maxBlank is how much white space in a row a reply may hold, bytes. Small models
// write line breaks without an end.
const maxBlank = 1_000

// read takes more of a reply's text.
func (a *assembler) read(text string) error {
	rest := strings.TrimRightFunc(text, unicode.IsSpace)
	if rest != "" {
		a.blank = 0
	}
	if a.blank += len(text) - len(rest); a.blank > maxBlank {
		a.enough()
	}
	if err := a.sayAll(a.written.write(text)); err != nil || a.after == nil {
		return err
	}
	if a.after.bytes += len(text); a.after.bytes > maxBehind {
		a.after.text, a.after.dropped = "", true
		a.enough()
	}
	return nil
}

// enough ends a reply that goes on though it has said what counts.
func (a *assembler) enough() {
	a.over = true
	if a.finish == "" {
		a.finish = dialogue.FinishStop
	}
}
