package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
)

// maxCalls is how many calls of one reply are run; a reply with more is a model
// that has lost its way.
const maxCalls = 8

// work is one run while it goes on.
type work struct {
	*Agent
	row    *ent.Run
	llm    Model
	rec    *recorder
	prompt prompt // what the model is sent

	datasets []*ent.Dataset // of the chat, READY or FAILED
	python   *python        // nil until the first step of Python
	evidence evidence
	usage    Usage
	steps    int
	loops    loopDetector
	repairs  int  // replies in a row that could not be used
	mustEnd  bool // the next reply has to be the answer
	rejected int  // final answers that were refused

	answer *Answer
	shown  []Part // reasoning, calls and outputs, in order
}

// begin stores that the run goes on and gathers what the model is to know. The
// work that it returns must be ended, with an error too.
func (a *Agent) begin(ctx context.Context, row *ent.Run, w eventlog.Writer) (*work, error) {
	k := &work{Agent: a, row: row, rec: newRecorder(ctx, a, w)}
	err := k.rec.with(func(ctx context.Context, tx *ent.Tx) error {
		return tx.Run.UpdateOneID(row.ID).SetState("RUNNING").SetStartedAt(a.Clock.Now()).Exec(ctx)
	}, KindRunStarted, EventBody{Model: row.Model})
	if err != nil {
		return k, fmt.Errorf("start the run: %w", err)
	}
	var ok bool
	if k.llm, ok = a.model(row.Model); !ok {
		return k, &dialogue.Error{Code: dialogue.CodeNotFound, Message: "The model that was asked is not configured any more."}
	}
	if err := k.gather(ctx); err != nil {
		return k, fmt.Errorf("gather the context: %w", err)
	}
	return k, nil
}

// end gives back what the work holds.
func (k *work) end() {
	if k.python != nil {
		k.python.close()
	}
}

// loop asks the model and does what it wants until it answers.
func (k *work) loop(ctx context.Context) error {
	for k.answer == nil {
		s, err := k.beginStep("")
		if err != nil {
			return err
		}
		last := k.mustEnd || k.steps >= k.Limits.Steps
		reply, err := k.ask(ctx, s, last)
		if err != nil {
			return err
		}
		if err := k.storeReply(s, reply); err != nil {
			return err
		}
		if err := k.act(ctx, s, reply, last); err != nil {
			return err
		}
	}
	return k.rec.deltas.Flush()
}

// act does what a stored reply asks for.
func (k *work) act(ctx context.Context, s *ent.Step, reply dialogue.Reply, last bool) error {
	m := reply.Message
	switch {
	case len(m.ToolCalls) > 0:
		k.repairs = 0
		return k.call(ctx, s, m, last)
	case reply.Finish == dialogue.FinishFilter:
		return &dialogue.Error{Code: dialogue.CodeRefused, Message: "The model's provider blocked the answer. Asking differently may help."}
	case strings.TrimSpace(m.Content) != "" && (reply.Finish != dialogue.FinishLength || last):
		k.answer = k.direct(m.Content, reply.Finish == dialogue.FinishLength)
		return k.endStep(s, callEnd{state: step.StateSucceeded, result: "(answered)"})
	}
	// Nothing usable: cut off in the middle of a call, or empty.
	if k.repairs++; k.repairs > k.Limits.Repairs || last {
		return &dialogue.Error{Code: dialogue.CodeBadReply, Message: "The model gave no usable reply, several times in a row. Try again, or choose another model."}
	}
	hint := promptEmpty
	if reply.Finish == dialogue.FinishLength {
		hint = promptCut
	}
	if m.Content != "" {
		k.prompt.add(dialogue.Message{Role: dialogue.Assistant, Content: m.Content})
	}
	k.prompt.add(dialogue.Message{Role: dialogue.User, Content: k.prompts.text(hint)})
	return k.endStep(s, callEnd{state: step.StateFailed, result: "(nothing usable)", code: string(dialogue.CodeBadReply), message: "The model's reply could not be used; it was asked again."})
}

// call runs the calls of a reply one after the other. The first belongs to the
// step that asked the model; each further one is a step of its own.
func (k *work) call(ctx context.Context, s *ent.Step, m dialogue.Message, last bool) error {
	k.prompt.add(m)
	for i, c := range m.ToolCalls {
		if i > 0 {
			var err error
			if s, err = k.beginStep(c.Name); err != nil {
				return err
			}
		}
		end, err := k.run(ctx, s, c, callContext{alone: len(m.ToolCalls) == 1, surplus: i >= maxCalls, last: last})
		if err != nil {
			return err
		}
		if end.state != step.StateSucceeded || k.answer == nil {
			end.result += k.warn(c, end)
		}
		k.prompt.add(dialogue.Message{Role: dialogue.ToolRole, ToolCallID: c.ID, Content: end.result})
		if err := k.endStep(s, end); err != nil {
			return err
		}
	}
	return nil
}

// run runs one call. Its error ends the run; what the model can mend is in the
// result.
func (k *work) run(ctx context.Context, s *ent.Step, c dialogue.ToolCall, in callContext) (callEnd, error) {
	t, args, problem := k.tools.open(c)
	switch {
	case in.surplus:
		problem = fmt.Sprintf("Not run: at most %d calls are run at once.", maxCalls)
	case problem == "" && in.last && t.name != toolFinalAnswer:
		problem = "Not run: there are no steps left. Call final_answer with what is known."
	case problem == "" && t.name == toolFinalAnswer && !in.alone:
		problem = "Not taken: final_answer has to be called alone, after the other calls' results are known."
	}
	if problem != "" {
		if t != nil && t.name == toolFinalAnswer && in.alone {
			return k.refuseAnswer(c, problem), nil
		}
		if in.last { // it had its chance: answer with what it says
			k.answer = k.salvage(c)
		}
		return failed("TOOL_CALL_INVALID", problem), nil
	}
	code := t.code(args)
	err := k.rec.with(func(ctx context.Context, tx *ent.Tx) error {
		return tx.Step.UpdateOne(s).SetTool(t.name).SetCallID(c.ID).SetArguments(c.Arguments).SetCode(code).Exec(ctx)
	}, KindToolStarted, EventBody{StepID: s.ID, Tool: t.name, Code: code})
	if err != nil {
		return callEnd{}, fmt.Errorf("store the call: %w", err)
	}
	end, err := t.run(ctx, k, s, args)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return end, err
}

// callContext is what is around a call.
type callContext struct {
	alone   bool // the reply asks for nothing else
	surplus bool // the reply asks for too much
	last    bool // only final_answer is allowed
}

// callEnd is how a call, and with it its step, ended.
type callEnd struct {
	state         step.State
	result        string // for the model
	code, message string // where it failed
	outputs       []Output
}

func failed(code, result string) callEnd {
	return callEnd{state: step.StateFailed, code: code, message: result, result: "<error>\n" + result + "\n</error>"}
}

// failureOf makes a sentence for a person of the error that ended a run.
func failureOf(err error) *Failure {
	var model *dialogue.Error
	var py *execution.Error
	switch {
	case errors.As(err, &model):
		return &Failure{string(model.Code), model.Message}
	case errors.As(err, &py):
		return &Failure{string(py.Code), py.Message}
	}
	return &Failure{CodeInternal, "Something broke inside Mark; it has been logged. Nothing of the chat is lost: ask again."}
}
