package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
)

func TestAppendNumbersFromOne(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		at := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600))
		l := db.log(t, func(c *eventlog.Config) { c.Clock = clock.Func(func() time.Time { return at }) })
		w, other := db.newRun(t), db.newRun(t)
		first, err := l.Append(t.Context(), w, texts(1, 3)...)
		must(t, err)
		_, err = l.Append(t.Context(), other, texts(1, 1)...)
		must(t, err)
		second, err := l.Append(t.Context(), w, eventlog.Entry{Kind: "StepStarted"})
		must(t, err)
		stored := collect(t, l, w.RunID, 0, 4)
		for i, e := range append(first, second...) {
			s := stored[i]
			if e.Seq != i+1 || e.RunID != w.RunID || !e.At.Equal(at) || e.At.Location() != time.UTC {
				t.Errorf("event %d: %+v", i, e)
			}
			if s.Seq != e.Seq || s.Kind != e.Kind || !s.At.Equal(e.At) || s.At.Location() != time.UTC || !sameJSON(t, s.Body, e.Body) {
				t.Errorf("stored %+v, appended %+v", s, e)
			}
		}
		if got := string(second[0].Body); got != "{}" {
			t.Errorf("no body became %s", got)
		}
		row, err := db.Client.Event.Query().First(t.Context())
		must(t, err)
		r, err := db.Client.Run.Get(t.Context(), w.RunID)
		must(t, err)
		if row.OwnerID != r.OwnerID || row.OwnerID == "" || r.LastSeq != 4 {
			t.Errorf("owner %q and %q, last %d", row.OwnerID, r.OwnerID, r.LastSeq)
		}
	})
}

// TestAppendStoresAnything: what Python prints and models write reaches the
// table on both databases.
func TestAppendStoresAnything(t *testing.T) {
	deep := strings.Repeat("[", 3000) + strings.Repeat("]", 3000)
	for name, c := range map[string]struct{ body, want string }{
		"a NUL":                      {`{"text":"a\u0000b"}`, `{"text":"a\ufffdb"}`},
		"half a pair":                {`{"text":"\ud83d"}`, `{"text":"\ufffd"}`},
		"bytes that are not UTF-8":   {"{\"text\":\"\xff\"}", `{"text":"\ufffd"}`},
		"quotes and braces":          {`{"text":"\"},{',$1?\\"}`, `{"text":"\"},{',$1?\\"}`},
		"a number beyond float64":    {`{"n":12345678901234567890123}`, `{"n":12345678901234567890123}`},
		"deeper than SQLite's limit": {deep, deep},
		"a megabyte":                 {`"` + strings.Repeat("é", 1<<19) + `"`, `"` + strings.Repeat("é", 1<<19) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db database) {
				l, w := db.log(t), db.newRun(t)
				_, err := l.Append(t.Context(), w, eventlog.Entry{Kind: "OutputChunk", Body: json.RawMessage(c.body)})
				must(t, err)
				if got := collect(t, l, w.RunID, 0, 1)[0].Body; !sameJSON(t, got, json.RawMessage(c.want)) {
					t.Errorf("read %.200s, want %.200s", got, c.want)
				}
			})
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		for name, entries := range map[string][]eventlog.Entry{
			"RunFinished":         {finished},
			"a body that is half": {{Kind: "TextDelta", Body: json.RawMessage(`{"text"`)}},
			"an empty body":       {{Kind: "TextDelta", Body: json.RawMessage{}}},
			"no kind":             {{}},
			"one bad among good":  {texts(1, 1)[0], {Kind: ""}},
			"more than it can do": texts(1, 10_001),
		} {
			if _, err := l.Append(t.Context(), w, entries...); err == nil || errors.Is(err, eventlog.ErrFenced) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, entries := range map[string][]eventlog.Entry{
			"nothing":              {},
			"no RunFinished":       texts(1, 2),
			"RunFinished not last": {finished, texts(1, 1)[0]},
			"RunFinished twice":    {finished, finished},
		} {
			if _, err := l.AppendFinal(t.Context(), w, finish(w.RunID), entries...); err == nil || errors.Is(err, eventlog.ErrFenced) {
				t.Errorf("final, %s: %v", name, err)
			}
		}
		if n := count(t, db, w.RunID); n != 0 {
			t.Errorf("%d events were written", n)
		}
	})
}

// TestAppendMost: as much as one append may hold is written.
func TestAppendMost(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		events, err := l.Append(t.Context(), w, texts(1, 10_000)...)
		must(t, err)
		seqs(t, events, 1, 10_000)
		if n := count(t, db, w.RunID); n != 10_000 {
			t.Errorf("%d events", n)
		}
	})
}

