package agent_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

// diligent is a model that runs programs, six of them, until it is told to answer.
type diligent struct {
	before func(programs int) // nil: nothing

	mu     sync.Mutex
	asked  []dialogue.Request
	billed dialogue.Usage // all that it gave to its callers
}

const wantedPrograms = 6

func (d *diligent) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	programs := 0
	for _, m := range req.Messages {
		if m.Role == dialogue.ToolRole {
			programs++
		}
	}
	if d.before != nil {
		d.before(programs)
	}
	t := python(fmt.Sprintf("program %d", programs+1))
	if programs >= wantedPrograms || req.Choice == "final_answer" {
		t = calls("final_answer", `{"story":"As far as it goes.","claims":[]}`)
	}
	t.reply.Usage = dialogue.Usage{PromptTokens: 1_000, CachedTokens: 400, CompletionTokens: 100, ReasoningTokens: 10}
	for _, delta := range t.deltas {
		if err := emit(delta); err != nil {
			return t.reply, err
		}
	}
	if err := ctx.Err(); err != nil {
		return dialogue.Reply{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.billed = append(d.asked, req), d.billed.Add(t.reply.Usage)
	return t.reply, nil
}

// shifted is a clock that can be put forward.
type shifted struct{ by atomic.Int64 }

func (c *shifted) now() time.Time { return time.Now().Add(time.Duration(c.by.Load())) }

// Each budget ends the work with what is known by then, and says so. Without it the
// model goes on until it has what it wants.
func TestASpentBudgetAsksForTheAnswer(t *testing.T) {
	for _, test := range []struct {
		name     string
		set      func(*agent.Limits)
		programs int // that run before it is spent
		says     string
	}{
		{"none", func(*agent.Limits) {}, wantedPrograms, ""},
		{"steps", func(l *agent.Limits) { l.Steps = 4 }, 3, "the 4 steps that a question may take"},
		{"tokens", func(l *agent.Limits) { l.PerRun.Tokens = 2_500 }, 3, "the 2500 tokens that a question may take"},
		{"money", func(l *agent.Limits) { l.PerRun.CostMicros = 2_000_000 }, 2, "the 2.00 US dollars for the model"},
		{"Python", func(l *agent.Limits) { l.PerRun.Python = 2 * time.Second }, 2, "the 2 seconds of Python"},
		{"output", func(l *agent.Limits) { l.PerRun.OutputBytes = 3 << 20 }, 3, "the 3 MB of files"},
		{"tokens of the day", func(l *agent.Limits) { l.PerDay.Tokens = 2_500 }, 3, "today's 2500 tokens"},
		{"money of the day", func(l *agent.Limits) { l.PerDay.CostMicros = 2_000_000 }, 2, "today's 2.00 US dollars"},
		{"Python of the day", func(l *agent.Limits) { l.PerDay.Python = 2 * time.Second }, 2, "today's 2 seconds of Python"},
		{"output of the day", func(l *agent.Limits) { l.PerDay.OutputBytes = 3 << 20 }, 3, "today's 3 MB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			model := &diligent{}
			b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "diligent", LLM: model, Offline: true, Prices: dialogue.Prices{Input: 1_000, CachedInput: 250, Output: 3_000}}}
				c.Limits.PerRun, c.Limits.PerDay = agent.Budget{}, agent.Budget{}
				test.set(&c.Limits)
			})
			b.python.run = func(_ context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
				emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEText, Text: code + strings.Repeat("x", 1<<20)}})
				return execution.Result{Duration: time.Second}, nil
			}
			r, _ := b.ask(agent.Question{Text: "q"})
			if r.State != run.StateSucceeded {
				t.Fatalf("%s %s", r.State, r.ErrorMessage)
			}
			if n := len(model.asked) - 1; n != test.programs {
				t.Errorf("%d programs ran, want %d", n, test.programs)
			}
			last := model.asked[len(model.asked)-1]
			if forced := last.Choice == "final_answer"; forced != (test.says != "") {
				t.Errorf("the last choice was %q", last.Choice)
			}
			told := strings.Contains(last.Messages[len(last.Messages)-1].Content, "budget of this question is spent")
			if want := test.says != "" && test.name != "steps"; told != want {
				t.Errorf("the model was told %t: %q", told, last.Messages[len(last.Messages)-1].Content)
			}
			var checks []agent.Check
			for _, c := range b.final(r).Checks {
				if c.Code == agent.CheckBudget {
					checks = append(checks, c)
				}
			}
			if (len(checks) == 1) != (test.says != "") || len(checks) > 0 && !strings.Contains(checks[0].Text, test.says) {
				t.Errorf("checks %+v, want one with %q", checks, test.says)
			}
			// What was used is stored with the run and with the day.
			n := int64(test.programs + 1)
			if r.PromptTokens != int(n)*1_000 || r.CostMicros != n*1_000_000 || r.PythonMs != 1_000*int64(test.programs) || r.OutputBytes < int64(test.programs)<<20 {
				t.Errorf("used %d tokens, %d micros, %d ms, %d bytes in %d turns", r.PromptTokens, r.CostMicros, r.PythonMs, r.OutputBytes, n)
			}
			b.sameDay()
		})
	}
}

