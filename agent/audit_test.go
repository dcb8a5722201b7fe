package agent_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// audit is the record of a step; nil: there is none.
func (b *bench) audit(index int) *agent.Audit {
	b.t.Helper()
	a, err := agent.AuditOf(b.client.Step.Query().Where(step.Index(index)).OnlyX(b.ctx).Audit)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func hashOf(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

func TestEveryExecutionIsRecorded(t *testing.T) {
	facts := &execution.Facts{Parsed: true, Imports: []string{"os" + nul}, Calls: []string{"os.system"}, Names: []string{"a.csv"}}
	usage := &execution.Usage{CPUMs: 7, PeakMemory: 1 << 40}
	reported := agent.Reported{Facts: &execution.Facts{Parsed: true, Imports: []string{"osa\uFFFDb\uFFFD"}, Calls: []string{"os.system"}, Names: []string{"a.csv"}}, Usage: usage}
	failed := func(f execution.Failure) execution.Result {
		return execution.Result{Duration: 5 * time.Millisecond, Failure: &f, Facts: facts, Usage: usage}
	}
	databases.Each(t, func(t *testing.T, s *store.Store) {
		for name, tc := range map[string]struct {
			result execution.Result
			err    error
			want   agent.Audit
		}{
			"succeeded": {
				execution.Result{Duration: 5 * time.Millisecond, Facts: facts, Usage: usage, Truncated: true,
					Notices: []execution.Notice{{Code: execution.NoticeTooLarge, Message: "Left out."}}}, nil,
				agent.Audit{Outcome: "SUCCEEDED", Notices: []execution.NoticeCode{execution.NoticeTooLarge}, Reported: reported},
			},
			"exception": {failed(execution.Failure{Name: "KeyError" + nul, Message: "m"}), nil,
				agent.Audit{Outcome: "PYTHON_EXCEPTION", Exception: "KeyErrorab\uFFFD", Reported: reported}},
			"limit": {failed(execution.Failure{Name: "OSError", Limit: execution.LimitDisk}), nil,
				agent.Audit{Outcome: "PYTHON_DISK_FULL", Exception: "OSError", Reported: reported}},
			"died": {execution.Result{Duration: 5 * time.Millisecond, Facts: facts}, &execution.Error{Code: execution.CodeDied, Message: "It died.", Fatal: true},
				agent.Audit{Outcome: "PYTHON_DIED", Ended: true, Reported: agent.Reported{Facts: reported.Facts}}},
			"said nothing": {execution.Result{Duration: 5 * time.Millisecond}, &execution.Error{Code: execution.CodeTimeout, Message: "Slow."},
				agent.Audit{Outcome: "PYTHON_TIMEOUT"}},
		} {
			t.Run(name, func(t *testing.T) {
				b := newBenchOf(t, s, strings.ReplaceAll(name, " ", "")+"@example.org", nil)
				b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
					return tc.result, tc.err
				}
				code := "print('" + name + "\x00')"
				b.model.then(python(code), says("done"))
				if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded {
					t.Fatalf("state %s: %s", r.State, r.ErrorMessage)
				}
				tc.want.SHA256, tc.want.WallMs = hashOf(code), 5
				if diff := cmp.Diff(&tc.want, b.audit(1)); diff != "" {
					t.Errorf("the record differs (-want +got):\n%s", diff)
				}
				if got := b.audit(2); got != nil {
					t.Errorf("a step without code has the record %+v", got)
				}
			})
		}
	})
}

// A step that is stopped ends no more, and has run all the same.
func TestAStoppedExecutionIsRecorded(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		running := make(chan struct{})
		b.python.run = func(ctx context.Context, _ string, _ func(execution.Event)) (execution.Result, error) {
			close(running)
			<-ctx.Done()
			return execution.Result{Facts: &execution.Facts{Parsed: true}}, &execution.Error{Code: execution.CodeCancelled, Message: "Stopped.", Err: ctx.Err()}
		}
		b.model.then(python("while True: pass"))
		sent, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
		if err != nil {
			t.Fatal(err)
		}
		<-running
		if _, err := b.agent.Stop(b.ctx, sent.Run.ID); err != nil {
			t.Fatal(err)
		}
		b.await(sent.Run.ID)
		want := &agent.Audit{SHA256: hashOf("while True: pass"), Outcome: "PYTHON_CANCELLED", Reported: agent.Reported{Facts: &execution.Facts{Parsed: true}}}
		if diff := cmp.Diff(want, b.audit(1)); diff != "" {
			t.Errorf("the record differs (-want +got):\n%s", diff)
		}
	})
}

