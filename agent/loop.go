package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/crashpoint"
	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/warehouse"
)

// maxCalls is how many calls of one reply are run; a reply with more is a model
// that has lost its way.
const maxCalls = 8

// maxCallID is how much of a model's name for a call is stored, bytes.
const maxCallID = 200

// work is one run while it goes on.
type work struct {
	*Agent
	row    *ent.Run  // as it was claimed
	began  time.Time // when this claim's work did
	llm    Model
	rec    *recorder
	prompt prompt // what the model is sent

	datasets  []*ent.Dataset      // of the chat, READY or FAILED
	fileNames map[string]string   // of those that are files, as Python has them, by their ids
	python    *python             // nil until the first step of Python
	stored    []*ent.Step         // what an earlier claim of the run did, and is not replayed yet
	first     *ent.Step           // was begun with the run; nil once it goes on
	finishing ending              // of the last step, where it is not stored yet
	started   startedCall         // the call that was made last
	again     bool                // an earlier claim has begun the step
	ran       bool                // Python ran in an earlier claim of the run
	base      *string             // where the variables are to be, before this run's first program; nil: where they are
	ended     bool                // a step has ended a session of this run
	asking    *asking             // the query that was planned for the call at hand
	approved  *ApprovalRequest    // what a person has allowed of it
	queries   []QueryDetail       // what the step at hand has asked
	opening   *opening            // nil when none is being opened
	fileSQL   warehouse.Warehouse // nil until it is asked for
	loaded    bool                // a program ran to its end in this session
	evidence  evidence
	usage     Usage
	expense   expense // what the step that goes on has paid
	excess    float64 // how many tokens the model's server has counted for one that was here
	spent     string  // the budget that is spent; "": none
	leftToday int64   // tokens, when the step began
	inline    int     // bytes of outputs that are kept with Mark's message
	steps     int
	loops     loopDetector
	repairs   int  // replies in a row that could not be used
	mustEnd   bool // the next reply has to be the answer
	rejected  int  // final answers that were refused
	doubted   bool // an answer was sent back for what no step has shown
	raised    bool // the last program raised an exception
	pressed   bool // a reply was sent back that had computed nothing
	mustCall  bool // the next reply has to call a tool
	doing     Stopped

	answer *Answer
	shown  []Part // reasoning, calls and outputs, in order
}

// begin stores that the run goes on, which a person waits for, and gathers what the
// model is to know.
func (k *work) begin(ctx context.Context) error {
	if err := k.recall(ctx); err != nil {
		return err
	}
	var configured bool
	if k.llm, configured = k.model(k.row.Model); !configured {
		return &dialogue.Error{Code: dialogue.CodeNotFound, Message: "The model that was asked is not configured any more."}
	}
	if k.row.State == run.StateQueued {
		if err := k.tellBegin(); err != nil {
			return fmt.Errorf("start the run: %w", err)
		}
	}
	known, err := k.gather(ctx)
	if err == nil {
		err = k.brief(ctx, known)
	}
	if err != nil {
		return fmt.Errorf("gather the context: %w", err)
	}
	return nil
}

// runStarted tells that a run goes on.
func runStarted(r *ent.Run) eventlog.Entry {
	return eventlog.Entry{Kind: KindRunStarted, Body: encode(EventBody{Model: r.Model})}
}

// tellBegin stores that the run goes on. One that has no steps begins its first in
// the same transaction.
func (k *work) tellBegin() error {
	at := k.Clock.Now()
	told := append([]eventlog.Entry{runStarted(k.row)}, k.tellCopies()...)
	var first beginning
	if len(k.stored) == 0 {
		first = newStep(k.row.ID, 1, "", k.spent, at) // not before the run: what stands before it are other runs' steps
		told = append(told, first.told)
	}
	return k.rec.withAll(func(ctx context.Context, tx *ent.Tx) error {
		err := tx.Run.Update().Where(run.ID(k.row.ID)).SetState(run.StateRunning).SetStartedAt(at).
			SetPromptHash(k.prompts.hash).Exec(ctx)
		if err == nil && first.create != nil {
			k.first, err = first.create(ctx, tx)
		}
		return err
	}, told...)
}

