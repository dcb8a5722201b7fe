package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

// nul is what PostgreSQL keeps in no text and in no jsonb.
const nul = "a\x00b\xff"

func TestWhateverComesIsStored(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
			emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: nul}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, Title: nul, JSON: []byte(`{"data":[{"name":"\u0000\ud800"}]}`)}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, JSON: []byte(`{"data":[{"y":[1e999999]}]}`)}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEJSON, JSON: []byte(`["1e999999", 1e300]`)}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMETable, Table: &execution.Table{
				Columns: []string{nul}, Rows: [][]any{{nul}}, RowCount: 1}}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEFile, Artifact: &execution.Artifact{
				Name: nul + strings.Repeat("€", 200), MIMEType: "text/csv",
				Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil },
			}}})
			return execution.Result{Failure: &execution.Failure{Name: nul, Message: nul, Traceback: nul}}, nil
		}
		hostile := python("print('\x00')" + nul)
		hostile.reply.Message.Content, hostile.reply.Message.Reasoning = nul, nul
		hostile.reply.Message.ToolCalls[0].ID = strings.Repeat("€", 300)
		hostile.deltas = append(hostile.deltas, dialogue.Delta{Reasoning: nul}, dialogue.Delta{Text: nul})
		invented := calls(strings.Repeat("€", 300)+nul, nul, strings.Repeat("z", 300), nul)
		story, _ := json.Marshal(map[string]any{"story": nul, "claims": []any{map[string]any{"text": nul, "evidence": []string{"s1.o1"}}}, "followUps": []string{nul}})
		b.model.then(hostile, invented, calls("final_answer", string(story)))
		r, _ := b.ask(agent.Question{Text: "q" + nul})
		if r.State != run.StateSucceeded {
			t.Fatalf("state %s: %s", r.State, r.ErrorMessage)
		}
		steps := b.client.Step.Query().Order(step.ByIndex()).AllX(b.ctx)
		if len(steps) != 4 || !strings.HasPrefix(steps[0].Code, "print('") || len(steps[0].CallID) > 200 || steps[1].Tool != "" {
			t.Fatalf("%d steps, the first %q, %q, the second %q", len(steps), steps[0].Code, steps[0].CallID, steps[1].Tool)
		}
		outputs, err := agent.Outputs(steps[0].Outputs)
		if err != nil || len(outputs) != 6 {
			t.Fatalf("%d outputs, %v", len(outputs), err)
		}
		if !strings.Contains(outputs[1].Text, "no database") || outputs[1].JSON != nil || outputs[2].JSON == nil {
			t.Errorf("numbers beyond a database: %+v, %+v", outputs[1], outputs[2])
		}
		if name := b.client.Artifact.Query().OnlyX(b.ctx).Name; len(name) > 255 || !strings.HasPrefix(name, "ab") {
			t.Errorf("artifact %q", name)
		}
	})
}

func TestAnyFailureEndsTheRun(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(turn{err: &dialogue.Error{Code: dialogue.CodeBadRequest, Message: strings.Repeat("错误", 2_000) + nul}})
		r, _ := b.ask(agent.Question{Text: "q"})
		if r.ErrorCode != string(dialogue.CodeBadRequest) || !strings.HasPrefix(r.ErrorMessage, "错误") || len(r.ErrorMessage) > 2_000 {
			t.Errorf("error %q with %d bytes", r.ErrorCode, len(r.ErrorMessage))
		}
		// An end that no database takes is replaced.
		b.model.script = []turn{{err: &dialogue.Error{Code: dialogue.Code(strings.Repeat("X", 100)), Message: "m"}}}
		if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateFailed || r.ErrorCode != agent.CodeInternal {
			t.Errorf("state %s, error %q", r.State, r.ErrorCode)
		}
		b.model.script = []turn{{first: func(context.Context) { panic("a defect") }}}
		if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateFailed || r.ErrorCode != agent.CodeInternal {
			t.Errorf("after a panic: state %s, error %q", r.State, r.ErrorCode)
		}
	})
}

type neverReady struct{}

func (neverReady) Await(context.Context, ...string) error {
	return fault.New(fault.Unavailable, "A dataset is still being read.")
}

func TestADatasetThatIsNeverReadIsSaid(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Datasets = neverReady{} })
	d := b.dataset("a.csv")
	if r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: []string{d.ID}}); r.ErrorCode != "UNAVAILABLE" || !strings.Contains(r.ErrorMessage, "still being read") {
		t.Errorf("error %q %q", r.ErrorCode, r.ErrorMessage)
	}
}

