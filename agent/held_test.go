package agent_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
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

// A clock that jumps ahead ends no lease of the node's own: a machine that slept, or
// one whose time was put right, does not begin its runs anew.
func TestAJumpOfTheClockCostsNoRun(t *testing.T) {
	s := databases.SQLite(t)
	var looks atomic.Int64
	var jumps atomic.Bool
	ahead := clock.Func(func() time.Time {
		if !jumps.Load() {
			return time.Now()
		}
		return time.Now().Add(time.Duration(looks.Add(1)) * time.Minute)
	})
	log, err := eventlog.New(eventlog.Config{Client: s.Client, Dialect: s.Dialect, Clock: ahead, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	b := newBench(t, s, func(c *agent.Config) { c.Log = log })
	running := make(chan struct{})
	b.python.run = hangs(running)
	b.model.then(python("long"), says("found"))
	long, err := b.agent.Send(b.ctx, agent.Question{Text: "q"})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	jumps.Store(true) // and not before the node knows that it has the run
	// Without a job, so that the sweeper finds it, and the one that goes on, were
	// that to be found.
	chat := b.client.Chat.Create().SetLastMessageSeq(1).SaveX(b.ctx)
	tx, err := b.client.Tx(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	question := tx.Message.Create().SetChatID(chat.ID).SetSeq(1).SetRole(message.RoleUser).SetParts(json.RawMessage(`[{"text":{"text":"q"}}]`)).SaveX(b.ctx)
	lost := tx.Run.Create().SetChatID(chat.ID).SetQuestionID(question.ID).SetModel("scripted").SaveX(b.ctx)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	b.await(lost.ID)
	if _, err := b.agent.Stop(b.ctx, long.Run.ID); err != nil {
		t.Fatal(err)
	}
	if r, events := b.await(long.Run.ID); r.Epoch != 1 {
		t.Errorf("claimed %d times: %v", r.Epoch, kinds(events))
	}
}
