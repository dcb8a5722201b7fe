package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/llm"
	"github.com/mark-analyst/mark/store"
)

// told is the last message of a request to the model.
func (m *scriptedModel) told(request int) string {
	all := m.requests[request].Messages
	return all[len(all)-1].Content
}

// A dataset that goes while the model thinks is described as it was; the next
// question does not know it any more.
func TestADatasetDeletedUnderAChat(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		gone, stays := b.dataset("gone.csv"), b.dataset("stays.csv")
		look := calls("describe_dataset", `{"name":"gone.csv"}`)
		look.first = func(context.Context) { b.client.Dataset.DeleteOneID(gone.ID).ExecX(b.ctx) }
		b.model.then(look, says("It has prices."), calls("describe_dataset", `{"name":"gone.csv"}`), says("It is gone."))
		r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: []string{gone.ID, stays.ID}})
		if r.State != run.StateSucceeded || !strings.Contains(b.model.told(1), `"price"`) {
			t.Errorf("%s %s; told %q", r.State, r.ErrorMessage, b.model.told(1))
		}
		r, _ = b.ask(agent.Question{Text: "and now?", ChatID: r.ChatID})
		if system := b.model.requests[2].Messages[0].Content; strings.Contains(system, "gone.csv") || !strings.Contains(system, "stays.csv") {
			t.Errorf("the model was told of %q", system)
		}
		if told := b.model.told(3); r.State != run.StateSucceeded || !strings.Contains(told, `There are: "stays.csv"`) {
			t.Errorf("%s; told %q", r.State, told)
		}
	})
}

// What a person calls things can change between two questions: the model is told
// the new names, and an old one leads to a sentence.
func TestNamesThatChangeBetweenTurns(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	d := b.dataset("sales.csv")
	b.model.then(calls("describe_dataset", `{"name":"sales.csv"}`), says("Prices."),
		calls("describe_dataset", `{"name":"Old name"}`), calls("describe_dataset", `{"name":"New name"}`), says("Prices in euros."))
	d.Update().SetName("Old name").ExecX(b.ctx)
	r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: []string{d.ID}})
	d.Update().SetName("New name").ExecX(b.ctx)
	d.QueryColumns().OnlyX(b.ctx).Update().SetDescription("In euros").ExecX(b.ctx)
	r, _ = b.ask(agent.Question{Text: "and now?", ChatID: r.ChatID})
	system := b.model.requests[2].Messages[0].Content
	if r.State != run.StateSucceeded || !strings.Contains(system, "New name") || strings.Contains(system, "Old name") {
		t.Errorf("%s; the model was told of %q", r.State, system)
	}
	if told := b.model.told(3); !strings.Contains(told, "no dataset of that name") || !strings.Contains(told, "New name") {
		t.Errorf("of the old name the model was told %q", told)
	}
	if told := b.model.told(4); !strings.Contains(told, "In euros") {
		t.Errorf("of the new one %q", told)
	}
}