func TestIdsWithWhatNoDatabaseTakes(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		for _, q := range []agent.Question{
			{Text: "q", ChatID: "cht_\x00"}, {Text: "q", DatasetIDs: []string{"dst_\x00"}}, {Text: "q", Model: "\x00"}, {Text: "q", ClientMutationID: "\x00"},
		} {
			if _, err := b.agent.Send(b.ctx, q); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.BadUserInput) {
				t.Errorf("%+v: error %v", q, err)
			}
		}
	})
}

func TestOutputsOfARunAreBounded(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.InlineBytes = 3 << 20 })
	big := `{"data":[{"text":"` + strings.Repeat("x", 1<<20) + `"}]}`
	b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		for range 5 {
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, JSON: []byte(big)}})
		}
		return execution.Result{}, nil
	}
	claims := make([]any, 50)
	for i := range claims {
		claims[i] = map[string]any{"text": "c", "evidence": []string{"s1.o1", "s1.o1", "s1.o1", "s1.o2"}}
	}
	final, _ := json.Marshal(map[string]any{"story": "Look.", "claims": claims})
	b.model.then(python("1"), calls("final_answer", string(final)))
	r, _ := b.ask(agent.Question{Text: "q"})
	outputs, err := agent.Outputs(b.client.Step.Query().Where(step.Index(1)).OnlyX(b.ctx).Outputs)
	if err != nil || len(outputs) != 5 || outputs[1].JSON == nil || !strings.Contains(outputs[4].Text, "at most 3 MB") {
		t.Fatalf("%d outputs, %v", len(outputs), err)
	}
	a := b.final(r)
	if len(a.Charts) != 2 || len(a.Claims) != 50 || len(a.Claims[49].Evidence) != 4 || a.Claims[0].Evidence[0].Output == nil {
		t.Errorf("%d charts, %d claims", len(a.Charts), len(a.Claims))
	}
	if n := len(b.client.Message.GetX(b.ctx, *r.AnswerID).Parts); n > 8<<20 {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestWhatWasSaidBeforeAStopStays(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	running := make(chan struct{})
	b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
		emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, JSON: []byte(`{"data":[]}`)}})
		return hangs(running)(ctx, code, emit)
	}
	first := python("plot()")
	first.deltas = append([]dialogue.Delta{{Text: "Let me look."}}, first.deltas...)
	first.reply.Message.Content = "Let me look."
	b.model.then(first)
	sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
		t.Fatal(err)
	}
	r, _ := b.await(sent.Run.ID)
	parts := b.answer(r)
	if len(parts) != 5 || parts[0].Text.Text != "Let me look." || parts[1].ToolCall.State != "CANCELLED" ||
		parts[2].Output.Output.MIME != execution.MIMEPlotly || parts[3].Output.Output.Text != "so far\n" || parts[4].Text.Text != "Stopped while Python was running." {
		t.Errorf("parts %s", b.client.Message.GetX(b.ctx, *r.AnswerID).Parts)
	}
	if st := b.client.Step.Query().OnlyX(b.ctx); st.State != step.StateCancelled || len(st.Outputs) == 0 {
		t.Errorf("step %s, outputs %s", st.State, st.Outputs)
	}
}

func TestHalfAReplyThatWasSeenStays(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	half := turn{err: &dialogue.Error{Code: dialogue.CodeRefused, Message: "Declined.", Visible: true}}
	half.deltas = []dialogue.Delta{{Reasoning: "Hm."}, {Call: &dialogue.CallDelta{Name: "final_answer", Arguments: `{"story":"The mean i`}}}
	b.model.then(half)
	r, events := b.ask(agent.Question{Text: "q"})
	parts := b.answer(r)
	if len(parts) != 3 || parts[0].Reasoning.Text != "Hm." || parts[1].Text.Text != "The mean i" || parts[2].Error == nil {
		t.Errorf("parts %+v", parts)
	}
	var streamed strings.Builder
	for _, e := range events {
		if body, err := agent.Body(e.Body); err == nil && e.Kind == agent.KindTextDelta {
			streamed.WriteString(body.Text)
		}
	}
	if streamed.String() != "The mean i" {
		t.Errorf("the events say %q", streamed.String())
	}
}

