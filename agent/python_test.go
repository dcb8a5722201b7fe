package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/execution"
)

// noticed is a sandbox that tells when a session is being opened, and opens it
// when it may, unless ctx ends before.
type noticed struct {
	*scriptedPython
	asked chan struct{}
	may   chan struct{}
}

func (n *noticed) Open(ctx context.Context, key string, spec execution.Spec) (execution.Session, execution.Origin, error) {
	close(n.asked)
	select {
	case <-n.may:
		return n.scriptedPython.Open(ctx, key, spec)
	case <-ctx.Done():
		return nil, execution.Origin{}, &execution.Error{Code: execution.CodeCancelled, Message: "Cancelled."}
	}
}

// wait returns when a session is being opened.
func (n *noticed) wait(ctx context.Context) {
	select {
	case <-n.asked:
	case <-ctx.Done():
	}
}

func newNoticed(t *testing.T) (*bench, *noticed) {
	n := &noticed{asked: make(chan struct{}), may: make(chan struct{})}
	b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
		n.scriptedPython, _ = c.Sandbox.(*scriptedPython)
		c.Sandbox = n
	})
	b.python.run = prints("1\n")
	return b, n
}

func TestASessionOpensWhileTheModelWrites(t *testing.T) {
	b, n := newNoticed(t)
	close(n.may)
	program := python("1")
	program.last = n.wait // the reply ends only then
	b.model.then(program, says("done"))
	if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded {
		t.Errorf("state %s: %s", r.State, r.ErrorMessage)
	}
	if len(b.python.opened) != 1 || b.python.closed != 1 {
		t.Errorf("%d opened, %d closed", len(b.python.opened), b.python.closed)
	}
}

func TestASessionThatIsNotUsedIsClosed(t *testing.T) {
	for name, ready := range map[string]bool{"open": true, "still being opened": false} {
		t.Run(name, func(t *testing.T) {
			b, n := newNoticed(t)
			if ready {
				close(n.may)
			}
			changed := says("No program after all.")
			changed.deltas = python("1").deltas
			changed.last = n.wait
			b.model.then(changed)
			if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded {
				t.Errorf("state %s: %s", r.State, r.ErrorMessage)
			}
			if len(b.python.opened) != b.python.closed {
				t.Errorf("%d opened, %d closed", len(b.python.opened), b.python.closed)
			}
		})
	}
}

// Small models take the data for loaded, question after question.
func TestAProgramWithoutItsDataIsToldHowToLoadIt(t *testing.T) {
	unknown := execution.Result{Failure: &execution.Failure{
		Name: "NameError", Message: "name 'df' is not defined", Traceback: "NameError: name 'df' is not defined\n",
	}}
	const hint = `Begin the program with df = pd.read_csv('prices.csv')`
	b := newBench(t, databases.SQLite(t), nil)
	d := b.dataset("prices.csv")
	programs := []execution.Result{unknown, {}, unknown}
	b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
		result := programs[0]
		programs = programs[1:]
		return result, nil
	}
	b.model.then(python("df.mean()"), python("df = 1"), python("dg.mean()"), says("Done."))
	if r, _ := b.ask(agent.Question{Text: "q", DatasetIDs: []string{d.ID}}); r.State != run.StateSucceeded {
		t.Fatalf("state %s: %s", r.State, r.ErrorMessage)
	}
	told := func(request int) string {
		m := b.model.requests[request].Messages
		return m[len(m)-1].Content
	}
	if first := told(1); !strings.Contains(first, hint) {
		t.Errorf("it was told %q", first)
	}
	if later := told(3); strings.Contains(later, "Begin the program") {
		t.Errorf("with data loaded it was told %q", later)
	}
}

func TestSessionsAreKeptUnderTheChat(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = prints("1\n")
	b.model.then(python("1"), says("done"), python("1"), says("done"))
	first, _ := b.ask(agent.Question{Text: "q"})
	b.ask(agent.Question{ChatID: first.ChatID, Text: "q"})
	if want := []string{first.ChatID, first.ChatID}; !slices.Equal(b.python.keys, want) || b.python.closed != 2 {
		t.Errorf("opened %v, closed %d", b.python.keys, b.python.closed)
	}
	if owner := b.python.opened[0].Owner; owner == "" || owner != first.OwnerID {
		t.Errorf("the session is %q's", owner)
	}
	if err := b.agent.DeleteChat(b.ctx, first.ChatID); err != nil {
		t.Fatal(err)
	}
	// Before the rows go and after: a run may have begun in between.
	if want := []string{first.ChatID, first.ChatID}; !slices.Equal(b.python.erased, want) {
		t.Errorf("erased %v", b.python.erased)
	}
}

func TestWhatBecameOfVariablesIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		origin execution.Origin
		want   string // in what the model and the person are told; "": nothing is
	}{
		"new":     {execution.Origin{}, ""},
		"kept":    {execution.Origin{State: execution.OriginKept}, ""},
		"earlier": {execution.Origin{State: execution.OriginEarlier, Reason: "Those from before."}, "[mark] Those from before."},
		"lost":    {execution.Origin{State: execution.OriginLost, Reason: "No room."}, "are gone. No room. Python has started afresh"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			b.python.run, b.python.origin = prints("1\n"), test.origin
			b.model.then(python("1"), python("2"), says("done"))
			b.ask(agent.Question{Text: "q"})
			told := func(request int) string {
				messages := b.model.requests[request].Messages
				return messages[len(messages)-1].Content
			}
			shown := ""
			for _, s := range b.client.Step.Query().AllX(b.ctx) {
				shown += string(s.Outputs)
			}
			for what, text := range map[string]string{"the model was told": told(1), "the person was shown": shown} {
				if got := strings.Contains(text, "[mark]"); got != (test.want != "") || !strings.Contains(text, test.want) {
					t.Errorf("%s %q, want %q", what, text, test.want)
				}
			}
			if strings.Contains(told(2), "[mark]") {
				t.Errorf("it is told again: %q", told(2))
			}
		})
	}
}
