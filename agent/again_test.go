package agent_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

// stepsOf are a run's steps in order.
func (b *bench) stepsOf(r *ent.Run) []*ent.Step {
	b.t.Helper()
	return b.client.Step.Query().Where(step.RunID(r.ID)).Order(ent.Asc(step.FieldIndex)).AllX(b.ctx)
}

func TestARunIsTriedAgainAndTheOldAnswerStays(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = (&ran{}).run
		b.model.then(python("warm up"), says("Ready."))
		first, _ := b.ask(agent.Question{Text: "Get ready."})
		b.model.script = nil
		b.model.then(python("a"), says("Old answer."))
		old, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "How many?"})
		b.model.script = nil
		b.model.then(python("b"), says("New answer."))
		again, err := b.agent.Retry(b.ctx, agent.Retrial{RunID: old.ID})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := b.await(again.ID)
		if r.State != run.StateSucceeded || b.final(r).Story != "New answer." || b.final(old).Story != "Old answer." || *r.BasedOnID != old.ID || r.QuestionID != old.QuestionID {
			t.Errorf("the new answer: %s %q; the old: %q", r.State, b.final(r).Story, b.final(old).Story)
		}
		if want := b.stepsOf(first)[0].ID; !slices.Equal(b.python.rewound, []string{want}) {
			t.Errorf("rewound to %v, want the variables as %s has left them", b.python.rewound, want)
		}
		if n := b.client.Message.Query().Where(message.RoleEQ(message.RoleAssistant)).CountX(b.ctx); n != 3 {
			t.Errorf("%d answers", n)
		}
		// What comes after builds on the new answer.
		b.model.script = nil
		b.model.then(says("Fine."))
		b.ask(agent.Question{ChatID: first.ChatID, Text: "And then?"})
		told := text(b.model.requests[len(b.model.requests)-1].Messages)
		if !strings.Contains(told, "New answer.") {
			t.Errorf("the next question is told\n%s", told)
		}
	})
}

func text(list []dialogue.Message) string {
	var b strings.Builder
	for _, m := range list {
		b.WriteString(string(m.Role) + ": " + m.Content + "\n")
		for _, c := range m.ToolCalls {
			b.WriteString("call " + c.Name + " " + c.Arguments + "\n")
		}
	}
	return b.String()
}

func TestWhatCannotBeTriedAgain(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	running, goOn := make(chan struct{}), make(chan struct{})
	b.model.then(says("Done."))
	done, _ := b.ask(agent.Question{Text: "q"})
	if _, err := b.agent.Retry(b.stranger(), agent.Retrial{RunID: done.ID}); !ent.IsNotFound(err) {
		t.Errorf("a stranger's retry: %v", err)
	}
	_, err := b.agent.Retry(b.ctx, agent.Retrial{RunID: done.ID, Model: "no such model"})
	wantFault(t, err, fault.BadUserInput)
	b.model.script = nil
	held := says("Done again.")
	held.first = func(context.Context) { close(running); <-goOn }
	b.model.then(held)
	again, err := b.agent.Retry(b.ctx, agent.Retrial{RunID: done.ID})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	_, err = b.agent.Retry(b.ctx, agent.Retrial{RunID: done.ID}) // a second click
	wantFault(t, err, fault.Conflict)
	_, err = b.agent.Retry(b.ctx, agent.Retrial{RunID: again.ID}) // it still goes on
	wantFault(t, err, fault.Conflict)
	close(goOn)
	if r, _ := b.await(again.ID); r.State != run.StateSucceeded {
		t.Error(r.State)
	}
}

// threeSteps is a run of three programs.
func threeSteps(b *bench) *ent.Run {
	b.model.then(calls("run_python", `{"code":"one"}`), calls("run_python", `{"code":"two"}`, "run_python", `{"code":"three"}`), says("First."))
	for i := range b.model.script {
		b.model.script[i].reply.Usage = dialogue.Usage{PromptTokens: 100, CompletionTokens: 10}
	}
	r, _ := b.ask(agent.Question{Text: "q"})
	b.model.script = nil
	b.model.then(python("four"), says("Second."))
	return r
}