func TestStoryBesideOtherCallsOfTheLastStep(t *testing.T) {
	final := []string{"final_answer", `{"story":"What is known."}`}
	code := []string{"run_python", `{"code":"1"}`}
	for name, pairs := range map[string][]string{
		"before": append(append([]string{}, final...), code...), "after": append(append([]string{}, code...), final...),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.Steps = 2 })
			b.python.run = prints("1\n")
			b.model.then(python("0"), calls(pairs...))
			if r, _ := b.ask(agent.Question{Text: "q"}); b.final(r).Story != "What is known." {
				t.Errorf("story %q", b.final(r).Story)
			}
		})
	}
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.Steps = 2 })
	b.python.run = prints("1\n")
	beside := calls(code...)
	beside.reply.Message.Content = "It is one."
	b.model.then(python("0"), beside)
	if r, _ := b.ask(agent.Question{Text: "q"}); b.final(r).Story != "It is one." {
		t.Errorf("story %q", b.final(r).Story)
	}
}

func TestTooManyCallsAtOnce(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	ran := 0
	b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
		ran++
		return execution.Result{}, nil
	}
	var pairs []string
	for range 200 {
		pairs = append(pairs, "run_python", `{"code":"1"}`)
	}
	b.model.then(calls(pairs...), says("done"))
	if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded {
		t.Fatalf("state %s: %s", r.State, r.ErrorMessage)
	}
	told := b.model.requests[1].Messages
	last := told[len(told)-1]
	if ran != 8 || len(told) != 1+1+1+8 || !strings.Contains(last.Content, "192 more calls were not run") {
		t.Errorf("%d ran, %d messages, the last %q", ran, len(told), last.Content)
	}
}

// TestCallsAtOnceAreStepsLikeOthers: the bound of steps counts them, and the last
// step is the answer's.
func TestCallsAtOnceAreStepsLikeOthers(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.Steps = 6 })
	ran := 0
	b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
		ran++
		return execution.Result{}, nil
	}
	var pairs []string
	for i := range 4 {
		pairs = append(pairs, "run_python", fmt.Sprintf(`{"code":"%d"}`, i))
	}
	b.model.then(calls(pairs...), calls(pairs...), says("done"))
	r, _ := b.ask(agent.Question{Text: "q"})
	if n := r.QuerySteps().CountX(b.ctx); r.State != run.StateSucceeded || n != 6 || ran != 5 {
		t.Errorf("state %s, %d steps, of which %d ran Python", r.State, n, ran)
	}
	told := b.model.requests[2].Messages
	if last := told[len(told)-1].Content; !strings.Contains(last, "3 more calls were not run: at most 1 could be run") {
		t.Errorf("the model was told %q", last)
	}
}

func TestAChatDeletedUnderARunEndsItQuietly(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		running, goOn := make(chan struct{}), make(chan struct{})
		b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
			close(running)
			<-goOn
			emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: "late"}})
			return execution.Result{}, nil
		}
		b.model.then(python("1"))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		b.client.Chat.DeleteOneID(sent.Chat.ID).ExecX(b.ctx)
		close(goOn)
		if err := b.agent.Close(t.Context()); err != nil { // waits for the run
			t.Fatal(err)
		}
		if n := b.client.Message.Query().CountX(b.ctx) + b.client.Event.Query().CountX(b.ctx); n != 0 {
			t.Errorf("%d rows were left", n)
		}
		if b.python.closed != 1 {
			t.Error("the session was not closed")
		}
	})
}

// gone has no file of any key.
type gone struct{ folder }

func (gone) Path(context.Context, string) (string, func(), error) {
	return "", nil, errors.New("no such file")
}

func TestADatasetDeletedWhileTheRunGoesOn(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Blobs = gone{folder(t.TempDir())} })
	d := b.dataset("a.csv")
	b.python.run = prints("1\n")
	ask := python("1")
	ask.first = func(context.Context) { b.client.Dataset.DeleteOneID(d.ID).ExecX(b.ctx) }
	b.model.then(ask, says("done"))
	if r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: []string{d.ID}}); r.State != run.StateSucceeded {
		t.Errorf("state %s: %s", r.State, r.ErrorMessage)
	}
	if len(b.python.opened) != 1 || len(b.python.opened[0].Files) != 0 {
		t.Errorf("sessions %+v", b.python.opened)
	}
}