// Where no session is to be had, nothing ran.
func TestNothingThatDidNotRunIsRecorded(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.refuse = errors.New("no room")
	b.model.then(python("1"))
	b.ask(agent.Question{Text: "q"})
	if got := b.audit(1); got != nil {
		t.Errorf("the record is %+v", got)
	}
}

// Each limit has its own code, a sentence for the person and a way out for the
// model, and the session goes on.
func TestLimitsOfASession(t *testing.T) {
	for limit, tc := range map[execution.Limit]struct{ code, person, model string }{
		execution.LimitDisk:      {"PYTHON_DISK_FULL", "disk of the Python session is full", "Remove files"},
		execution.LimitFiles:     {"PYTHON_TOO_MANY_FILES", "too many files open", "Close files"},
		execution.LimitProcesses: {"PYTHON_TOO_MANY_PROCESSES", "processes or threads", "one process"},
		execution.LimitMemory:    {"PYTHON_MEMORY_ERROR", "more memory", "del what is not needed"},
		execution.LimitNone:      {"PYTHON_EXCEPTION", "OSError: what the library says", "the traceback"},
	} {
		b := newBench(t, databases.SQLite(t), nil)
		first := true
		b.python.run = func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error) {
			if !first {
				return prints("on\n")(ctx, code, emit)
			}
			first = false
			return execution.Result{Failure: &execution.Failure{
				Name: "OSError", Message: "what the library says", Traceback: "the traceback", Limit: limit}}, nil
		}
		b.model.then(python("1"), python("2"), says("done"))
		if r, _ := b.ask(agent.Question{Text: "q"}); r.State != run.StateSucceeded || len(b.python.opened) != 1 {
			t.Errorf("%s: state %s, %d sessions", limit, r.State, len(b.python.opened))
		}
		st := b.client.Step.Query().Where(step.Index(1)).OnlyX(b.ctx)
		if st.ErrorCode != tc.code || !strings.Contains(st.ErrorMessage, tc.person) || !strings.Contains(st.ErrorMessage, "what the library says") {
			t.Errorf("%s: error %s %q", limit, st.ErrorCode, st.ErrorMessage)
		}
		if told := *st.Result; !strings.Contains(told, tc.model) || !strings.Contains(told, "the traceback") {
			t.Errorf("%s: the model was told %q", limit, told)
		}
	}
}

func TestWhatIsNotKeptIsTold(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = func(context.Context, string, func(execution.Event)) (execution.Result, error) {
		return execution.Result{Truncated: true, Notices: []execution.Notice{{Code: execution.NoticeTooLarge, Message: "big.csv\u202e was not kept."}}}, nil
	}
	b.model.then(python("1"), says("done"))
	_, events := b.ask(agent.Question{Text: "q"})
	st := b.client.Step.Query().Where(step.Index(1)).OnlyX(b.ctx)
	outputs, err := agent.Outputs(st.Outputs)
	if err != nil || len(outputs) != 1 || outputs[0].Text != "(big.csv was not kept.)" {
		t.Errorf("outputs %+v, %v", outputs, err)
	}
	if !strings.Contains(*st.Result, "big.csv was not kept") {
		t.Errorf("the model was told %q", *st.Result)
	}
	told := false
	for _, e := range events {
		told = told || e.Kind == agent.KindOutputAdded && strings.Contains(string(e.Body), "big.csv was not kept")
	}
	if !told {
		t.Error("those who follow the run were not told")
	}
}

// However often code says that it is done, the log gets a bounded number of
// events, the last word among them.
func TestProgressIsStoredAtABoundedRate(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		for n := range 500 {
			emit(execution.Event{Progress: &execution.Progress{Done: float64(n), Total: float64(n)}})
		}
		return execution.Result{}, nil
	}
	b.model.then(python("1"), says("done"))
	_, events := b.ask(agent.Question{Text: "q"})
	var told []float64
	for _, e := range events {
		if e.Kind == agent.KindStepProgress {
			body, err := agent.Body(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, body.Progress.Done)
		}
	}
	if len(told) < 1 || len(told) > 20 || told[len(told)-1] != 499 {
		t.Errorf("told %v", told)
	}
}