func TestAStepIsChangedAndTheRunGoesOnFromIt(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		python1 := &ran{}
		b.python.run, b.python.origin = python1.run, execution.Origin{State: execution.OriginKept}
		first := threeSteps(b)
		old := b.stepsOf(first)
		python1.code = nil
		changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: old[1].ID, Code: "two, changed"})
		if err != nil {
			t.Fatal(err)
		}
		r, events := b.await(changed.ID)
		if r.State != run.StateSucceeded || b.final(r).Story != "Second." || b.final(first).Story != "First." {
			t.Fatalf("%s %s, %q", r.State, r.ErrorMessage, b.final(r).Story)
		}
		if got := python1.code; got["two, changed"] != 1 || got["four"] != 1 || len(got) != 2 {
			t.Errorf("what ran: %v", got)
		}
		if !slices.Equal(b.python.rewound, []string{old[0].ID}) {
			t.Errorf("rewound to %v, want %s", b.python.rewound, old[0].ID)
		}
		steps := b.stepsOf(r)
		if len(steps) != 4 || steps[0].CopiedFrom != old[0].ID || steps[1].Code != "two, changed" || steps[1].CopiedFrom != "" {
			t.Errorf("steps %+v", steps)
		}
		want := []string{"RunStarted", "StepStarted", "StepFinished", "StepStarted", "ToolStarted", "OutputChunk", "UsageUpdated", "StepFinished",
			"StepStarted", "ToolArgsDelta", "UsageUpdated", "ToolStarted", "OutputChunk", "UsageUpdated", "StepFinished", "StepStarted", "TextDelta", "UsageUpdated", "StepFinished", "RunFinished"}
		if got := kinds(events); !slices.Equal(got, want) {
			t.Errorf("events\n got %v\nwant %v", got, want)
		}
		told := text(b.model.requests[len(b.model.requests)-2].Messages)
		if !strings.Contains(told, "two, changed") || !strings.Contains(told, "The person has changed this program") || strings.Contains(told, `"three"`) || !strings.Contains(told, "did one") {
			t.Errorf("the model was told\n%s", told)
		}
		if r.PromptTokens != 10 { // says() counts 10, python() none, and what the first run used is its own
			t.Errorf("%d tokens are counted", r.PromptTokens)
		}
		// A step of the new run can be changed again; the copies lead back.
		b.model.script = nil
		b.model.then(says("Third."))
		b.python.rewound = nil
		last, err := b.agent.Edit(b.ctx, agent.Edit{StepID: steps[0].ID, Code: "one, changed"})
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := b.await(last.ID); r.State != run.StateSucceeded || !slices.Equal(b.python.rewound, []string{""}) {
			t.Errorf("%s, rewound to %q", r.State, b.python.rewound)
		}
	})
}

func TestAChangedStepAlone(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	python1 := &ran{}
	b.python.run = python1.run
	first := threeSteps(b)
	asked := len(b.model.requests)
	// What a person has written needs no approval of theirs.
	b.agent.ReviewCode = true
	for code, want := range map[string]string{"other": "has run", "fails": "failed: ValueError: no"} {
		changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(first)[2].ID, Code: code, Only: true})
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := b.await(changed.ID); r.State != run.StateSucceeded || !strings.Contains(b.final(r).Story, want) {
			t.Errorf("%s: %s %q", code, r.State, b.final(r).Story)
		}
	}
	if len(b.model.requests) != asked {
		t.Error("the model was asked")
	}
}

func TestVariablesThatAreNotKeptAreMadeAgain(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	python1 := &ran{}
	b.python.run = python1.run
	b.model.then(python("warm up"), says("Ready."))
	chat, _ := b.ask(agent.Question{Text: "Get ready."})
	b.model.script = nil
	b.model.then(python("one"), python("two"), says("Done."))
	first, _ := b.ask(agent.Question{ChatID: chat.ChatID, Text: "q"})
	python1.code, b.python.forgets = nil, true
	changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(first)[1].ID, Code: "other", Only: true})
	if err != nil {
		t.Fatal(err)
	}
	r, events := b.await(changed.ID)
	if got := python1.code; got["warm up"] != 1 || got["one"] != 1 || got["other"] != 1 || len(got) != 3 || r.PythonMs != 3 {
		t.Errorf("what ran: %v, %d ms", got, r.PythonMs)
	}
	if !slices.ContainsFunc(b.stepsOf(r), func(s *ent.Step) bool {
		return strings.Contains(string(s.Outputs), "the 2 programs before it were run again")
	}) {
		t.Errorf("nobody is told; events %v", kinds(events))
	}
	if changed, err = b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(first)[0].ID, Code: "another", Only: true}); err != nil {
		t.Fatal(err)
	}
	r, _ = b.await(changed.ID)
	if out := string(b.stepsOf(r)[0].Outputs); !strings.Contains(out, "the program before it was run again.") {
		t.Errorf("of one program is told %s", out)
	}
}