// As many datasets as a chat holds, each of them wide, fit into what the model is
// told, by name; more are refused before anything is stored.
func TestAsManyDatasetsAsAChatHolds(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	limits := agent.DefaultLimits()
	var all []string
	for i := range 200 {
		d := b.dataset(fmt.Sprintf("table-%03d.csv", i))
		all = append(all, d.ID)
		if i >= limits.DatasetsPerChat {
			continue
		}
		var columns []*ent.ColumnCreate
		for c := 1; c < 200; c++ {
			columns = append(columns, b.client.Column.Create().SetDatasetID(d.ID).SetPosition(c).
				SetName(fmt.Sprintf("a column with a long name %d", c)).SetType("FLOAT").SetNullCount(0).SetDistinctCount(3))
		}
		b.client.Column.CreateBulk(columns...).ExecX(b.ctx)
	}
	_, err := b.agent.Send(b.ctx, agent.Question{Text: "q", DatasetIDs: all})
	wantFault(t, err, fault.LimitExceeded)
	if n := b.client.Chat.Query().CountX(b.ctx); n != 0 {
		t.Errorf("%d chats were made", n)
	}
	b.model.then(calls("list_datasets", `{}`, "describe_dataset", `{"name":"table-049.csv"}`), says("Fine."))
	r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: all[:limits.DatasetsPerChat]})
	if r.State != run.StateSucceeded {
		t.Fatalf("%s %s", r.State, r.ErrorMessage)
	}
	_, err = b.agent.Send(b.ctx, agent.Question{Text: "q", ChatID: r.ChatID, DatasetIDs: all[limits.DatasetsPerChat : limits.DatasetsPerChat+1]})
	wantFault(t, err, fault.LimitExceeded)
	_, catalogue, _ := strings.Cut(b.model.requests[0].Messages[0].Content, "<datasets>")
	if n := utf8.RuneCountInString(catalogue); n > limits.ResultCharacters/2+50 {
		t.Errorf("the datasets take %d characters", n)
	}
	messages := b.model.requests[1].Messages
	listed := messages[len(messages)-2].Content
	for i := range limits.DatasetsPerChat {
		name := fmt.Sprintf(`"table-%03d.csv"`, i)
		if !strings.Contains(catalogue, name) || !strings.Contains(listed, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, m := range messages[len(messages)-2:] {
		if n := utf8.RuneCountInString(m.Content); n > limits.ResultCharacters || !json.Valid([]byte(m.Content)) {
			t.Errorf("a result has %d characters: %.200s", n, m.Content)
		}
	}
}

// Datasets whose names alone are more than there is room for: those that are left
// out are counted.
func TestDatasetsWithLongNames(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	limits := agent.DefaultLimits()
	var all []string
	for i := range limits.DatasetsPerChat {
		d := b.dataset(fmt.Sprintf("%03d%s.csv", i, strings.Repeat("ä", 50)))
		all = append(all, d.Update().SetName(strings.Repeat("x", 197)+fmt.Sprintf("%03d", i)).SaveX(b.ctx).ID)
	}
	b.model.then(says("Fine."))
	b.ask(agent.Question{Text: "q", DatasetIDs: all})
	_, catalogue, _ := strings.Cut(b.model.requests[0].Messages[0].Content, "<datasets>\n")
	catalogue, _, _ = strings.Cut(catalogue, "\n</datasets>")
	n := strings.Count(catalogue, "- name ")
	if size := utf8.RuneCountInString(catalogue); n < 10 || size > limits.ResultCharacters/2 || !strings.HasSuffix(catalogue, fmt.Sprintf("(and %d more, see list_datasets)", len(all)-n)) {
		t.Errorf("%d datasets in %d characters: …%s", n, size, catalogue[max(0, len(catalogue)-200):])
	}
}

// The end of a traceback says what went wrong: it stays of one of 2 MB.
func TestALongTraceback(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
			lines := strings.Repeat("  File \"<step>\", line 1, in f\n    f()\n", 2<<20/36)
			return execution.Result{Failure: &execution.Failure{
				Name: "ValueError", Message: strings.Repeat("x", 2<<20), Traceback: "Traceback (most recent call last):\n" + lines + "ValueError: the price is negative",
			}}, nil
		}
		b.model.then(python("f()"), says("It does not work."))
		r, _ := b.ask(agent.Question{Text: "q"})
		told := b.model.told(1)
		if n := utf8.RuneCountInString(told); n > agent.DefaultLimits().ResultCharacters || !strings.Contains(told, "Traceback") ||
			!strings.Contains(told, "the price is negative") || !strings.Contains(told, "characters left out") {
			t.Errorf("told %d characters: %.300s", n, told)
		}
		failed := b.client.Step.Query().Where(step.Index(1)).OnlyX(b.ctx)
		if r.State != run.StateSucceeded || len(failed.ErrorMessage) > 2_000 || len(*failed.Result) > 20_000 {
			t.Errorf("%s; a message of %d bytes", r.State, len(failed.ErrorMessage))
		}
	})
}

// Forty calls at once of all kinds, one as wrong as the other: each that is told has
// its result, and the run goes on.
func TestFortyToolsAtOnce(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = prints("1\n")
	var pairs []string
	for range 5 {
		pairs = append(pairs, "list_datasets", `{}`, "run_python", `{"code":"1"}`, "no_such_tool", `{}`, "run_python", `{"code":`,
			"final_answer", `{"story":"Too early."}`, "describe_dataset", `{}`, "ask_user", `{"question":7}`, "", ``)
	}
	b.model.then(calls(pairs...), says("Done."))
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateSucceeded || b.final(r).Story != "Done." {
		t.Fatalf("%s %s", r.State, r.ErrorMessage)
	}
	asked := map[string]bool{}
	for _, m := range b.model.requests[1].Messages {
		for _, c := range m.ToolCalls {
			asked[c.ID] = true
		}
		if m.Role == dialogue.ToolRole {
			if !asked[m.ToolCallID] || m.Content == "" {
				t.Errorf("a result %q of the call %q", m.Content, m.ToolCallID)
			}
			delete(asked, m.ToolCallID)
		}
	}
	if len(asked) != 0 {
		t.Errorf("without a result: %v", asked)
	}
	if last := b.model.told(1); !strings.Contains(last, "32 more calls were not run") {
		t.Errorf("the model was told %q", last)
	}
}

