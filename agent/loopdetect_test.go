package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
)

// What names the step in a result changes from step to step; the loop is one all
// the same.
func TestLoopIsSeenThroughTheNumbersOfSteps(t *testing.T) {
	for name, outcome := range map[string]func(n int, emit func(execution.Event)) execution.Result{
		"the same exception": func(n int, _ func(execution.Event)) execution.Result {
			return execution.Result{Failure: &execution.Failure{
				Name: "NameError", Message: "name 'df' is not defined",
				Traceback: fmt.Sprintf("File \"<cell %d>\", line 1, in <module>\nNameError: name 'df' is not defined\n", n),
			}}
		},
		"the same table": func(_ int, emit func(execution.Event)) execution.Result {
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMETable, Table: &execution.Table{Columns: []string{"a"}, Rows: [][]any{{1.5}}, RowCount: 1}}})
			return execution.Result{Duration: time.Millisecond}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			n := 0
			b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
				n++
				return outcome(n, emit), nil
			}
			b.model.then(python("df.mean()"))
			r, _ := b.ask(agent.Question{Text: "q"})
			if r.State != run.StateSucceeded || n != 3 || len(b.model.requests) != 5 {
				t.Fatalf("state %s %s, %d programs, asked %d times", r.State, r.ErrorMessage, n, len(b.model.requests))
			}
			if last := b.model.requests[4]; len(last.Tools) != 1 || last.Tools[0].Name != "final_answer" {
				t.Errorf("at last %d tools were offered", len(last.Tools))
			}
		})
	}
}

func TestTheModelIsToldHowToLoadADataset(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	d := b.dataset("prices.csv")
	b.model.then(says("Hello!"))
	b.ask(agent.Question{Text: "hi", DatasetIDs: []string{d.ID}})
	if system := b.model.requests[0].Messages[0].Content; !strings.Contains(system, `load: pd.read_csv('prices.csv')`) {
		t.Errorf("the model was told %q", system)
	}
}

// Of two files of one name each has a name of its own, wherever the model is told
// of it.
func TestTheModelIsToldFilesOfOneNameApart(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	first, second := b.dataset("prices.csv"), b.dataset("prices.csv")
	b.model.then(calls("list_datasets", `{}`), calls("describe_dataset", `{"name":"`+second.ID+`"}`), says("Two."))
	b.ask(agent.Question{Text: "hi", DatasetIDs: []string{first.ID, second.ID}})
	messages := b.model.requests[2].Messages
	for what, told := range map[string]string{
		"question": messages[len(messages)-5].Content,
		"list":     messages[len(messages)-3].Content, "description": messages[len(messages)-1].Content, "catalogue": messages[0].Content,
	} {
		if !strings.Contains(told, `"prices (2).csv"`) {
			t.Errorf("the %s tells %s", what, told)
		}
		if (what == "description" || what == "catalogue") && !strings.Contains(told, `pd.read_csv('prices (2).csv')`) {
			t.Errorf("the %s has it loaded so: %s", what, told)
		}
	}
}

// What a model asks for again stands in its prompt already: a small one's has
// room for it only once, unless it was cut since.
func TestALongResultIsToldOnce(t *testing.T) {
	tooLong := turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "Too long."}}
	for name, tc := range map[string]struct {
		between []turn
		again   bool
	}{
		"as it stands above": {nil, false},
		"unless it was cut":  {[]turn{tooLong}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			printed := strings.Repeat("many words ", 60)
			b.python.run = prints(printed)
			b.model.then(python("print(1)"))
			b.model.then(tc.between...)
			b.model.then(python("print(1)"), says("Done."))
			if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded {
				t.Fatalf("state %s %s", r.State, r.ErrorMessage)
			}
			last := b.model.requests[len(b.model.requests)-1].Messages
			told := last[len(last)-1].Content
			if strings.Contains(told, "many words") != tc.again || !strings.Contains(told, "made this very call before") {
				t.Errorf("the second time it was told %q", told)
			}
			if first := last[len(last)-3].Content; !strings.Contains(first, "many words") {
				t.Errorf("the first result is now %q", first)
			}
		})
	}
}
