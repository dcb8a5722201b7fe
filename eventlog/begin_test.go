package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
)

// begin makes a run after another of its chat and begins it, where its turn has come,
// in one transaction that is not yet at its end.
func (db database) begin(t *testing.T, log *eventlog.Log, after string, entries ...eventlog.Entry) (tx *ent.Tx, w eventlog.Writer, told func()) {
	t.Helper()
	ctx := t.Context()
	earlier, err := db.Client.Run.Get(ctx, after)
	must(t, err)
	tx, err = db.Client.Tx(ctx)
	must(t, err)
	create := tx.Run.Create().SetOwnerID(earlier.OwnerID).SetChatID(earlier.ChatID).SetQuestionID(earlier.QuestionID)
	until, ok, err := log.First(ctx, tx, 2, earlier.ChatID, earlier.OwnerID)
	must(t, err)
	if ok {
		if left := time.Until(until); left < eventlog.LeaseTime/2 || left > eventlog.LeaseTime+time.Second {
			t.Errorf("the lease lasts for %s", left)
		}
		create.SetState(run.StateRunning).SetEpoch(1).SetNode("node").SetLeaseUntil(until).SetLastSeq(len(entries))
	}
	r, err := create.Save(ctx)
	must(t, err)
	if ok {
		told, err = log.Begin(ctx, tx, r, entries...)
		must(t, err)
	}
	return tx, eventlog.Writer{RunID: r.ID, Epoch: r.Epoch}, told
}

func TestARunBeginsInTheTransactionThatMakesIt(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		ctx := t.Context()
		log := db.log(t)
		before := db.newRun(t).RunID
		must(t, db.Client.Run.UpdateOneID(before).SetState(run.StateSucceeded).SetFinishedAt(time.Now()).Exec(ctx))
		tx, w, told := db.begin(t, log, before, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)}, eventlog.Entry{Kind: "StepStarted", Body: json.RawMessage(`{}`)})
		must(t, tx.Commit())
		told()
		for _, epoch := range []int{1, 2} {
			if _, _, err := log.Take(ctx, 2, w.RunID, epoch, "another"); !errors.Is(err, eventlog.ErrFenced) {
				t.Errorf("another node took it with the epoch %d: %v", epoch, err)
			}
		}
		_, err := log.Append(ctx, w, eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(`{}`)})
		must(t, err)
		_, err = log.AppendFinal(ctx, w, finish(w.RunID), eventlog.Entry{Kind: eventlog.RunFinished, Body: json.RawMessage(`{}`)})
		must(t, err)
		var kinds []string
		for e, err := range log.Follow(ctx, w.RunID, 0) {
			must(t, err)
			if kinds = append(kinds, e.Kind); e.Seq != len(kinds) {
				t.Errorf("event %d is numbered %d", len(kinds), e.Seq)
			}
		}
		if len(kinds) != 4 {
			t.Errorf("the events are %v", kinds)
		}
	})
}

func TestARunThatIsTakenBackHasNotBegun(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		log := db.log(t)
		before := db.newRun(t).RunID
		must(t, db.Client.Run.UpdateOneID(before).SetState(run.StateSucceeded).SetFinishedAt(time.Now()).Exec(t.Context()))
		tx, w, _ := db.begin(t, log, before, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)})
		must(t, tx.Rollback())
		if _, err := log.Append(t.Context(), w); !errors.Is(err, eventlog.ErrFenced) {
			t.Errorf("appending to it: %v", err)
		}
		if n := db.Client.Event.Query().CountX(t.Context()); n != 0 {
			t.Errorf("%d events of it", n)
		}
	})
}

// A run waits for the one before it in its chat, and for its owner's others; the
// transaction that stores it goes on.
func TestARunWhoseTurnItIsNotDoesNotBegin(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		log := db.log(t)
		queued := func(before string) {
			t.Helper()
			tx, w, _ := db.begin(t, log, before, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)})
			must(t, tx.Commit())
			r, err := db.Client.Run.Get(t.Context(), w.RunID)
			must(t, err)
			if r.State != run.StateQueued || r.Epoch != 0 || r.LastSeq != 0 {
				t.Errorf("it is %s in the epoch %d with %d events", r.State, r.Epoch, r.LastSeq)
			}
		}
		queued(db.newRun(t).RunID) // which is RUNNING
		before, err := db.Client.Run.Get(t.Context(), db.newRun(t).RunID)
		must(t, err)
		must(t, before.Update().SetState(run.StateSucceeded).SetFinishedAt(time.Now()).Exec(t.Context()))
		for range 2 { // as many as the owner may have
			elsewhere := db.Client.Chat.Create().SetOwnerID(before.OwnerID).SaveX(t.Context())
			db.Client.Run.Create().SetOwnerID(before.OwnerID).SetChatID(elsewhere.ID).SetQuestionID(before.QuestionID).
				SetState(run.StateRunning).SetEpoch(1).ExecX(t.Context())
		}
		queued(before.ID)
	})
}

// What a node keeps it tells from memory: the rows are taken away here, so that a look
// at them would show.
func TestWhatIsKeptIsToldWithoutTheTables(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		log, w := db.log(t), db.newRun(t)
		release := log.Keep(w.RunID)
		defer release()
		_, err := log.Append(ctx, w, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)}, eventlog.Entry{Kind: "StepStarted", Body: json.RawMessage(`{}`)})
		must(t, err)
		db.Client.Event.Delete().ExecX(ctx)
		n := 0
		for e, err := range log.Follow(ctx, w.RunID, 0) {
			must(t, err)
			if n++; n == 2 && e.Kind == "StepStarted" {
				return
			}
		}
		t.Errorf("%d events were told", n)
	})
}
