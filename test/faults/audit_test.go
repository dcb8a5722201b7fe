package main

import (
	"strings"
	"testing"
	"time"
)

// of makes a stored event.
func of(kind, step, text string) storedEvent {
	e := storedEvent{kind: kind}
	e.body.StepID, e.body.Text = step, text
	return e
}

// sound is the log of a run of one step, whose first attempt was lost.
func sound() []storedEvent {
	return []storedEvent{
		of("RunStarted", "", ""), of("StepStarted", "s", ""),
		of("TextDelta", "s", "x:a x:b "), of("AttemptDiscarded", "s", ""),
		of("TextDelta", "s", "y:a "), of("TextDelta", "s", "y:b y:c "), used(10),
		of("OutputChunk", "s", "ran-y-a\n"), of("StepFinished", "s", ""), of("RunFinished", "", ""),
	}
}

// used is what a run tells of its use, after a reply or a program.
func used(tokens int) storedEvent {
	e := of("UsageUpdated", "", "")
	e.body.Usage = &struct{ CompletionTokens int }{tokens}
	return e
}

// Whatever can go wrong with a log is found, under its name, and a sound one is
// let pass.
func TestAuditFindsWhatIsWrongWithALog(t *testing.T) {
	type change func(events []storedEvent) []storedEvent
	insert := func(at int, e storedEvent) change {
		return func(events []storedEvent) []storedEvent {
			return append(append(append([]storedEvent{}, events[:at]...), e), events[at:]...)
		}
	}
	replace := func(at int, text string) change {
		return func(events []storedEvent) []storedEvent {
			events[at].body.Text = text
			return events
		}
	}
	for name, c := range map[string]struct {
		change change
		want   string // the kinds of what is found
	}{
		"sound":                           {func(e []storedEvent) []storedEvent { return e }, ""},
		"a word of the lost attempt":      {insert(5, of("TextDelta", "s", "x:c ")), "zombies"},
		"a word of another attempt":       {insert(5, of("TextDelta", "s", "z:b ")), "zombies"},
		"an event after the end":          {insert(10, of("TextDelta", "t", "y:d ")), "zombies gaps"},
		"a second end":                    {insert(9, of("RunFinished", "", "")), "zombies lost repeated"},
		"no end":                          {func(e []storedEvent) []storedEvent { return e[:9] }, "lost"},
		"a word is missing":               {replace(5, "y:c "), "gaps"},
		"the last word is missing":        {replace(5, "y:b "), "gaps"},
		"a word comes twice":              {replace(5, "y:a y:b y:c "), "gaps"},
		"a step begins twice":             {insert(2, of("StepStarted", "s", "")), "repeated"},
		"a reply is stored again":         {insert(7, used(20)), "repeated"},
		"use after a program":             {insert(8, used(10)), ""},
		"a program prints the same again": {insert(8, of("OutputChunk", "s", "ran-y-a\n")), "repeated"},
	} {
		events := c.change(sound())
		for i := range events {
			events[i].seq = i + 1
		}
		a := &auditor{model: &model{course: course{words: 3}}}
		var f findings
		a.log(&f, &question{name: name}, storedRun{lastSeq: len(events)}, events)
		if got := kinds(f); got != c.want {
			t.Errorf("%s: found %q, want %q: %q", name, got, c.want, f.notes)
		}
	}
	// And numbers.
	events := sound()
	for i := range events {
		events[i].seq = i + 1
	}
	events[9].seq = 11
	var f findings
	(&auditor{model: &model{course: course{words: 3}}}).log(&f, &question{}, storedRun{lastSeq: 11}, events)
	if kinds(f) != "gaps" || f.gaps != 2 {
		t.Errorf("a number is missing: found %q %q", kinds(f), f.notes)
	}
}

func kinds(f findings) string {
	var list []string
	for _, k := range []struct {
		count int
		name  string
	}{{f.zombies, "zombies"}, {f.lost, "lost"}, {f.gaps, "gaps"}, {f.repeated, "repeated"}, {f.duplicates, "twice"}} {
		if k.count > 0 {
			list = append(list, k.name)
		}
	}
	return strings.Join(list, " ")
}

// What a follower saw is compared with what is stored, and its silence counted to
// the end.
func TestAuditComparesWhatWasSeen(t *testing.T) {
	stored := []storedEvent{of("RunStarted", "", ""), of("TextDelta", "s", "x:a "), of("RunFinished", "", "")}
	for i := range stored {
		stored[i].seq = i + 1
	}
	all := []seen{{1, "RunStarted", ""}, {2, "TextDelta", "x:a "}, {3, "RunFinished", ""}}
	for name, c := range map[string]struct {
		events     []seen
		duplicates int
		want       string
		silence    time.Duration
	}{
		"all":             {events: all},
		"twice":           {events: all, duplicates: 1, want: "twice"},
		"not the end":     {events: all[:2], want: "gaps", silence: time.Minute},
		"another text":    {events: []seen{all[0], {2, "TextDelta", "x:b "}, all[2]}, want: "gaps"},
		"in other order":  {events: []seen{all[0], {3, "RunFinished", ""}, all[1]}, want: "gaps"},
		"another's event": {events: []seen{all[0], {2, "OutputChunk", ""}, all[2]}, want: "gaps"},
	} {
		w := newFollower(nil, "r", time.Now().Add(-c.silence))
		w.events, w.duplicates = c.events, c.duplicates
		var f findings
		(&auditor{}).seen(&f, &question{}, 0, w, storedRun{}, stored)
		if got := kinds(f); got != c.want || f.silence < c.silence {
			t.Errorf("%s: found %q, want %q; silence %s", name, got, c.want, f.silence)
		}
	}
}
