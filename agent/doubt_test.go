package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
)

func TestMadeUpNumbersAreSentBackOnce(t *testing.T) {
	for name, made := range map[string]turn{
		"in plain text":            says("The mean is 98.6."),
		"in the final answer":      calls("final_answer", `{"story":"The mean is 98.6."}`),
		"a chart that is not made": calls("final_answer", `{"story":"See the 98.6 chart.","charts":[{"output":"s1.o1"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			b.python.run = prints("41.5\n")
			b.model.then(made, python("print(df.price.mean())"), says("The mean is 41.5."))
			r, events := b.ask(agent.Question{Text: "What is the mean?", DatasetIDs: []string{b.dataset("a.csv").ID}})
			if a := b.final(r); r.State != run.StateSucceeded || a.Story != "The mean is 41.5." || len(a.Checks) != 0 {
				t.Errorf("state %s, answer %+v", r.State, a)
			}
			told := b.model.requests[1].Messages
			if last := told[len(told)-1].Content; !strings.Contains(last, "98.6") || !strings.Contains(last, "run_python") {
				t.Errorf("the model was told %q", last)
			}
			if b.model.requests[1].Choice != dialogue.ChoiceRequired || b.model.requests[2].Choice != dialogue.ChoiceAuto {
				t.Errorf("choices %q, %q", b.model.requests[1].Choice, b.model.requests[2].Choice)
			}
			// Whoever watches has read the text: it is withdrawn.
			at := slices.Index(kinds(events), "AttemptDiscarded")
			if at < 0 || slices.Index(kinds(events), "StepFinished") < at {
				t.Errorf("events %v", kinds(events))
			}
			if s := b.client.Step.Query().Where(step.Index(1)).OnlyX(b.ctx); s.State != step.StateFailed || s.ErrorCode != agent.CodeUnsupported {
				t.Errorf("the step is %s %s", s.State, s.ErrorCode)
			}
		})
	}
}

func TestMadeUpNumbersThatStayAreFlagged(t *testing.T) {
	for name, change := range map[string]func(*agent.Config){
		"said again":          func(*agent.Config) {},
		"at the last step":    func(c *agent.Config) { c.Limits.Steps = 1 },
		"the offline analyst": func(c *agent.Config) { c.Models[0].Offline = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), change)
			b.model.then(says("It is 98.6."))
			r, _ := b.ask(agent.Question{Text: "What is the mean?"})
			a := b.final(r)
			if name == "at the last step" && len(a.Checks) > 0 { // the steps are a budget
				a.Checks = a.Checks[:len(a.Checks)-1]
			}
			if r.State != run.StateSucceeded || a.Story != "It is 98.6." || len(a.Checks) != 1 || a.Checks[0].Code != agent.CheckNoEvidence {
				t.Errorf("state %s, answer %+v", r.State, a)
			}
			want := 1
			if name == "said again" {
				want = 2
			}
			if len(b.model.requests) != want {
				t.Errorf("asked %d times", len(b.model.requests))
			}
		})
	}
}

func TestNumbersOfTheChatAreNotMadeUp(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	d := b.dataset("a.csv")
	b.client.Dataset.UpdateOne(d).SetRowCount(344).ExecX(b.ctx)
	b.python.run = prints("41.5\n")
	b.model.then(python("print(1)"), says("It is 41.5."), says("344 rows in 2007, and 41.5 as said."))
	first, _ := b.ask(agent.Question{Text: "What is the mean of 2007?", DatasetIDs: []string{d.ID}})
	second, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "Again, and how many rows?"})
	if a := b.final(second); len(a.Checks) != 0 || len(b.model.requests) != 3 {
		t.Errorf("asked %d times, checks %v", len(b.model.requests), a.Checks)
	}
}

func TestModelLearnsThatAChartIsEmptyAndThatNothingWasPrinted(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, JSON: []byte(`{"data":[{"type":"scatter","x":[],"y":[]}]}`)}})
		return execution.Result{Duration: time.Millisecond}, nil
	}
	b.model.then(python("fig.show()"), says("Nothing is left to draw."))
	b.ask(agent.Question{Text: "Plot 2026"})
	told := b.model.requests[1].Messages
	last := told[len(told)-1]
	if last.Role != dialogue.ToolRole || !strings.Contains(last.Content, "EMPTY") || !strings.Contains(last.Content, "printed nothing") {
		t.Errorf("the model was told %q", last.Content)
	}
}
