package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
)

var unknownName = execution.Result{Failure: &execution.Failure{
	Name: "NameError", Message: "name 'df' is not defined", Traceback: "NameError: name 'df' is not defined\n",
}}

// programs has the programs end so, one after the other; those after them end well.
func (p *scriptedPython) programs(results ...execution.Result) {
	p.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
		if len(results) == 0 {
			return prints("41.5\n")(ctx, code, emit)
		}
		result := results[0]
		results = results[1:]
		return result, nil
	}
}

// A 1.5-billion-parameter model does so in most of its questions: it makes a number
// up, forgets to load the data, and then asks for it.
func TestAModelThatGivesUpAfterAFailedProgramIsSentBack(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.programs(unknownName)
	b.model.then(says("It is 98.6."), python("print(df.price.mean())"), says("I need to load the dataset first."),
		python("df = 1"), says("The mean is 41.5."))
	r, events := b.ask(agent.Question{Text: "What is the mean?", DatasetIDs: []string{b.dataset("a.csv").ID}})
	if a := b.final(r); r.State != run.StateSucceeded || a.Story != "The mean is 41.5." || len(a.Checks) != 0 {
		t.Errorf("state %s, answer %+v", r.State, a)
	}
	asked := b.model.requests[3]
	if last := asked.Messages[len(asked.Messages)-1]; last.Role != dialogue.User || !strings.Contains(last.Content, "run_python") || asked.Choice != dialogue.ChoiceRequired {
		t.Errorf("the model was told %q, choice %s", last.Content, asked.Choice)
	}
	if s := b.client.Step.Query().Where(step.Index(3)).OnlyX(b.ctx); s.State != step.StateFailed || s.ErrorCode != agent.CodeNotComputed {
		t.Errorf("the step is %s %s", s.State, s.ErrorCode)
	}
	withdrawn := 0
	for _, kind := range kinds(events) {
		if kind == agent.KindAttemptDiscarded {
			withdrawn++
		}
	}
	if withdrawn != 2 {
		t.Errorf("%d texts were withdrawn: %v", withdrawn, kinds(events))
	}
}

// Who writes a program where an answer is to be has computed nothing. It is told to
// run it, once.
func TestAProgramThatIsOnlyWrittenIsSentBack(t *testing.T) {
	const plan = "Let's compute it:\n\n```python\nprint(df.price.mean())\n```\n\nThat prints the mean."
	for name, tc := range map[string]struct {
		turns []turn
		data  bool
		asked int
		story string
		sent  bool // back
	}{
		"with data":     {[]turn{says(plan), python("print(41.5)"), says("The mean is 41.5.")}, true, 3, "The mean is 41.5.", true},
		"twice":         {[]turn{says(plan), says(plan)}, true, 2, plan, true},
		"after another": {[]turn{python("1"), says(plan)}, true, 2, plan, false},
		"without data":  {[]turn{says(plan)}, false, 1, plan, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			b.python.programs()
			b.model.then(tc.turns...)
			q := agent.Question{Text: "What is the mean?"}
			if tc.data {
				q.DatasetIDs = []string{b.dataset("a.csv").ID}
			}
			r, events := b.ask(q)
			if a := b.final(r); r.State != run.StateSucceeded || a.Story != tc.story || len(b.model.requests) != tc.asked {
				t.Errorf("state %s, asked %d times, answer %+v", r.State, len(b.model.requests), a)
			}
			if sent := slices.Contains(kinds(events), agent.KindAttemptDiscarded); sent != tc.sent {
				t.Errorf("sent back %t: %v", sent, kinds(events))
			}
		})
	}
}

// What is said after a failure stands where it is said again, and where the model
// had something to go by.
func TestAReplyAfterAFailedProgramStands(t *testing.T) {
	for name, tc := range map[string]struct {
		results []execution.Result
		turns   []turn
		asked   int
	}{
		"said again":              {[]execution.Result{unknownName}, []turn{python("df"), says("It cannot be computed.")}, 3},
		"an earlier program ran":  {[]execution.Result{{}, unknownName}, []turn{python("1"), python("df"), says("Only this is known.")}, 3},
		"a later program ran":     {[]execution.Result{unknownName}, []turn{python("df"), python("1"), says("This is known.")}, 3},
		"in the agreed form":      {[]execution.Result{unknownName}, []turn{python("df"), calls("final_answer", `{"story":"There is no such column."}`)}, 2},
		"without any program":     {nil, []turn{says("Which of them do you mean?")}, 1},
		"with nothing but a call": {nil, []turn{calls("run_python", `{}`), says("I do not know how.")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			b.python.programs(tc.results...)
			b.model.then(tc.turns...)
			r, events := b.ask(agent.Question{Text: "What is the mean?"})
			if r.State != run.StateSucceeded || len(b.model.requests) != tc.asked {
				t.Errorf("state %s, asked %d times: %v", r.State, len(b.model.requests), kinds(events))
			}
			if got := slices.Contains(kinds(events), agent.KindAttemptDiscarded); got != (name == "said again") {
				t.Errorf("withdrawn: %v", got)
			}
		})
	}
}

// A reply that was sent back is not taken after a takeover.
func TestATakeoverKeepsToWhatWasSentBack(t *testing.T) {
	s := databases.SQLite(t)
	b := newBench(t, s, nil)
	b.python.programs(unknownName)
	lost := func(ctx context.Context) {
		rob(t, s, b.client.Run.Query().OnlyIDX(b.ctx))
		<-ctx.Done()
	}
	b.model.then(python("df"), says("I need to load the dataset first."), turn{first: lost}, says("It cannot be computed."))
	r, _ := b.ask(agent.Question{Text: "q"})
	if a := b.final(r); r.State != run.StateSucceeded || a.Story != "It cannot be computed." || r.Epoch < 3 {
		t.Errorf("%s in epoch %d, answer %q", r.State, r.Epoch, a.Story)
	}
	if last := b.model.requests[len(b.model.requests)-1]; last.Choice != dialogue.ChoiceRequired {
		t.Errorf("the model could choose %q", last.Choice)
	}
}