// end writes what is still gathered and gives back what the work holds.
func (k *work) end() {
	if err := errors.Join(k.finish(), k.rec.deltas.Flush()); err != nil && !errors.Is(err, eventlog.ErrFenced) {
		k.Logger.WarnContext(k.rec.ctx, "the last events of a run were not stored", "run", k.row.ID, "error", err)
	}
	k.closePython()
}

// loop asks the model and does what it wants until it answers.
func (k *work) loop(ctx context.Context) error {
	for k.answer == nil {
		if err := k.weigh(ctx); err != nil {
			return err
		}
		s, err := k.beginStep("")
		if err != nil {
			return err
		}
		last := k.mustEnd || k.spent != "" || k.steps >= k.Limits.Steps
		reply, err := k.reply(ctx, s, last)
		if err != nil {
			return err
		}
		k.mustCall = false
		if err := k.act(ctx, s, reply, last); err != nil {
			return err
		}
	}
	k.noteBudget()
	return k.finish()
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
		return k.say(s, m, reply.Finish == dialogue.FinishLength)
	}
	// Nothing usable: cut off in the middle of a call, or empty.
	if k.repairs++; k.repairs > k.Limits.Repairs || last {
		return &dialogue.Error{Code: dialogue.CodeBadReply, Message: "The model gave no usable reply, several times in a row. Try again, or choose another model."}
	}
	hint := promptEmpty
	if reply.Finish == dialogue.FinishLength {
		hint = promptCut
		if k.repairs > 1 { // it may be the context that is full: only a shorter prompt makes room
			k.prompt.compact(oldResult)
		}
	}
	if m.Content != "" && !ended(s) {
		// People have read it, and it goes. The model is not told of it: a small
		// one takes its own beginning for a good reply and repeats it.
		if err := k.rec.event(KindAttemptDiscarded, EventBody{StepID: s.ID}); err != nil {
			return err
		}
	}
	k.prompt.hint(k.prompts.text(hint))
	return k.endStep(s, callEnd{state: step.StateFailed, result: "(nothing usable)", code: string(dialogue.CodeBadReply), message: "The model's reply could not be used; it was asked again."})
}

// say takes a reply in plain text as the answer.
func (k *work) say(s *ent.Step, m dialogue.Message, cut bool) error {
	answer := k.direct(m.Content, cut)
	told, end, err := k.gaveUp(s, m.Content)
	if told == "" && err == nil {
		told, end, err = k.doubt(s, answer)
	}
	if err != nil {
		return err
	}
	if told == "" {
		k.answer = answer
		return k.endStep(s, callEnd{state: step.StateSucceeded, result: "(answered)"})
	}
	k.prompt.add(dialogue.Message{Role: dialogue.Assistant, Content: m.Content})
	k.prompt.add(dialogue.Message{Role: dialogue.User, Content: told})
	return k.endStep(s, end)
}

// call runs the calls of a reply one after the other. The first belongs to the
// step that asked the model; each further one is a step of its own.
func (k *work) call(ctx context.Context, s *ent.Step, m dialogue.Message, last bool) error {
	most := maxCalls
	if !last { // each call is a step, and the last one is for the answer
		most = min(most, max(1, k.Limits.Steps-k.steps))
	}
	surplus := ""
	if n := len(m.ToolCalls) - most; n > 0 { // a call without a result would be refused: they are not told again
		m.ToolCalls = m.ToolCalls[:most]
		surplus = fmt.Sprintf("\n(%d more calls were not run: at most %d could be run at once.)", n, most)
	}
	k.prompt.add(m)
	for i, c := range m.ToolCalls {
		if i > 0 {
			var err error
			if s, err = k.beginStep(k.tools.known(c.Name)); err != nil {
				return err
			}
		}
		end, err := k.run(ctx, s, c, callContext{alone: len(m.ToolCalls) == 1, last: last})
		if err != nil {
			return errors.Join(err, k.leaveStep(s, end))
		}
		if c.Name == toolRunPython {
			k.raised = end.code == CodeException
		}
		more := ""
		if i == most-1 {
			more = surplus
		}
		if ended(s) {
			end.result = *s.Result // as it was told
		}
		switch goesOn := end.state != step.StateSucceeded || k.answer == nil; {
		case goesOn && ended(s):
			k.recount(c, strings.TrimSuffix(end.result, more))
		case goesOn:
			end.result = k.warn(c, end.result) + more
		case !ended(s):
			end.result += more
		}
		k.prompt.add(dialogue.Message{Role: dialogue.ToolRole, ToolCallID: c.ID, Content: end.result})
		if err := k.endStep(s, end); err != nil {
			return err
		}
		if k.edited(s) && k.row.OnlyEdited {
			k.showEdited(end)
		}
	}
	if last && k.answer == nil { // it had its chance: answer with what it says
		k.answer = k.salvage(m)
	}
	return nil
}

