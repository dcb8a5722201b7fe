package agent_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/store"
)

// idle is a queue that nobody works off.
type idle struct{}

func (idle) Enqueue(context.Context, ...agent.Job) error { return nil }

func (idle) Hold() (func(agent.Job) bool, func(), bool) { return nil, nil, false }

// turns is a chat with a question that is answered and one that waits for a node,
// and nobody who takes runs by himself.
type turns struct {
	*bench
	store         *store.Store
	patient       *eventlog.Log // whose claims wait for a row as long as it takes
	first, second *ent.Run
}

// unhurried is a driver whose statements take the time that they need.
type unhurried struct{ *entsql.Driver }

func (d unhurried) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.Driver.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func newTurns(t *testing.T) turns {
	t.Helper()
	s := databases.Postgres(t)
	b := newBench(t, s, nil)
	b.model.then(says("First."))
	first, _ := b.ask(agent.Question{Text: "q1"})
	b.close()
	config := b.agent.Config
	config.Queue = idle{}
	var err error
	if b.agent, err = agent.New(config); err != nil {
		t.Fatal(err)
	}
	second, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.ChatID, Text: "q2"})
	if err != nil {
		t.Fatal(err)
	}
	patient, err := eventlog.New(eventlog.Config{
		Client: ent.NewClient(ent.Driver(unhurried{entsql.OpenDB(s.Dialect, s.DB)})), Dialect: s.Dialect, Clock: clock.System{}, Logger: config.Logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { patient.Close() })
	return turns{b, s, patient, first, second.Run}
}

// locks keeps rows locked until the returned function is called.
func (u turns) locks(statement string, args ...any) (release func()) {
	u.t.Helper()
	tx, err := u.store.DB.BeginTx(u.t.Context(), nil)
	if err != nil {
		u.t.Fatal(err)
	}
	if _, err := tx.ExecContext(u.t.Context(), statement, args...); err != nil {
		u.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			u.t.Error(err)
		}
	}
}

// waiting waits until so many statements wait for a row, or something has happened.
func (u turns) waiting(n int, or <-chan struct{}) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		var wait int
		err := u.store.DB.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&wait)
		if err != nil {
			u.t.Fatal(err)
		}
		if wait >= n {
			return
		}
		select {
		case <-or:
			return
		case <-again.C:
		}
	}
}

// takes begins to take a run, and tells later whether it did.
func (u turns) takes(r *ent.Run, epoch int) <-chan bool {
	done := make(chan bool, 1)
	go func() {
		_, _, err := u.patient.Take(u.t.Context(), 10, r.ID, epoch, "node")
		if err != nil && !errors.Is(err, eventlog.ErrFenced) {
			u.t.Error(err)
		}
		done <- err == nil
	}()
	return done
}

// retries begins to ask the first question once more.
func (u turns) retries() (made <-chan *ent.Run, done <-chan struct{}) {
	runs, ended := make(chan *ent.Run, 1), make(chan struct{})
	go func() {
		defer close(ended)
		r, err := u.agent.Retry(u.ctx, agent.Retrial{RunID: u.first.ID})
		if err != nil {
			u.t.Error(err)
		}
		runs <- r
	}()
	return runs, ended
}

// A node that took the later question's run without having seen the earlier one,
// which was stored meanwhile, has it; nobody else takes the earlier one beside it.
func TestWhoTakesARunBeforeItsElderIsSeenIsAlone(t *testing.T) {
	u := newTurns(t)
	release := u.locks("SELECT 1 FROM runs WHERE id = $1 FOR UPDATE", u.second.ID)
	defer release()
	second := u.takes(u.second, 1)
	u.waiting(1, nil)
	made, done := u.retries()
	u.waiting(2, done)
	select {
	case r := <-made: // it did not wait
		if <-u.takes(r, 1) {
			release()
			t.Errorf("a run of the chat was taken, and another one beside it: %v", <-second)
		}
		return
	default:
	}
	release()
	if !<-second {
		t.Error("who was first has not got it")
	}
	if r := <-made; r != nil && <-u.takes(r, 1) {
		t.Error("another run of the chat was taken beside it")
	}
}

// A node that comes to take the later question's run while the earlier one is being
// stored finds that it is not its turn any more.
func TestWhoComesAfterTheElderIsStoredWaits(t *testing.T) {
	u := newTurns(t)
	release := u.locks("SELECT 1 FROM usage_days FOR UPDATE") // the last that is written of it
	defer release()
	made, done := u.retries()
	u.waiting(1, done)
	second := u.takes(u.second, 1)
	u.waiting(2, nil)
	release()
	if <-second {
		t.Error("the later run was taken")
	}
	elder := <-made
	if elder == nil {
		t.FailNow()
	}
	if <-u.takes(u.second, 2) {
		t.Error("the later run was taken, and it is the other's turn")
	}
	if !<-u.takes(elder, 1) {
		t.Error("the earlier run was not taken, and it is its turn")
	}
	if r := u.client.Run.GetX(u.ctx, u.second.ID); r.Epoch-r.Handovers != 0 {
		t.Errorf("the later run counts as lost %d times", r.Epoch-r.Handovers)
	}
}
