package llm

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// assembler makes a reply of what a format's reader finds in the frames of a
// stream, and the deltas to show.
type assembler struct {
	emit     func(dialogue.Delta) error
	emitted  bool
	maxBytes int
	bytes    int

	reply     dialogue.Reply
	calls     *calls
	written   *writtenCalls // finds the calls that are written as text
	after     *afterCall    // the text behind the first of these; nil: there is none yet
	blank     int           // bytes of white space since the last other character of the text
	content   strings.Builder
	reasoning strings.Builder
	refusal   strings.Builder
	finish    dialogue.Finish // empty until the server has said it
	over      bool            // nothing more is to come
}

func newAssembler(req dialogue.Request, newID func() string, maxBytes int, emit func(dialogue.Delta) error) *assembler {
	a := &assembler{emit: emit, maxBytes: maxBytes, calls: newCalls(newID)}
	a.reply.Message.Role = dialogue.Assistant
	a.reply.Model = req.Model
	var tools []string
	if req.Choice != dialogue.ChoiceNone {
		for _, t := range req.Tools {
			tools = append(tools, t.Name)
		}
	}
	a.written = newWrittenCalls(tools)
	if req.Choice == dialogue.ChoiceRequired && slices.Contains(tools, programTool) {
		a.written.program = programTool // it has to call: a block of Python is the program
	}
	return a
}

// Why a reply is none, beside *serverError and emitError.
var (
	errNotJSON = errors.New("a frame is not JSON")
	errEmpty   = errors.New("the reply is empty")
	errNoEnd   = errors.New("the stream ended before the reply did")
	errGaveUp  = errors.New("the server ended the reply with an error")
	errRefused = errors.New("the model refused")
	errFilter  = errors.New("the content filter ended the reply")
)

// emitError is an error of the caller's emit.
type emitError struct{ error }

// count takes note of what a reply weighs.
func (a *assembler) count(size int) error {
	if a.bytes += size; a.bytes > a.maxBytes {
		return errTooLarge{"the reply"}
	}
	return nil
}

// told is the error that a server put into the stream.
func (a *assembler) told(raw json.RawMessage) error {
	e := parseError(0, []byte(`{"error":`+string(raw)+`}`))
	if status, ok := number(json.RawMessage(e.code)); ok && status >= 400 && status < 600 {
		e.status = status
	}
	return e
}

func (a *assembler) sayAll(pieces []piece) error {
	for _, p := range pieces {
		if err := a.say(p); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembler) say(p piece) error {
	switch {
	case a.after != nil && a.after.dropped:
		return nil
	case p.call != nil:
		if a.after == nil {
			a.after = &afterCall{}
		}
		if p.call.name == a.written.program { // what follows can only be its made-up result
			a.after.dropped = true
			a.enough()
		}
		return a.show(a.calls.whole(p.call.name, p.call.arguments))
	case p.reasoning != "":
		a.reasoning.WriteString(p.reasoning)
		return a.out(dialogue.Delta{Reasoning: p.reasoning})
	case p.text != "" && a.after != nil:
		if !a.after.write(p.text) {
			a.enough()
		}
	case p.text != "":
		a.content.WriteString(p.text)
		return a.out(dialogue.Delta{Text: p.text})
	}
	return nil
}

func (a *assembler) show(d *dialogue.CallDelta) error {
	if d == nil {
		return nil
	}
	return a.out(dialogue.Delta{Call: d})
}

func (a *assembler) out(d dialogue.Delta) error {
	a.emitted = true
	if err := a.emit(d); err != nil {
		return emitError{err}
	}
	return nil
}

// partial returns what has arrived so far.
func (a *assembler) partial() dialogue.Reply {
	r := a.reply
	r.Message.Content = a.content.String()
	r.Message.Reasoning = a.reasoning.String()
	return r
}

// end closes the reply once the stream has ended.
func (a *assembler) end() (dialogue.Reply, error) {
	switch a.finish {
	case "":
		return a.partial(), errNoEnd
	case finishFailed:
		return a.partial(), errGaveUp
	}
	if err := a.sayAll(a.written.end(a.finish == dialogue.FinishLength)); err != nil {
		return a.partial(), err
	}
	if after := a.after; after != nil && after.text != "" {
		a.after = nil
		if err := a.say(piece{text: after.text}); err != nil {
			return a.partial(), err
		}
	}
	for _, c := range a.calls.list {
		if !c.announced { // it never got a name: the agent answers that
			if err := a.show(c.announce()); err != nil {
				return a.partial(), err
			}
		}
	}
	r := a.partial()
	switch {
	case a.finish == dialogue.FinishFilter:
		return r, errFilter
	case a.refusal.Len() > 0:
		return r, errRefused
	case a.finish == dialogue.FinishLength:
		r.Finish = dialogue.FinishLength // its calls may be cut short: none is passed on
		return r, nil
	}
	r.Message.ToolCalls = a.calls.result()
	r.Finish = dialogue.FinishStop
	if len(r.Message.ToolCalls) > 0 {
		r.Finish = dialogue.FinishToolCalls
	} else if strings.TrimSpace(r.Message.Content) == "" {
		return a.partial(), errEmpty
	}
	return r, nil
}
