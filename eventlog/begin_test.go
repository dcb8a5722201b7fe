package eventlog_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
)

// begin makes a run after another of its chat and begins it, in one transaction that
// is not yet at its end.
func (db database) begin(t *testing.T, log *eventlog.Log, after string, entries ...eventlog.Entry) (tx *ent.Tx, w eventlog.Writer, told func(), err error) {
	t.Helper()
	ctx := t.Context()
	earlier, err := db.Client.Run.Get(ctx, after)
	must(t, err)
	tx, err = db.Client.Tx(ctx)
	must(t, err)
	r, err := tx.Run.Create().SetOwnerID(earlier.OwnerID).SetChatID(earlier.ChatID).SetQuestionID(earlier.QuestionID).Save(ctx)
	must(t, err)
	w, told, err = log.Begin(ctx, tx, 2, r.ID, "node", entries...)
	if err != nil {
		w.RunID = r.ID
	}
	return tx, w, told, err
}

func TestARunBeginsInTheTransactionThatMakesIt(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		ctx := t.Context()
		log := db.log(t)
		before := db.newRun(t).RunID
		must(t, db.Client.Run.UpdateOneID(before).SetState(run.StateSucceeded).SetFinishedAt(time.Now()).Exec(ctx))
		tx, w, told, err := db.begin(t, log, before, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)}, eventlog.Entry{Kind: "StepStarted", Body: json.RawMessage(`{}`)})
		must(t, err)
		must(t, tx.Commit())
		told()
		for _, epoch := range []int{1, 2} {
			if _, _, err := log.Take(ctx, 2, w.RunID, epoch, "another"); !errors.Is(err, eventlog.ErrFenced) {
				t.Errorf("another node took it with the epoch %d: %v", epoch, err)
			}
		}
		_, err = log.Append(ctx, w, eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(`{}`)})
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
		tx, w, _, err := db.begin(t, log, before, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)})
		must(t, err)
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
		before := db.newRun(t).RunID // RUNNING
		tx, w, _, err := db.begin(t, log, before, eventlog.Entry{Kind: "RunStarted", Body: json.RawMessage(`{}`)})
		if !errors.Is(err, eventlog.ErrFenced) {
			t.Fatalf("it began beside another: %v", err)
		}
		must(t, tx.Commit())
		r, err := db.Client.Run.Get(t.Context(), w.RunID)
		must(t, err)
		if r.State != run.StateQueued || r.Epoch != 0 || r.LastSeq != 0 {
			t.Errorf("it is %s in the epoch %d with %d events", r.State, r.Epoch, r.LastSeq)
		}
	})
}
