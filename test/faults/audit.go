package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lib/pq"
)

// findings are what was wrong, by kind.
type findings struct {
	runs       int
	gaps       int // events or words that are missing, stored or seen
	duplicates int // events that a follower was given twice
	zombies    int // what a writer wrote that had lost the run
	lost       int // questions without one run, one answer and an end
	repeated   int // what was done again although it was stored
	silence    time.Duration
	notes      []string // what it was, for people
	facts      []string // what else is worth knowing
}

func (f *findings) note(count *int, format string, args ...any) {
	*count++
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// auditor looks at what a fault has left behind.
type auditor struct {
	db    *sql.DB
	model *model
}

// storedRun is a run's row.
type storedRun struct {
	id, state, failure string
	lastSeq, messages  int
}

// storedEvent is an event's row.
type storedEvent struct {
	seq  int
	kind string
	body struct {
		StepID, Text, Stream string
		Usage                *struct{ CompletionTokens int }
	}
}

// audit compares what was asked, what is stored and what was seen.
func (a *auditor) audit(ctx context.Context, questions []*question) (f findings, err error) {
	for _, q := range questions {
		f.runs++
		runs, err := a.runs(ctx, q.name)
		if err != nil {
			return f, err
		}
		if len(runs) != 1 || q.err != nil {
			f.note(&f.lost, "%s has %d runs; %v", q.name, len(runs), q.err)
			if len(runs) == 0 {
				continue
			}
		}
		r := runs[0]
		want := "SUCCEEDED"
		if q.stopped {
			want = "CANCELLED"
		}
		if r.state != want || r.messages != 2 {
			f.note(&f.lost, "%s: run %s is %s %s; its chat has %d messages", q.name, r.id, r.state, r.failure, r.messages)
		}
		events, err := a.events(ctx, r.id)
		if err != nil {
			return f, err
		}
		a.log(&f, q, r, events)
		if err := a.replies(ctx, &f, q, r.id); err != nil {
			return f, err
		}
		for i, follower := range q.followers {
			a.seen(&f, q, i, follower, r, events)
		}
	}
	return f, nil
}

func (a *auditor) runs(ctx context.Context, name string) (runs []storedRun, err error) {
	err = a.query(ctx, func(rows *sql.Rows) error {
		var r storedRun
		err := rows.Scan(&r.id, &r.state, &r.lastSeq, &r.failure, &r.messages)
		runs = append(runs, r)
		return err
	}, `SELECT id, state, last_seq, coalesce(error_code, '') || ' ' || coalesce(error_message, ''),
		(SELECT count(*) FROM messages m WHERE m.chat_id = r.chat_id)
		FROM runs r WHERE client_mutation_id = $1`, name)
	return runs, err
}

func (a *auditor) events(ctx context.Context, runID string) (events []storedEvent, err error) {
	err = a.query(ctx, func(rows *sql.Rows) error {
		var e storedEvent
		var body []byte
		if err := rows.Scan(&e.seq, &e.kind, &body); err != nil {
			return err
		}
		events = append(events, e)
		return json.Unmarshal(body, &events[len(events)-1].body)
	}, `SELECT seq, kind, body FROM events WHERE run_id = $1 ORDER BY seq, id`, runID)
	return events, err
}

// query reads rows, again where the database had just come back.
func (a *auditor) query(ctx context.Context, each func(*sql.Rows) error, statement string, args ...any) error {
	rows, err := a.db.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// words finds what the model has signed, and lines what a program has.
var (
	words = regexp.MustCompile(`([a-z]+):([a-z]+) `)
	lines = regexp.MustCompile(`ran-([a-z]+)-([a-z])`)
)

// log looks at a run's events: their numbers, their end, and whether what is in
// them comes from one attempt at a time.
func (a *auditor) log(f *findings, q *question, r storedRun, events []storedEvent) {
	replies, written := 0, 0
	once := map[string]int{}
	text := map[string]*attempt{} // by step
	printed := map[string]int{}
	for i, e := range events {
		if e.seq != i+1 {
			f.note(&f.gaps, "%s: event %d is numbered %d", q.name, i+1, e.seq)
		}
		if e.kind == "RunFinished" && i != len(events)-1 {
			f.note(&f.zombies, "%s: %d events after RunFinished", q.name, len(events)-1-i)
		}
		switch e.kind {
		case "RunStarted", "RunFinished", "StepStarted", "StepFinished", "ToolStarted":
			if once[e.kind+e.body.StepID]++; once[e.kind+e.body.StepID] > 1 {
				f.note(&f.repeated, "%s: event %d is another %s of %s", q.name, e.seq, e.kind, e.body.StepID)
			}
		case "UsageUpdated": // with each reply of the model, and after each program, which takes no tokens
			if e.body.Usage == nil || e.body.Usage.CompletionTokens <= written {
				break
			}
			written = e.body.Usage.CompletionTokens
			if replies++; replies > len(a.model.course.tools)+1 {
				f.note(&f.repeated, "%s: event %d tells of a reply more than there are turns", q.name, e.seq)
			}
		case "AttemptDiscarded":
			if at := text[e.body.StepID]; at != nil {
				at.discarded()
			}
		case "TextDelta":
			at := text[e.body.StepID]
			if at == nil {
				at = &attempt{past: map[string]bool{}}
				text[e.body.StepID] = at
			}
			for _, w := range words.FindAllStringSubmatch(e.body.Text, -1) {
				at.word(f, q, e.seq, w[1], w[2])
			}
		case "OutputChunk":
			for _, line := range lines.FindAllString(e.body.Text, -1) {
				if printed[line]++; printed[line] > 1 {
					f.note(&f.repeated, "%s: event %d: %s was printed before", q.name, e.seq, line)
				}
			}
		}
	}
	if r.state == "SUCCEEDED" && replies == 0 {
		f.note(&f.repeated, "%s: no event tells of a reply, so that none can be told from another", q.name)
	}
	if n := once["RunFinished"]; n != 1 {
		f.note(&f.lost, "%s: %d events RunFinished", q.name, n)
	}
	if r.lastSeq != len(events) {
		f.note(&f.gaps, "%s: %d events, and the last is %d", q.name, len(events), r.lastSeq)
	}
	if q.stopped {
		return
	}
	for step, at := range text {
		if at.next != a.model.course.words {
			f.note(&f.gaps, "%s: of step %s %d words are stored", q.name, step, at.next)
		}
	}
	if want := len(a.model.course.tools) + 1; len(text) != want {
		f.note(&f.gaps, "%s: text of %d steps, want %d", q.name, len(text), want)
	}
}

// attempt is what of a step's text is expected next.
type attempt struct {
	signature string
	next      int
	past      map[string]bool // signatures of what was discarded
}

func (at *attempt) discarded() {
	if at.signature != "" {
		at.past[at.signature] = true
	}
	at.signature, at.next = "", 0
}

// word takes a word of the step's text.
func (at *attempt) word(f *findings, q *question, seq int, signature, number string) {
	switch {
	case at.past[signature]:
		f.note(&f.zombies, "%s: event %d has a word of the lost attempt %s", q.name, seq, signature)
		return
	case at.signature == "":
		at.signature = signature
	case at.signature != signature:
		f.note(&f.zombies, "%s: event %d mixes the attempts %s and %s", q.name, seq, at.signature, signature)
		return
	}
	if want := letters(at.next); want != number {
		f.note(&f.gaps, "%s: event %d has word %s where %s was due", q.name, seq, number, want)
	}
	at.next++
}

// replies asks whether the model was asked again for a reply that was stored.
func (a *auditor) replies(ctx context.Context, f *findings, q *question, runID string) error {
	number := 0
	return a.query(ctx, func(rows *sql.Rows) error {
		var reply []byte
		if err := rows.Scan(&reply); err != nil {
			return err
		}
		t := turn{q.name, number}
		number++
		stored := words.FindStringSubmatch(string(reply))
		asked := a.model.requests(t)
		if stored == nil || len(asked) == 0 {
			f.note(&f.repeated, "%s: the reply of turn %d is nobody's", q.name, t.number)
			return nil
		}
		if last := asked[len(asked)-1]; last != stored[1] {
			f.note(&f.repeated, "%s: turn %d is stored of request %s, and was asked for again: %s", q.name, t.number, stored[1], strings.Join(asked, " "))
		}
		return nil
	}, `SELECT reply FROM steps WHERE run_id = $1 AND reply IS NOT NULL ORDER BY "index"`, runID)
}

// seen compares what a follower saw with what is stored.
func (a *auditor) seen(f *findings, q *question, i int, w *follower, r storedRun, events []storedEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.duplicates += w.duplicates
	f.gaps += w.gaps
	if w.duplicates+w.gaps > 0 {
		f.notes = append(f.notes, fmt.Sprintf("%s: follower %d got %d duplicates and %d gaps", q.name, i, w.duplicates, w.gaps))
	}
	if len(w.events) != len(events) {
		w.pause(time.Now()) // it waits still
		f.note(&f.gaps, "%s: follower %d has %d events of %d of %s: %v", q.name, i, len(w.events), len(events), r.id, w.problem)
	}
	for j := range min(len(events), len(w.events)) {
		if got, want := w.events[j], events[j]; got.seq != want.seq || got.kind != want.kind || got.kind == "TextDelta" && got.text != want.body.Text {
			f.note(&f.gaps, "%s: follower %d got %v, and stored is %d %s", q.name, i, got, want.seq, want.kind)
			break
		}
	}
	if w.silence > f.silence {
		f.silence = w.silence
		f.notes = append(f.notes, fmt.Sprintf("%s: follower %d heard nothing for %s after event %d of %s; sockets ended with %v",
			q.name, i, w.silence.Round(time.Millisecond), w.silentAt, r.id, w.closes))
	}
}

// open opens the cluster's database, past what is broken on purpose.
func open(url string) (*sql.DB, error) {
	connector, err := pq.NewConnector(url)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}
