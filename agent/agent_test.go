package agent_test

import (
	"context"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

const finalStory = `{"story":"The mean is **41.5**.","claims":[{"text":"The mean is 41.5","evidence":["s1.stdout"]}],"charts":[{"title":"Prices","output":"s1.o1"}],"followUps":["And the median?"],"caveats":["3 rows only"]}`

func TestQuestionToAnswer(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		d := b.dataset("prices.csv")
		b.python.run = func(_ context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
			emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: "mean 41.5\n"}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEPlotly, JSON: []byte(`{"data":[{"type":"bar"}],"layout":{"images":[{"source":"https://evil.example"}]}}`)}})
			emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEFile, Artifact: &execution.Artifact{
				Name: "out.csv", MIMEType: "text/csv", SizeBytes: 3,
				Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a,b")), nil },
			}}})
			return execution.Result{Duration: 5 * time.Millisecond}, nil
		}
		b.model.then(python("print(df.price.mean())"), calls("final_answer", finalStory))
		r, events := b.ask(agent.Question{Text: "What is the mean price?", DatasetIDs: []string{d.ID}})

		if r.State != run.StateSucceeded {
			t.Fatalf("state %s: %s", r.State, r.ErrorMessage)
		}
		want := []string{
			"RunStarted", "StepStarted", "ToolArgsDelta", "UsageUpdated", "ToolStarted", "OutputChunk", "OutputAdded", "OutputAdded",
			"UsageUpdated", "StepFinished", "StepStarted", "TextDelta", "UsageUpdated", "ToolStarted", "StepFinished", "RunFinished",
		}
		if got := kinds(events); !slices.Equal(got, want) {
			t.Errorf("events\n got %v\nwant %v", got, want)
		}
		if len(r.PromptHash) != 12 {
			t.Errorf("the prompts' version is %q", r.PromptHash)
		}
		a := b.final(r)
		if a.Story != "The mean is **41.5**." || len(a.Checks) != 0 {
			t.Errorf("story %q, checks %v", a.Story, a.Checks)
		}
		if len(a.Charts) != 1 || a.Charts[0].Title != "Prices" || strings.Contains(string(a.Charts[0].Spec), "evil") {
			t.Errorf("charts: %+v", a.Charts)
		}
		if len(a.Claims) != 1 || len(a.Claims[0].Evidence) != 1 || a.Claims[0].Evidence[0].Output.Text != "mean 41.5\n" {
			t.Errorf("claims: %+v", a.Claims)
		}
		if n := b.client.Artifact.Query().CountX(b.ctx); n != 1 {
			t.Errorf("%d artifacts", n)
		}
		if len(b.python.opened) != 1 || b.python.opened[0].Files[0].Name != "prices.csv" || b.python.closed != 1 {
			t.Errorf("sessions: %+v, closed %d", b.python.opened, b.python.closed)
		}
		told := b.model.requests[1].Messages[len(b.model.requests[1].Messages)-1]
		if told.Role != dialogue.ToolRole || !strings.Contains(told.Content, "<stdout>\nmean 41.5\n</stdout>") || !strings.Contains(told.Content, "[s1.o2] file \"out.csv\"") {
			t.Errorf("the model was told %q", told.Content)
		}
		prefix := b.model.requests[0].Messages
		if !slices.EqualFunc(prefix, b.model.requests[1].Messages[:len(prefix)], func(a, b dialogue.Message) bool { return a.Content == b.Content }) {
			t.Error("the beginning of the prompt changed between calls")
		}
	})
}

func TestDirectAnswerUsesNoTool(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(says("Hello!"))
	r, events := b.ask(agent.Question{Text: "hi"})
	if a := b.final(r); a.Story != "Hello!" || len(a.Checks) != 0 {
		t.Errorf("answer %+v", a)
	}
	if got, want := kinds(events), []string{"RunStarted", "StepStarted", "TextDelta", "UsageUpdated", "StepFinished", "RunFinished"}; !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
	if len(b.python.opened) != 0 {
		t.Error("a session was opened")
	}
	if r.PromptTokens != 10 || r.CompletionTokens != 5 {
		t.Errorf("usage %d, %d", r.PromptTokens, r.CompletionTokens)
	}
}