// sameDay checks that the day of the bench's person has what their runs have.
func (b *bench) sameDay() {
	b.t.Helper()
	var want agent.Used
	for _, r := range b.client.Run.Query().AllX(b.ctx) {
		want.Runs++
		want.Tokens += int64(r.PromptTokens + r.CompletionTokens)
		want.CostMicros += r.CostMicros
		want.PythonMs += r.PythonMs
		want.OutputBytes += r.OutputBytes
	}
	if got, _, _, err := b.agent.Today(b.ctx); err != nil || got != want {
		b.t.Errorf("the day has %+v, the runs have %+v; %v", got, want, err)
	}
}

// Before its time is over a run answers with what it has.
func TestTimeIsLeftForTheAnswer(t *testing.T) {
	model, now := &diligent{}, &shifted{}
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
		c.Models = []agent.Model{{Name: "diligent", LLM: model, Offline: true}}
		c.Clock = clock.Func(now.now)
		c.Limits.RunTime = time.Hour
	})
	b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
		now.by.Add(int64(17 * time.Minute))
		return execution.Result{}, nil
	}
	r, _ := b.ask(agent.Question{Text: "q"})
	checks := b.final(r).Checks
	if n := len(model.asked); n != 4 || len(checks) != 1 || !strings.Contains(checks[0].Text, "the 1 hour that a question may take") {
		t.Errorf("asked %d times, checks %+v", n, checks)
	}
}

// Where a day's budget is spent no question is taken until the next day, nothing of
// it is stored, and nobody else is concerned.
func TestASpentDayRefusesQuestions(t *testing.T) {
	for _, test := range []struct {
		name string
		day  agent.Budget
		says string
	}{
		{"tokens", agent.Budget{Tokens: 30}, "today's 30 tokens"},
		{"questions", agent.Budget{Runs: 2}, "today's 2 questions"},
		{"money", agent.Budget{CostMicros: 40}, "US dollars for the model"},
	} {
		t.Run(test.name, func(t *testing.T) {
			databases.Each(t, func(t *testing.T, s *store.Store) {
				now := &shifted{}
				now.by.Store(int64(time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(21*time.Hour + 29*time.Minute + 2*time.Second))))
				change := func(c *agent.Config) {
					c.Clock, c.Limits.PerDay = clock.Func(now.now), test.day
					c.Models[0].Prices = dialogue.Prices{Input: 1, Output: 2}
				}
				b := newBench(t, s, change)
				b.model.then(says("Yes."))
				for range 2 {
					if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded {
						t.Fatal(r.State)
					}
				}
				_, err := b.agent.Send(b.ctx, agent.Question{Text: "q", ClientMutationID: "third"})
				if !fault.Is(err, fault.LimitExceeded) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "in 2 hours 31 minutes") {
					t.Errorf("the third question: %v", err)
				}
				if n := b.client.Run.Query().CountX(b.ctx); n != 2 {
					t.Errorf("%d runs", n)
				}
				// Deleting what was asked gives nothing back.
				for _, c := range b.client.Chat.Query().AllX(b.ctx) {
					if err := b.agent.DeleteChat(b.ctx, c.ID); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := b.agent.Send(b.ctx, agent.Question{Text: "q"}); !fault.Is(err, fault.LimitExceeded) {
					t.Errorf("after the chats were deleted: %v", err)
				}
				other := newBenchOf(t, s, "eve@example.org", change)
				other.model.then(says("Yes."))
				other.ask(agent.Question{Text: "q"})
				other.sameDay()

				now.by.Add(int64(3 * time.Hour))
				if r, _ := b.ask(agent.Question{Text: "q", ClientMutationID: "third"}); r.State != run.StateSucceeded {
					t.Errorf("on the next day: %s", r.State)
				}
				b.sameDay()
			})
		})
	}
}