// A program that ends Python when it is run again would do so each time: the
// variables are lost, which is told, and the run goes on.
func TestVariablesThatCannotBeMadeAgain(t *testing.T) {
	for name, test := range map[string]struct {
		of    execution.Error // when the second program is run again
		state run.State
		told  string // beside the changed step
		ran   []string
	}{
		"it dies": {execution.Error{Code: execution.CodeDied, Message: "Python died.", Fatal: true},
			run.StateSucceeded, "could not be run again: Python died. Python has started afresh", []string{"warm up", "one", "other"}},
		"it takes too long": {execution.Error{Code: execution.CodeTimeout, Message: "It took too long."},
			run.StateSucceeded, "the 3 programs before it were run again, and 1 of them failed", []string{"warm up", "one", "two", "other"}},
		"it cannot be had": {execution.Error{Code: execution.CodeUnavailable, Message: "Python cannot be had.", Fatal: true},
			run.StateFailed, "", []string{"warm up", "one"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			python1 := &ran{}
			b.python.run = python1.run
			b.model.then(python("warm up"), says("Ready."))
			chat, _ := b.ask(agent.Question{Text: "Get ready."})
			b.model.script = nil
			b.model.then(python("one"), python("two"), python("three"), says("Done."))
			first, _ := b.ask(agent.Question{ChatID: chat.ChatID, Text: "q"})
			b.python.forgets = true
			b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
				result, err := python1.run(ctx, code, emit)
				if code == "one" {
					err = &test.of
				}
				return result, err
			}
			for range 2 { // and once more
				python1.code, b.python.rewound, b.python.keys, b.python.closed = nil, nil, nil, 0
				changed, err := b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(first)[2].ID, Code: "other", Only: true})
				if err != nil {
					t.Fatal(err)
				}
				r, _ := b.await(changed.ID)
				if r.State != test.state || r.State == run.StateFailed && r.ErrorCode != string(execution.CodeUnavailable) {
					t.Errorf("%s %s %s", r.State, r.ErrorCode, r.ErrorMessage)
				}
				if got := slices.Sorted(maps.Keys(python1.code)); !slices.Equal(got, slices.Sorted(slices.Values(test.ran))) {
					t.Errorf("what ran: %v, want %v", got, test.ran)
				}
				outputs := string(b.stepsOf(r)[2].Outputs)
				if test.told != "" && !strings.Contains(outputs, test.told) || strings.Contains(outputs, "fresh") != (test.of.Fatal && test.told != "") {
					t.Errorf("told is %s", outputs)
				}
				if len(b.python.keys) != b.python.closed || b.python.rewound[len(b.python.rewound)-1] != "" {
					t.Errorf("%d sessions were opened, %d closed, and the last way back was to %q", len(b.python.keys), b.python.closed, b.python.rewound)
				}
			}
		})
	}
}

func TestWhatCannotBeChanged(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = (&ran{}).run
	b.model.then(calls("list_datasets", `{}`), python("x"), says("Done."))
	r, _ := b.ask(agent.Question{Text: "q"})
	steps := b.stepsOf(r)
	_, err := b.agent.Edit(b.ctx, agent.Edit{StepID: steps[0].ID, Code: "y"})
	wantFault(t, err, fault.BadUserInput)
	_, err = b.agent.Edit(b.ctx, agent.Edit{StepID: steps[1].ID, Code: " \n"})
	wantFault(t, err, fault.BadUserInput)
	_, err = b.agent.Edit(b.ctx, agent.Edit{StepID: steps[1].ID, Code: strings.Repeat("x", 200_000)})
	wantFault(t, err, fault.LimitExceeded)
	if _, err = b.agent.Edit(b.stranger(), agent.Edit{StepID: steps[1].ID, Code: "y"}); !ent.IsNotFound(err) {
		t.Errorf("a stranger's edit: %v", err)
	}
	// A step of a run that still goes on.
	running := make(chan struct{})
	b.python.run = hangs(running)
	b.model.script = nil
	b.model.then(python("forever"))
	sent, err := b.agent.Send(b.ctx, agent.Question{ChatID: r.ChatID, Text: "q2"})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	_, err = b.agent.Edit(b.ctx, agent.Edit{StepID: b.stepsOf(sent.Run)[0].ID, Code: "y"})
	wantFault(t, err, fault.Conflict)
	if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
		t.Fatal(err)
	}
	b.await(sent.Run.ID)
}

func TestAnEarlierQuestionTriedAgainWaitsForTheRunThatGoesOn(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(says("First."))
		first, _ := b.ask(agent.Question{Text: "q1"})
		running, goOn := make(chan struct{}), make(chan struct{})
		held := says("Second.")
		held.first = func(context.Context) { close(running); <-goOn }
		b.model.script = nil
		b.model.then(held, says("Again."))
		second, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.ChatID, Text: "q2"})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		again, err := b.agent.Retry(b.ctx, agent.Retrial{RunID: first.ID})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.agent.Work(b.ctx, agent.Job{RunID: again.ID, Epoch: 1}); err != nil {
			t.Error(err)
		}
		if r := b.client.Run.GetX(b.ctx, again.ID); r.State != run.StateQueued || r.Epoch != 0 {
			t.Errorf("it is %s, claimed %d times, while another run of the chat goes on", r.State, r.Epoch)
		}
		close(goOn)
		for _, id := range []string{second.Run.ID, again.ID} {
			if r, _ := b.await(id); r.State != run.StateSucceeded {
				t.Errorf("%s %s", r.State, r.ErrorMessage)
			}
		}
	})
}