// run runs one call. Its error ends the run; what the model can mend is in the
// result.
func (k *work) run(ctx context.Context, s *ent.Step, c dialogue.ToolCall, in callContext) (callEnd, error) {
	t, args, problem := k.tools.open(c)
	switch {
	case problem == "" && in.last && t.name != toolFinalAnswer:
		problem = "Not run: there are no steps left. Call final_answer with what is known."
	case problem == "" && t.name == toolFinalAnswer && !in.alone && !in.last:
		problem = "Not taken: final_answer has to be called alone, after the other calls' results are known."
	}
	if problem != "" {
		if t != nil && t.name == toolFinalAnswer && in.alone {
			return k.refuseAnswer(c, problem), nil
		}
		return failed("TOOL_CALL_INVALID", problem), nil
	}
	if end, done, err := k.replay(ctx, t, s, args); done || err != nil {
		return end, err
	}
	crashpoint.Here(crashpoint.RepliedNotStarted)
	if !started(s) {
		if end, refused, err := k.approve(ctx, t, s, args); refused || err != nil {
			return end, err
		}
		if err := k.start(s, t, c, t.code(args)); err != nil {
			return callEnd{}, err
		}
	}
	end, err := t.run(ctx, k, s, args)
	if k.edited(s) {
		end.result = editedNote + end.result
	}
	crashpoint.Here(crashpoint.RanNotStored)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return end, err
}

// start stores that a call is being made.
func (k *work) start(s *ent.Step, t *tool, c dialogue.ToolCall, code string) error {
	err := k.rec.with(func(ctx context.Context, tx *ent.Tx) error {
		return tx.Step.Update().Where(step.ID(s.ID)).SetTool(t.name).SetCallID(cut.ToBytes(storable.Text(c.ID), maxCallID)).
			SetArguments(storable.Text(c.Arguments)).SetCode(storable.Text(code)).Exec(ctx)
	}, KindToolStarted, toolStarted(s, t, code))
	if err != nil {
		return fmt.Errorf("store the call: %w", err)
	}
	k.started = startedCall{s.ID, t.name, storable.Text(code)}
	return nil
}

// startedCall is a call of a step.
type startedCall struct{ step, tool, code string }

func toolStarted(s *ent.Step, t *tool, code string) EventBody {
	if t.name == ToolRunSQL {
		return EventBody{StepID: s.ID, Tool: t.name, SQL: code}
	}
	return EventBody{StepID: s.ID, Tool: t.name, Code: code}
}

// callContext is what is around a call.
type callContext struct {
	alone bool // the reply asks for nothing else
	last  bool // only final_answer is allowed
}

// callEnd is how a call, and with it its step, ended.
type callEnd struct {
	state         step.State
	result        string // for the model
	code, message string // where it failed
	outputs       []Output
	audit         *Audit // nil: no code was executed
}

func failed(code, result string) callEnd {
	return callEnd{state: step.StateFailed, code: code, message: result, result: "<error>\n" + inside(result) + "\n</error>"}
}

// untagged is the text of a result that failed has made.
func untagged(result string) string {
	return strings.TrimSuffix(strings.TrimPrefix(result, "<error>\n"), "\n</error>")
}

// failureOf makes a sentence for a person of the error that ended a run.
func failureOf(err error) *Failure {
	var model *dialogue.Error
	var py *execution.Error
	var known *fault.Error
	switch {
	case errors.As(err, &model):
		return &Failure{string(model.Code), model.Message}
	case errors.As(err, &py):
		return &Failure{string(py.Code), py.Message}
	case errors.As(err, &known):
		return &Failure{string(known.Code), known.Message}
	}
	return &Failure{CodeInternal, "Something broke inside Mark; it has been logged. Nothing of the chat is lost: ask again."}
}