func TestHistoryReachesTheModel(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = prints("41.5\n")
	b.model.then(python("print(1)"), calls("final_answer", `{"story":"It is 41.5."}`), says("As said, 41.5."))
	first, _ := b.ask(agent.Question{Text: "What is the mean?"})
	b.ask(agent.Question{ChatID: first.ChatID, Text: "Say it again"})
	var told []string
	for _, m := range b.model.requests[2].Messages[1:] {
		told = append(told, string(m.Role)+":"+m.Content)
	}
	// What stood in the first run's prompt stands in the next one's word for
	// word: servers keep what they have read.
	if before := b.model.requests[1].Messages; !reflect.DeepEqual(b.model.requests[2].Messages[:len(before)], before) {
		t.Errorf("the prompt began with %q, and now with %q", before, b.model.requests[2].Messages[:len(before)])
	}
	if len(told) != 5 || !strings.HasSuffix(told[0], "What is the mean?") || !strings.Contains(told[2], "41.5") ||
		told[3] != "assistant:It is 41.5." || !strings.HasSuffix(told[4], "Say it again") {
		t.Errorf("the model was told %q", told)
	}
	seqs := b.client.Message.Query().Order(message.BySeq()).AllX(b.ctx)
	for i, m := range seqs {
		if m.Seq != i+1 {
			t.Errorf("message %d has seq %d", i, m.Seq)
		}
	}
}

func TestModelMistakesAreMended(t *testing.T) {
	for name, tc := range map[string]struct {
		first turn
		told  string // part of what the model is told of it
	}{
		"unknown tool":          {calls("rm_rf", `{}`), "no tool of that name"},
		"broken arguments":      {calls("run_python", `{"code": "print(1`), "not valid JSON"},
		"arguments unfit":       {calls("run_python", `{"cod": 1}`), "do not fit"},
		"array for an object":   {calls("run_python", `[]`), "do not fit"},
		"final beside others":   {calls("run_python", `{"code":"1"}`, "final_answer", `{"story":"x"}`), "alone"},
		"empty story":           {calls("final_answer", `{"story":" "}`), "empty"},
		"final without a story": {calls("final_answer", `{"text":"x"}`), "final_answer again"},
		"unknown dataset":       {calls("describe_dataset", `{"name":"x"}`), "no dataset"},
		"empty reply":           {turn{reply: dialogue.Reply{Finish: dialogue.FinishStop}}, "empty"},
		"cut call":              {turn{reply: dialogue.Reply{Finish: dialogue.FinishLength}}, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			b.python.run = prints("1\n")
			b.model.then(tc.first, calls("final_answer", `{"story":"Done."}`))
			r, _ := b.ask(agent.Question{Text: "q"})
			if r.State != run.StateSucceeded || b.final(r).Story != "Done." {
				t.Fatalf("state %s, error %s", r.State, r.ErrorMessage)
			}
			messages := b.model.requests[1].Messages
			if told := messages[len(messages)-1].Content; !strings.Contains(told, tc.told) {
				t.Errorf("the model was told %q", told)
			}
			if n := b.client.Step.Query().Where(step.ResultIsNil()).CountX(b.ctx); n != 0 {
				t.Errorf("%d steps without a result", n)
			}
		})
	}
}

func TestRunEndsWhenTheModelDoesNot(t *testing.T) {
	for name, tc := range map[string]struct {
		turns []turn
		state run.State
		code  string
		story string
	}{
		"twice a bad final answer": {[]turn{calls("final_answer", `{"story": 7, "x": "half`)}, run.StateSucceeded, "", "could not put"},
		"bad final with a story":   {[]turn{calls("final_answer", `{"story":"So far so good","claims":7}`)}, run.StateSucceeded, "", "So far so good"},
		"always empty":             {[]turn{{reply: dialogue.Reply{Finish: dialogue.FinishStop}}}, run.StateFailed, "MODEL_BAD_REPLY", ""},
		"the same call for ever":   {[]turn{python("print(1)")}, run.StateSucceeded, "", ""},
		"refused":                  {[]turn{{reply: dialogue.Reply{Finish: dialogue.FinishFilter}}}, run.StateFailed, "MODEL_REFUSED", ""},
		"key refused":              {[]turn{{err: &dialogue.Error{Code: dialogue.CodeAuth, Message: "Bad key."}}}, run.StateFailed, "MODEL_UNAUTHORIZED", ""},
		"panic":                    {[]turn{{first: func(context.Context) { panic("boom") }}}, run.StateFailed, "INTERNAL", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			b.python.run = prints("1\n")
			b.model.then(tc.turns...)
			r, _ := b.ask(agent.Question{Text: "q"})
			if r.State != tc.state || r.ErrorCode != tc.code {
				t.Fatalf("state %s, error %q %q", r.State, r.ErrorCode, r.ErrorMessage)
			}
			if tc.state == run.StateSucceeded && !strings.Contains(b.final(r).Story, tc.story) {
				t.Errorf("story %q", b.final(r).Story)
			}
			// The chat goes on.
			b.model.script = nil
			b.model.then(says("fine"))
			if r, _ := b.ask(agent.Question{ChatID: r.ChatID, Text: "again"}); r.State != run.StateSucceeded {
				t.Errorf("the next question: %s", r.ErrorMessage)
			}
		})
	}
}

