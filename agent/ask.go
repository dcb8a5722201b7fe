package agent

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/markdown"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// maxAttempts is how often a reply that broke off before people's eyes is asked
// for again. What breaks off unseen is the adapter's to repeat.
const maxAttempts = 2

// leastResult is the least that messages are cut to where a prompt is too long,
// characters.
const leastResult = oldResult / 4

// stillTooLong is said where leaving the conversation out was not enough: a new
// chat would not help.
const stillTooLong = "The question, with the datasets and what was found so far, is too long for the model, even without the earlier conversation. " +
	"Ask for less at a time, or choose a model with a larger context (of a local one it is a setting: --ctx-size of llama-server, num_ctx of Ollama)."

// ask has the model reply and streams what it writes. Where last is set it may
// only give its final answer: the choice says so first. Some servers do not heed
// it; a model that calls another tool then is offered no other, which costs the
// prompt cache: tools stand at the beginning of a prompt.
func (k *work) ask(ctx context.Context, s *ent.Step, last bool) (dialogue.Reply, error) {
	k.doing = Stopped{What: DoingModel, StepID: s.ID}
	cuts, alone := 0, false
	for attempt := 1; ; attempt++ {
		stream := &replyStream{rec: k.rec, stepID: s.ID}
		if !last && !k.row.ReviewCode { // else the run gives the session back, and waits
			stream.program = func() { k.expectPython(ctx) }
		}
		reply, err := k.llm.LLM.Stream(ctx, k.request(last, alone), stream.emit)
		if err == nil && last && !alone && strays(reply) {
			alone = true
			if err := k.discard(s, reply, true); err != nil {
				return reply, err
			}
			continue
		}
		if err == nil {
			k.doing = Stopped{What: DoingNothing}
			return reply, nil
		}
		if stream.err != nil { // nothing can be written any more
			return reply, stream.err
		}
		var failure *dialogue.Error
		if ctx.Err() != nil || !errors.As(err, &failure) {
			k.pay(reply)
			k.shown = append(k.shown, stream.parts()...)
			return reply, err
		}
		tooLong := failure.Code == dialogue.CodeTooLong && cuts < lastStage
		again := failure.Visible && attempt <= maxAttempts && repeatable(failure.Code)
		if !tooLong && !again {
			k.pay(reply)
			k.shown = append(k.shown, stream.parts()...)
			if failure.Code == dialogue.CodeTooLong && k.prompt.cuts > 0 {
				failure.Message = stillTooLong
			}
			return reply, err
		}
		if tooLong {
			k.prompt.compact(max(oldResult>>(2*cuts), leastResult))
			cuts++
		}
		if err := k.discard(s, reply, failure.Visible); err != nil {
			return reply, err
		}
	}
}

func repeatable(code dialogue.Code) bool {
	return code == dialogue.CodeUnavailable || code == dialogue.CodeBadReply || code == dialogue.CodeRateLimited
}

// strays tells whether a reply calls tools, and final_answer is not among them.
func strays(r dialogue.Reply) bool {
	answers := func(c dialogue.ToolCall) bool { return c.Name == toolFinalAnswer }
	return len(r.Message.ToolCalls) > 0 && !slices.ContainsFunc(r.Message.ToolCalls, answers)
}

// request is the whole prompt. Its beginning is the same from call to call, so
// that providers' prompt caches work. Where alone is set final_answer is the only
// tool.
func (k *work) request(last, alone bool) dialogue.Request {
	req := dialogue.Request{
		Messages: k.prompt.messages(),
		Tools:    k.tools.list(),
		Choice:   dialogue.ChoiceAuto,
		User:     k.row.OwnerID,
	}
	req.MaxTokens = k.replyTokens(k.promptTokens())
	if k.mustCall {
		req.Choice = dialogue.ChoiceRequired
	}
	if last {
		req.Choice = toolFinalAnswer
	}
	if alone {
		req.Tools = k.tools.only(toolFinalAnswer)
	}
	return req
}

// replyStream turns the deltas of one reply into events. The story of a final
// answer is text for the person, so it is dug out of the call's arguments while
// they are written.
type replyStream struct {
	rec    *recorder
	stepID string
	final  map[int]*storyReader // by index of the call; nil: another tool's call
	// program is called when the model begins to write one; nil: it may not.
	program func()

	reasoning, text strings.Builder // what was shown so far
	shown           markdown.Stream // what makes of the text what clients can render
	err             error           // the first failure to write
}

func (r *replyStream) emit(d dialogue.Delta) error {
	if r.err == nil {
		r.err = r.show(d)
	}
	return r.err
}

func (r *replyStream) show(d dialogue.Delta) error {
	switch {
	case d.Reasoning != "":
		r.reasoning.WriteString(d.Reasoning)
		return r.rec.delta(KindReasoningDelta, r.stepID, untrusted.Visible(d.Reasoning))
	case d.Text != "":
		return r.say(d.Text)
	case d.Call != nil:
		return r.call(*d.Call)
	}
	return nil
}

func (r *replyStream) say(text string) error {
	r.text.WriteString(text)
	return r.rec.delta(KindTextDelta, r.stepID, r.shown.Next(untrusted.Visible(text)))
}

// parts are what a person has seen of a reply that did not come to its end.
func (r *replyStream) parts() []Part {
	return saidParts(r.reasoning.String(), r.text.String())
}

func (r *replyStream) call(d dialogue.CallDelta) error {
	if d.Name == toolFinalAnswer {
		if r.final == nil {
			r.final = map[int]*storyReader{}
		}
		if r.final[d.Index] == nil {
			r.final[d.Index] = &storyReader{}
		}
	}
	if d.Name == toolRunPython && r.program != nil {
		r.program()
	}
	if story := r.final[d.Index]; story != nil {
		return r.say(story.read(d.Arguments))
	}
	return r.rec.delta(KindToolArgsDelta, r.stepID, d.Arguments)
}