// An answer beside other calls cannot know what they show: it is not taken, they
// run, and the model answers again.
func TestAnAnswerBesideOtherCalls(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = prints("42\n")
	b.model.then(calls("final_answer", `{"story":"It is 17."}`, "run_python", `{"code":"1"}`, "final_answer", `{"story":"It is 18."}`),
		calls("final_answer", `{"story":"It is 42."}`))
	r, _ := b.ask(agent.Question{Text: "q"})
	if a := b.final(r); a.Story != "It is 42." || len(a.Checks) != 0 {
		t.Errorf("the answer is %+v", a)
	}
	var states []string
	for _, s := range b.client.Step.Query().Order(step.ByIndex()).AllX(b.ctx) {
		states = append(states, s.Tool+" "+s.State.String())
	}
	if want := []string{" FAILED", "run_python SUCCEEDED", "final_answer FAILED", "final_answer SUCCEEDED"}; !slices.Equal(states, want) {
		t.Errorf("steps %q", states)
	}
}

// Whatever language an answer is in, it comes to the person as it was written.
func TestAnswersInOtherLanguages(t *testing.T) {
	for _, story := range []string{
		"平均价格是三欧元。", "متوسط السعر ثلاثة يورو.", "میانگین قیمت را می\u200cخواهم.", "מחיר ממוצע: שלושה אירו.",
		"औसत मूल्य तीन यूरो है।", "Süßes kostet im Mittel drei Euro – „günstig“.", "ราคาเฉลี่ยสามยูโร", "👩\u200d🔬 говорит: три евро ☀️",
	} {
		b := newBench(t, databases.SQLite(t), nil)
		args, err := json.Marshal(map[string]any{"story": story, "followUps": []string{story}, "caveats": []string{story}})
		if err != nil {
			t.Fatal(err)
		}
		b.model.then(calls("final_answer", string(args)))
		r, events := b.ask(agent.Question{Text: "What does it cost?"})
		if a := b.final(r); a.Story != story || a.FollowUps[0] != story || a.Caveats[0] != story {
			t.Errorf("%q became %+v", story, a)
		}
		streamed := ""
		for _, e := range events {
			if body, err := agent.Body(e.Body); err == nil && e.Kind == agent.KindTextDelta {
				streamed += body.Text
			}
		}
		if streamed != story {
			t.Errorf("%q was shown as %q", story, streamed)
		}
	}
}

// A reply without an end is cut off by the adapter, and said; one that is just
// below the limit is an answer. The chat goes on.
func TestRepliesOfTenMegabytes(t *testing.T) {
	frame := func(text string) string {
		raw, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": text}}}})
		return "data: " + string(raw) + "\n\n"
	}
	piece := frame(strings.Repeat("All is well. ", 20_000)) // 260 kB
	const end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
	wire := fakellm.NewClient(fakellm.Sequence(
		fakellm.Raw(strings.Repeat(piece, 38)+end), // 9.9 MB
		fakellm.Raw(strings.Repeat(piece, 60)),
		fakellm.Raw(strings.Repeat(piece, 60)),
		fakellm.Raw(strings.Repeat(piece, 60)),
		fakellm.Say(fakellm.Text("Hello."))))
	endpoint, err := llm.New(llm.Config{BaseURL: "http://model.invalid/v1", Model: "endless", HTTPClient: wire})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(endpoint.Close)
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Models = []agent.Model{{Name: "endless", LLM: endpoint}} })
	r, _ := b.ask(agent.Question{Text: "q"})
	if n := len(b.final(r).Story); r.State != run.StateSucceeded || n < 9_000_000 {
		t.Errorf("%s; a story of %d bytes", r.State, n)
	}
	r, _ = b.ask(agent.Question{Text: "q"})
	if r.State != run.StateFailed || r.ErrorCode != string(dialogue.CodeBadReply) || len(r.ErrorMessage) > 500 {
		t.Errorf("%s %s %.300s", r.State, r.ErrorCode, r.ErrorMessage)
	}
	if r, _ = b.ask(agent.Question{ChatID: r.ChatID, Text: "q"}); r.State != run.StateSucceeded || b.final(r).Story != "Hello." {
		t.Errorf("afterwards %s %s", r.State, r.ErrorMessage)
	}
}
