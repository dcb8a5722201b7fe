package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
)

// bench is a coalescer with a hand-driven clock.
type bench struct {
	*eventlog.Coalescer
	now     time.Time
	timers  []*timer
	appends [][]string // "Kind body" of each append
	fail    error
}

type timer struct {
	at   time.Time
	f    func()
	done bool
}

func newBench() *bench {
	b := &bench{now: time.Unix(1e9, 0)}
	b.Coalescer = eventlog.NewCoalescer(context.Background(), eventlog.CoalescerConfig{
		Append: func(_ context.Context, entries ...eventlog.Entry) error {
			if b.fail != nil {
				return b.fail
			}
			b.appends = append(b.appends, lines(entries))
			return nil
		},
		Clock: clock.Func(func() time.Time { return b.now }),
		AfterFunc: func(d time.Duration, f func()) func() bool {
			tm := &timer{at: b.now.Add(d), f: f}
			b.timers = append(b.timers, tm)
			return func() bool { was := tm.done; tm.done = true; return !was }
		},
	})
	return b
}

func lines(entries []eventlog.Entry) []string {
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.Kind+" "+string(e.Body))
	}
	return lines
}

// pass lets time pass and timers fire.
func (b *bench) pass(d time.Duration) {
	b.now = b.now.Add(d)
	for _, tm := range b.timers {
		if !tm.done && !tm.at.After(b.now) {
			tm.done = true
			tm.f()
		}
	}
}

func (b *bench) waiting() int {
	n := 0
	for _, tm := range b.timers {
		if !tm.done {
			n++
		}
	}
	return n
}

func text(s string) eventlog.Delta { return eventlog.Delta{Kind: "TextDelta", Text: s} }

func out(step, stream, s string) eventlog.Delta {
	return eventlog.Delta{Kind: "OutputChunk", StepID: step, Stream: stream, Text: s}
}

func (b *bench) expect(t *testing.T, want ...[]string) {
	t.Helper()
	if diff := cmp.Diff(want, b.appends); diff != "" {
		t.Fatal(diff)
	}
	b.appends = nil
}

func TestCoalesce(t *testing.T) {
	b := newBench()
	must(t, b.Delta(text("One")))
	b.expect(t, []string{`TextDelta {"text":"One"}`}) // the first word at once
	must(t, b.Delta(text(" two")))
	must(t, b.Delta(text("")))
	must(t, b.Delta(text(" three")))
	b.pass(49 * time.Millisecond)
	b.expect(t)
	b.pass(time.Millisecond)
	b.expect(t, []string{`TextDelta {"text":" two three"}`})
	if b.waiting() != 0 {
		t.Error("a timer runs with nothing to write")
	}
	b.pass(50 * time.Millisecond)
	must(t, b.Delta(text(" four"))) // after a pause: at once
	b.expect(t, []string{`TextDelta {"text":" four"}`})
	b.pass(20 * time.Millisecond)
	must(t, b.Delta(text("!"))) // 30 ms are left
	b.pass(30 * time.Millisecond)
	b.expect(t, []string{`TextDelta {"text":"!"}`})
}

func TestCoalesceKeepsTextsApart(t *testing.T) {
	b := newBench()
	must(t, b.Delta(text("-")))
	b.appends = nil
	for _, d := range []eventlog.Delta{
		out("s1", "stdout", "a"), out("s1", "stdout", "b"), out("s1", "stderr", "c"), out("s1", "stdout", "d"),
		out("s2", "stdout", "e"), text("f"),
	} {
		must(t, b.Delta(d))
	}
	must(t, b.Append(eventlog.Entry{Kind: "StepFinished", Body: []byte(`{}`)}))
	b.expect(t, []string{
		`OutputChunk {"stepId":"s1","stream":"stdout","text":"ab"}`,
		`OutputChunk {"stepId":"s1","stream":"stderr","text":"c"}`,
		`OutputChunk {"stepId":"s1","stream":"stdout","text":"d"}`,
		`OutputChunk {"stepId":"s2","stream":"stdout","text":"e"}`,
		`TextDelta {"text":"f"}`,
		`StepFinished {}`,
	})
	b.pass(time.Hour)
	b.expect(t)
	must(t, b.Flush())
	b.expect(t)
}

func TestCoalesceIsBounded(t *testing.T) {
	b := newBench()
	must(t, b.Delta(text("-")))
	b.appends = nil
	for range 4 {
		must(t, b.Delta(text(strings.Repeat("x", 1000))))
	}
	b.expect(t)
	must(t, b.Delta(out("s", "stdout", strings.Repeat("y", 96))))
	if len(b.appends) != 1 || len(b.appends[0]) != 2 || b.waiting() != 0 {
		t.Errorf("4 KiB did not go out: %d appends, %d timers", len(b.appends), b.waiting())
	}
}

func TestCoalesceTake(t *testing.T) {
	b := newBench()
	must(t, b.Delta(text("-")))
	b.appends = nil
	must(t, b.Delta(text("rest")))
	entries, err := b.Take()
	must(t, err)
	if diff := cmp.Diff([]string{`TextDelta {"text":"rest"}`}, lines(entries)); diff != "" {
		t.Error(diff)
	}
	b.pass(time.Hour)
	must(t, b.Flush())
	b.expect(t)
}

// TestCoalesceFails: what a timer could not write is told to the next caller,
// and nothing is written after a hole.
func TestCoalesceFails(t *testing.T) {
	b := newBench()
	must(t, b.Delta(text("-")))
	b.appends = nil
	must(t, b.Delta(text("lost")))
	b.fail = eventlog.ErrFenced
	b.pass(time.Hour)
	b.fail = nil
	_, err := b.Take()
	for name, err := range map[string]error{
		"Delta": b.Delta(text("x")), "Append": b.Append(eventlog.Entry{Kind: "K"}), "Flush": b.Flush(), "Take": err,
	} {
		if !errors.Is(err, eventlog.ErrFenced) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.expect(t)
}

// TestCoalesceLosesNothing: with real timers and several callers each text
// arrives whole and in its order.
func TestCoalesceLosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(rapid.IntRange(0, 2000), 1, 30).Draw(rt, "pieces")
		var got sync.Map
		c := eventlog.NewCoalescer(context.Background(), eventlog.CoalescerConfig{
			Append: func(_ context.Context, entries ...eventlog.Entry) error {
				for _, e := range entries {
					old, _ := got.LoadOrStore(e.Kind, "")
					_, s, _ := strings.Cut(string(e.Body), `"text":"`)
					got.Store(e.Kind, old.(string)+strings.TrimSuffix(s, `"}`))
				}
				return nil
			},
			Clock: clock.System{}, AfterFunc: eventlog.AfterFunc,
		})
		var wg sync.WaitGroup
		want := make([]string, 3)
		for k := range want {
			for i, n := range pieces {
				want[k] += strings.Repeat(string(rune('a'+i%26)), n)
			}
			wg.Go(func() {
				for i, n := range pieces {
					if err := c.Delta(eventlog.Delta{Kind: fmt.Sprint(k), Text: strings.Repeat(string(rune('a'+i%26)), n)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		must(t, c.Flush())
		for k := range want {
			if s, _ := got.Load(fmt.Sprint(k)); s != want[k] && (s != nil || want[k] != "") {
				rt.Fatalf("text %d: %d bytes, want %d", k, len(fmt.Sprint(s)), len(want[k]))
			}
		}
	})
}