// TestAppendWithIsAllOrNothing: the change and the events stand or fall
// together.
func TestAppendWithIsAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		rename := func(then error) eventlog.Change {
			return func(ctx context.Context, tx *ent.Tx) error {
				if err := tx.Run.UpdateOneID(w.RunID).SetModel("changed").Exec(ctx); err != nil {
					return err
				}
				return then
			}
		}
		boom := errors.New("boom")
		if _, err := l.AppendWith(t.Context(), w, rename(boom), texts(1, 1)...); !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		r, err := db.Client.Run.Get(t.Context(), w.RunID)
		must(t, err)
		if r.Model != "" || r.LastSeq != 0 || count(t, db, w.RunID) != 0 {
			t.Errorf("after a failure: model %q, last %d", r.Model, r.LastSeq)
		}
		_, err = l.AppendWith(t.Context(), w, rename(nil), texts(1, 2)...)
		must(t, err)
		r, err = db.Client.Run.Get(t.Context(), w.RunID)
		must(t, err)
		if r.Model != "changed" || r.LastSeq != 2 || count(t, db, w.RunID) != 2 {
			t.Errorf("after success: model %q, last %d", r.Model, r.LastSeq)
		}
	})
}

// TestFence: a worker whose run was claimed again writes nothing any more, in
// whichever way it tries, and its changes are undone.
func TestFence(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, old := db.log(t), db.newRun(t)
		_, err := l.Append(t.Context(), old, texts(1, 1)...)
		must(t, err)
		w := db.claim(t, old)
		touched := false
		touch := func(context.Context, *ent.Tx) error { touched = true; return nil }
		for name, try := range map[string]func() ([]eventlog.Event, error){
			"append":         func() ([]eventlog.Event, error) { return l.Append(t.Context(), old, texts(2, 1)...) },
			"append nothing": func() ([]eventlog.Event, error) { return l.Append(t.Context(), old) },
			"with a change":  func() ([]eventlog.Event, error) { return l.AppendWith(t.Context(), old, touch, texts(2, 1)...) },
			"final":          func() ([]eventlog.Event, error) { return l.AppendFinal(t.Context(), old, touch, finished) },
			"a claim to come": func() ([]eventlog.Event, error) {
				return l.Append(t.Context(), eventlog.Writer{RunID: w.RunID, Epoch: 9}, texts(2, 1)...)
			},
			"a run unheard of": func() ([]eventlog.Event, error) {
				return l.Append(t.Context(), eventlog.Writer{RunID: "run_x", Epoch: 1}, texts(2, 1)...)
			},
		} {
			if _, err := try(); !errors.Is(err, eventlog.ErrFenced) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if touched {
			t.Error("a change ran behind the fence")
		}
		events, err := l.Append(t.Context(), w, texts(2, 1)...)
		must(t, err)
		if events[0].Seq != 2 || count(t, db, w.RunID) != 2 {
			t.Errorf("the new writer wrote %d of %d", events[0].Seq, count(t, db, w.RunID))
		}
	})
}

// TestFenceUnderFire: while workers take a run from each other, nobody's write
// lands after the next one's claim.
func TestFenceUnderFire(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		const workers = 6
		var wrote sync.Map // seq → epoch
		var wg sync.WaitGroup
		for range workers {
			mine := w
			wg.Go(func() {
				for range 40 {
					events, err := l.Append(t.Context(), mine, texts(1, 2)...)
					if errors.Is(err, eventlog.ErrFenced) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					for _, e := range events {
						wrote.Store(e.Seq, mine.Epoch)
					}
				}
			})
			w = db.claim(t, w)
		}
		wg.Wait()
		n := count(t, db, w.RunID)
		before := 0
		for seq := 1; seq <= n; seq++ {
			epoch, ok := wrote.Load(seq)
			if !ok || epoch.(int) < before {
				t.Fatalf("event %d is of claim %v, after claim %d", seq, epoch, before)
			}
			before = epoch.(int)
		}
	})
}

// TestOneEnd: of many who finish a run at once, one does.
func TestOneEnd(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		l, w := db.log(t), db.newRun(t)
		left := func(context.Context, *ent.Tx) error { return nil }
		if _, err := l.AppendFinal(t.Context(), w, left, finished); err == nil || errors.Is(err, eventlog.ErrFenced) {
			t.Fatalf("a final append that leaves the run unfinished: %v", err)
		}
		var wg sync.WaitGroup
		errs := make(chan error, 8)
		for range cap(errs) {
			wg.Go(func() {
				_, err := l.AppendFinal(t.Context(), w, finish(w.RunID), texts(1, 1)[0], finished)
				errs <- err
			})
		}
		wg.Wait()
		close(errs)
		done := 0
		for err := range errs {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, eventlog.ErrFenced):
				t.Error(err)
			}
		}
		if done != 1 || count(t, db, w.RunID) != 2 {
			t.Errorf("%d finished it, %d events", done, count(t, db, w.RunID))
		}
		if _, err := l.Append(t.Context(), w, texts(3, 1)...); !errors.Is(err, eventlog.ErrFenced) {
			t.Errorf("after the end: %v", err)
		}
		r, err := db.Client.Run.Get(t.Context(), w.RunID)
		must(t, err)
		if r.State != run.StateSucceeded || r.LastSeq != 2 {
			t.Errorf("state %s, last %d", r.State, r.LastSeq)
		}
	})
}
