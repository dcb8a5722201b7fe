package agent_test

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/internal/execution"
)

// A run whose row somebody keeps locked is lost to its node, and no other is.
func TestALockedRowCostsOneRun(t *testing.T) {
	s := databases.Postgres(t)
	b := newBench(t, s, nil)
	begun, lost := make(chan string, 2), make(chan string, 2)
	b.python.run = func(ctx context.Context, code string, _ func(execution.Event)) (execution.Result, error) {
		begun <- code
		<-ctx.Done()
		lost <- code
		return execution.Result{}, ctx.Err()
	}
	b.model.then(python("locked"), python("free"))
	locked, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	free, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	tx, err := s.DB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "SELECT FROM runs WHERE id = $1 FOR UPDATE", locked.Run.ID); err != nil {
		t.Fatal(err)
	}
	if code := <-lost; code != "locked" {
		t.Errorf("%q was lost", code)
	}
	if _, err := b.agent.Stop(b.ctx, free.Run.ID); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.await(free.Run.ID); r.Epoch != 1 {
		t.Errorf("the other was lost, too: epoch %d", r.Epoch)
	}
}