// A run that is taken over, wherever that is, ends by its budget as it would have,
// and what it used is counted once.
func TestBudgetsSurviveATakeover(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		whole := 0
		for at := 0; at == 0 || at < whole; at++ {
			model := &diligent{}
			b := newBenchOf(t, s, fmt.Sprintf("ada%d@example.org", at), func(c *agent.Config) {
				c.Models = []agent.Model{{Name: "diligent", LLM: model, Offline: true, Prices: dialogue.Prices{Input: 2, Output: 8}}}
				c.Limits.PerRun.Tokens = 2_500
			})
			b.python.run = (&ran{}).run
			b.python.origin = execution.Origin{State: execution.OriginKept}
			sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
			for e, err := range b.log.Follow(ctx, sent.Run.ID, 0) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Seq == at {
					rob(t, s, sent.Run.ID)
				}
			}
			cancel()
			r, events := b.await(sent.Run.ID)
			whole = max(whole, len(events))
			steps := b.client.Step.Query().Where(step.RunID(r.ID)).Order(ent.Asc(step.FieldIndex)).AllX(b.ctx)
			var budgets []string
			for _, s := range steps {
				budgets = append(budgets, s.Budget)
			}
			if want := []string{"", "", "", "TOKENS"}; !slices.Equal(budgets, want) {
				t.Errorf("lost after %d: the steps began with %q", at, budgets)
			}
			if checks := b.final(r).Checks; len(checks) != 1 || checks[0].Code != agent.CheckBudget {
				t.Errorf("lost after %d: checks %+v", at, checks)
			}
			// A reply on its way to a node that is lost is nobody's.
			if lost := (model.billed.PromptTokens - r.PromptTokens) / 1_000; lost < 0 || lost > 1 || r.PromptTokens < 4_000 {
				t.Errorf("lost after %d: %d tokens are stored of %d", at, r.PromptTokens, model.billed.PromptTokens)
			}
			b.sameDay()
			b.close()
		}
	})
}

// What replies took that were not taken counts, and is not lost with the node.
func TestDiscardedRepliesCount(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		for _, lost := range []bool{false, true} {
			b := newBenchOf(t, s, fmt.Sprintf("ada%t@example.org", lost), func(c *agent.Config) {
				c.Limits.Steps = 1
				c.Models[0].Prices = dialogue.Prices{Input: 3}
			})
			use := func(t turn, prompt int) turn {
				t.reply.Usage = dialogue.Usage{PromptTokens: prompt, CompletionTokens: 1}
				return t
			}
			broke := use(says("It brea"), 10)
			broke.err = &dialogue.Error{Code: dialogue.CodeUnavailable, Message: "It broke off.", Visible: true}
			tooLong := use(turn{err: &dialogue.Error{Code: dialogue.CodeTooLong, Message: "Too long."}}, 100)
			end := use(calls("final_answer", `{"story":"All is well.","claims":[]}`), 10_000)
			want := 11_110
			if lost {
				var once sync.Once
				gone := turn{first: func(ctx context.Context) {
					once.Do(func() { rob(t, s, b.client.Run.Query().OnlyIDX(b.ctx)) })
					<-ctx.Done()
				}}
				// The reply that strays is stored, and then the node is lost; the next
				// one asks from the start of the step.
				b.model.then(broke, tooLong, use(python("print(1)"), 1_000), gone, end)
			} else {
				b.model.then(broke, tooLong, use(python("print(1)"), 1_000), end)
			}
			r, _ := b.ask(agent.Question{Text: "q"})
			if r.State != run.StateSucceeded || r.PromptTokens != want || r.CostMicros != int64(3*want) {
				t.Errorf("lost %t: %s, %d tokens, %d micros, want %d tokens", lost, r.State, r.PromptTokens, r.CostMicros, want)
			}
			b.sameDay()
			b.close()
		}
	})
}

// What a fallback answers costs what the fallback costs.
func TestAFallbackHasItsOwnPrices(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, func(c *agent.Config) {
			c.Models[0].Prices = dialogue.Prices{Input: 3}
			c.Models = append(c.Models, agent.Model{Name: "reserve", LLM: c.Models[0].LLM, Prices: dialogue.Prices{Input: 7}})
		})
		first, second := calls("list_datasets", `{}`), calls("final_answer", `{"story":"All is well.","claims":[]}`)
		first.reply.Usage, second.reply.Usage = dialogue.Usage{PromptTokens: 10}, dialogue.Usage{PromptTokens: 100}
		second.reply.By = "reserve"
		b.model.then(first, second)
		if r, _ := b.ask(agent.Question{Text: "q"}); r.CostMicros != 10*3+100*7 {
			t.Errorf("%s, %d micros", r.State, r.CostMicros)
		}
	})
}
