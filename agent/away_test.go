package agent_test

import (
	"net"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// A model that cannot be reached is no database that is away: the run ends, and
// says so.
func TestAModelThatIsAwayEndsTheRun(t *testing.T) {
	b := newBench(t, databases.SQLite(t), nil)
	b.model.then(turn{err: &dialogue.Error{Code: dialogue.CodeUnavailable, Message: "The model cannot be reached.",
		Err: &net.OpError{Op: "dial", Err: &net.AddrError{Err: "connection refused"}}}})
	r, _ := b.ask(agent.Question{Text: "q"})
	if r.State != run.StateFailed || r.ErrorCode != string(dialogue.CodeUnavailable) || r.Epoch != 1 {
		t.Errorf("%s %s in epoch %d", r.State, r.ErrorCode, r.Epoch)
	}
}