func TestLastStepAllowsOnlyTheAnswer(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.Steps = 3 })
	n := 0
	b.python.run = func(ctx context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		n++
		return prints(strings.Repeat("x", n))(ctx, "", emit)
	}
	b.model.then(python("1"), python("2"), says("What is known so far."))
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateSucceeded || n != 2 {
		t.Fatalf("state %s after %d programs: %s", r.State, n, r.ErrorMessage)
	}
	// The tools stay, for they stand at the beginning of what servers cache.
	first, last := b.model.requests[0], b.model.requests[2]
	if last.Choice != "final_answer" || len(last.Tools) != len(first.Tools) {
		t.Errorf("the last request offers %d tools, choice %q", len(last.Tools), last.Choice)
	}
}

// Some servers do not heed the choice of a tool.
func TestAModelThatStraysFromTheLastStepHasOneToolLeft(t *testing.T) {
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) { c.Limits.Steps = 1 })
	stray := python("1")
	stray.reply.Usage = dialogue.Usage{PromptTokens: 7, CompletionTokens: 3}
	b.model.then(stray, says("What is known so far."))
	r, events := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateSucceeded || len(b.python.opened) != 0 || !slices.Contains(kinds(events), "AttemptDiscarded") {
		t.Fatalf("state %s %s, events %v", r.State, r.ErrorMessage, kinds(events))
	}
	last := b.model.requests[1]
	if len(last.Tools) != 1 || last.Tools[0].Name != "final_answer" || last.Choice != "final_answer" {
		t.Errorf("the last request offers %d tools, choice %q", len(last.Tools), last.Choice)
	}
	if r.PromptTokens != 17 || r.CompletionTokens != 8 {
		t.Errorf("usage %d, %d", r.PromptTokens, r.CompletionTokens)
	}
}

func TestBrokenOffReplyIsDiscardedAndRepeated(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(turn{deltas: []dialogue.Delta{{Text: "Hal"}}, err: &dialogue.Error{Code: dialogue.CodeBadReply, Message: "Broke off.", Visible: true}}, says("Hello"))
	r, events := b.ask(agent.Question{Text: "hi"})
	if b.final(r).Story != "Hello" || !slices.Contains(kinds(events), "AttemptDiscarded") {
		t.Errorf("story %q, events %v", b.final(r).Story, kinds(events))
	}
}

func TestTooLongIsCompacted(t *testing.T) {
	tooLong := turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "Too long."}}
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(says("one"))
	first, _ := b.ask(agent.Question{Text: "first"})
	b.model.script = []turn{tooLong, says("two")}
	r, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "second"})
	if r.State != run.StateSucceeded || len(b.model.requests[2].Messages) >= len(b.model.requests[1].Messages) {
		t.Errorf("state %s, %d messages and then %d", r.State, len(b.model.requests[1].Messages), len(b.model.requests[2].Messages))
	}
	b.model.script = []turn{tooLong}
	if r, _ := b.ask(agent.Question{ChatID: first.ChatID, Text: "third"}); r.ErrorCode != "MODEL_CONTEXT_TOO_BIG" {
		t.Errorf("error %q", r.ErrorCode)
	}
}

func TestPythonFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		result   execution.Result
		err      error
		told     string
		code     string
		sessions int
	}{
		"exception":  {execution.Result{Failure: &execution.Failure{Name: "KeyError", Message: "'x'", Traceback: "Traceback: KeyError 'x'"}}, nil, "Traceback: KeyError", "PYTHON_EXCEPTION", 1},
		"exit":       {execution.Result{Failure: &execution.Failure{Name: "SystemExit", Message: "exit was called (3)."}}, nil, "<error>\nSystemExit: exit was called (3).", "PYTHON_EXCEPTION", 1},
		"no message": {execution.Result{Failure: &execution.Failure{Name: "MemoryError", Traceback: "MemoryError"}}, nil, "MemoryError", "PYTHON_EXCEPTION", 1},
		"timeout":    {execution.Result{}, &execution.Error{Code: execution.CodeTimeout, Message: "Too slow."}, "Too slow.", "PYTHON_TIMEOUT", 1},
		"died":       {execution.Result{}, &execution.Error{Code: execution.CodeDied, Message: "It died.", Fatal: true}, "new session", "PYTHON_DIED", 2},
		"cut output": {execution.Result{Truncated: true}, nil, "rest is lost", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			first := true
			b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
				if first {
					first = false
					return tc.result, tc.err
				}
				return prints("ok\n")(ctx, code, emit)
			}
			b.model.then(python("1"), python("2"), says("done"))
			r, _ := b.ask(agent.Question{Text: "q"})
			if r.State != run.StateSucceeded {
				t.Fatalf("state %s: %s", r.State, r.ErrorMessage)
			}
			messages := b.model.requests[1].Messages
			if told := messages[len(messages)-1].Content; !strings.Contains(told, tc.told) {
				t.Errorf("the model was told %q", told)
			}
			if s := b.client.Step.Query().Where(step.Index(1)).OnlyX(b.ctx); s.ErrorCode != tc.code || strings.HasSuffix(s.ErrorMessage, ": ") {
				t.Errorf("the step's error is %q: %q", s.ErrorCode, s.ErrorMessage)
			}
			if len(b.python.opened) != tc.sessions {
				t.Errorf("%d sessions", len(b.python.opened))
			}
		})
	}
}

func TestNoIsolationIsSaid(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.refuse = &execution.Error{Code: execution.CodeUnavailable, Message: "No user namespaces; do this."}
	b.model.then(python("1"))
	if r, _ := b.ask(agent.Question{Text: "q"}); r.ErrorCode != "PYTHON_UNAVAILABLE" || !strings.Contains(r.ErrorMessage, "do this") {
		t.Errorf("error %q %q", r.ErrorCode, r.ErrorMessage)
	}
}

func TestQuestionsThatAreRefused(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(says("x"))
	stranger := b.client.User.Create().SetEmail("eve@example.org").SetPasswordHash("x").SaveX(auth.System(t.Context(), "test"))
	theirs := auth.WithViewer(t.Context(), auth.Viewer{UserID: stranger.ID})
	chat := b.client.Chat.Create().SaveX(theirs)
	data := b.client.Dataset.Create().SetName("n").SetFileName("n").SetBlobKey("n").SetSha256("0").SetSizeBytes(1).SaveX(theirs)
	for name, tc := range map[string]struct {
		q    agent.Question
		code fault.Code
	}{
		"empty":             {agent.Question{Text: ""}, fault.BadUserInput},
		"blank":             {agent.Question{Text: " \n\x00"}, fault.BadUserInput},
		"too long":          {agent.Question{Text: strings.Repeat("ä", 100_000)}, fault.LimitExceeded},
		"made-up chat":      {agent.Question{Text: "q", ChatID: "cht_nonsense"}, fault.NotFound},
		"another's chat":    {agent.Question{Text: "q", ChatID: chat.ID}, fault.NotFound},
		"another's dataset": {agent.Question{Text: "q", DatasetIDs: []string{data.ID}}, fault.NotFound},
		"unknown model":     {agent.Question{Text: "q", Model: "gpt-0"}, fault.BadUserInput},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.agent.Send(b.ctx, tc.q); !fault.Is(err, tc.code) {
				t.Errorf("error %v, want %s", err, tc.code)
			}
			if n := b.client.Message.Query().CountX(b.ctx); n != 0 {
				t.Errorf("%d messages were left behind", n)
			}
			if n := b.client.Chat.Query().CountX(b.ctx); n != 0 {
				t.Errorf("%d chats were left behind", n)
			}
		})
	}
}

func TestSameClientMutationIDIsTheSameRun(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.model.then(says("x"))
		type result struct {
			sent agent.Sent
			err  error
		}
		results := make(chan result)
		for range 8 {
			go func() {
				sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ClientMutationID: "once"})
				results <- result{sent, err}
			}()
		}
		seen := map[string]bool{}
		for range 8 {
			r := <-results
			if r.err != nil {
				t.Fatal(r.err)
			}
			seen[r.sent.Run.ID+r.sent.Message.ID+r.sent.Chat.ID] = true
		}
		if len(seen) != 1 {
			t.Errorf("%d different answers", len(seen))
		}
		if n := b.client.Run.Query().CountX(b.ctx); n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}
