package llm

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// Tools says whether a model takes tools.
type Tools int

// What is known of a model.
const (
	ToolsUnknown Tools = iota // they are offered until its endpoint refuses them
	ToolsKnown
	ToolsNone
)

// The tool that runs programs, and where its program is: what a block of Python
// calls.
const (
	programTool     = "run_python"
	programArgument = "code"
)

var (
	errNoTools = errors.New("the endpoint takes no tools for this model")
	errEnough  = errors.New("the reply has called a tool, and goes on")
)

// mostAfter is how much of what follows a call is read and dropped, bytes, for
// the sake of the tokens that an endpoint counts at the end of a reply.
const mostAfter = 200

// Fenced lets a model that takes no tools use them all the same: they are
// described in the prompt, called by fenced blocks in the reply (Python for
// run_python, JSON for all), and answered as from the person.
type Fenced struct {
	inner  Model
	newID  func() string
	log    *slog.Logger
	fenced atomic.Bool // the model is known to take no tools
}

// NewFenced puts Fenced around a model, or nothing where it takes tools. newID
// makes the ids of calls.
func NewFenced(inner Model, tools Tools, newID func() string, log *slog.Logger) Model {
	if tools == ToolsKnown {
		return inner
	}
	f := &Fenced{inner: inner, newID: newID, log: log}
	f.fenced.Store(tools == ToolsNone)
	return f
}

// Stream is as Endpoint's. Of a reply the first call counts. What a model writes
// after it would be made up: it is dropped, and not waited for where it is long.
func (f *Fenced) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	if !f.fenced.Load() {
		reply, err := f.inner.Stream(ctx, req, emit)
		if !errors.Is(err, errNoTools) {
			return reply, err
		}
		f.fenced.Store(true)
		f.log.InfoContext(ctx, "the model takes no tools, going on with fenced blocks", "error", err)
	}
	sent, err := fencedRequest(req)
	if err != nil {
		return dialogue.Reply{}, &dialogue.Error{Code: dialogue.CodeBadRequest, Message: "The tools could not be put into words. This is a fault of Mark's, not of the question.", Err: err}
	}
	r := newFencedReader(req, f.newID, emit)
	reply, err := f.inner.Stream(ctx, sent, r.delta)
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil {
		err = r.end(reply.Finish == dialogue.FinishLength)
	}
	return r.reply(reply, err == nil), err
}

// fencedReader finds the calls in the text of a reply.
type fencedReader struct {
	emit    func(dialogue.Delta) error
	written *writtenCalls
	calls   *calls
	after   int // bytes that followed the call

	text, reasoning strings.Builder
}

func newFencedReader(req dialogue.Request, newID func() string, emit func(dialogue.Delta) error) *fencedReader {
	var names []string
	for _, t := range req.Tools {
		if offered(req.Choice, t.Name) {
			names = append(names, t.Name)
		}
	}
	r := &fencedReader{emit: emit, written: newWrittenCalls(names), calls: newCalls(newID)}
	for _, name := range names {
		if name == programTool {
			r.written.program = name
		}
	}
	return r
}

// offered tells whether a choice lets a tool be called.
func offered(choice dialogue.Choice, tool string) bool {
	switch choice {
	case dialogue.ChoiceAuto, dialogue.ChoiceRequired, "":
		return true
	case dialogue.ChoiceNone:
		return false
	}
	return string(choice) == tool
}

func (r *fencedReader) delta(d dialogue.Delta) error {
	if d.Text == "" { // no tools were offered, so there are no calls
		return r.think(d.Reasoning)
	}
	return r.take(r.written.write(d.Text))
}

func (r *fencedReader) think(s string) error {
	r.reasoning.WriteString(s)
	return r.emit(dialogue.Delta{Reasoning: s})
}

func (r *fencedReader) take(pieces []piece) error {
	for _, p := range pieces {
		called := len(r.calls.list) > 0
		switch {
		case called:
			if r.after += len(p.text); p.call != nil || r.after > mostAfter {
				return errEnough
			}
		case p.call != nil:
			if err := r.emit(dialogue.Delta{Call: r.calls.whole(p.call.name, p.call.arguments)}); err != nil {
				return err
			}
		case p.reasoning != "":
			if err := r.think(p.reasoning); err != nil {
				return err
			}
		default:
			r.text.WriteString(p.text)
			if err := r.emit(dialogue.Delta{Text: p.text}); err != nil {
				return err
			}
		}
	}
	return nil
}

// end takes what was held back.
func (r *fencedReader) end(cut bool) error {
	err := r.take(r.written.end(cut))
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	return stopped(err).public(nil)
}

// reply is the model's reply as the agent has it.
func (r *fencedReader) reply(said dialogue.Reply, whole bool) dialogue.Reply {
	out := said
	out.Message = dialogue.Message{Role: dialogue.Assistant, Content: r.text.String(), Reasoning: r.reasoning.String()}
	if !whole {
		return out
	}
	if out.Message.ToolCalls = r.calls.result(); len(out.Message.ToolCalls) > 0 {
		out.Finish = dialogue.FinishToolCalls
	}
	return out
}
