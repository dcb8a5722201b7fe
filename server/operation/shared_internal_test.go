package operation

import (
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/logstream"
)

func nth(number int) logstream.Key { return logstream.Key{Number: number} }

// fill has the group's members make responses of n bytes, numbered from 1.
func fill(g *group, count, n int) {
	for number := 1; number <= count; number++ {
		_, a, _ := g.get(nth(number))
		g.end(nth(number), a, &Result{written: []byte(strings.Repeat("x", n))})
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	gs := newGroups(clock.System{})
	g, leave := gs.join(groupKey{log: "one"})
	fill(g, 10, 100)
	if len(g.byEntry) != 0 {
		t.Error("a single member keeps responses for nobody")
	}
	_, leave2 := gs.join(groupKey{log: "one"})
	fill(g, 2*groupResponses, 10)
	if len(g.byEntry) != groupResponses || g.byEntry[nth(1)] != nil || g.byEntry[nth(2*groupResponses)] == nil {
		t.Errorf("%d responses are kept, want the newest %d", len(g.byEntry), groupResponses)
	}
	g.forget(groupResponses)
	fill(g, 10, groupBytes/4)
	if g.bytes > groupBytes || len(g.byEntry) != 3 {
		t.Errorf("%d responses of %d bytes are kept", len(g.byEntry), g.bytes)
	}
	fill(g, 1, 2*groupBytes)
	if len(g.byEntry) != 0 || g.bytes != 0 {
		t.Error("a response larger than all that may be kept is kept")
	}

	// All groups together.
	for i := range 2 * sharedBytes / groupBytes {
		key := groupKey{log: strings.Repeat("g", i+2)}
		other, _ := gs.join(key)
		gs.join(key)
		fill(other, 4, groupBytes/5)
	}
	if got := gs.bytes.Load(); got > sharedBytes {
		t.Errorf("%d bytes are kept by all", got)
	}
	fill(g, 3, 10) // who comes when it is full keeps nothing, and lives
	before := gs.bytes.Load()
	leave()
	leave2()
	if _, ok := gs.byKey[groupKey{log: "one"}]; ok || gs.bytes.Load() > before {
		t.Error("the group stays when its last member has left")
	}
	if len(g.attempts) != 0 {
		t.Errorf("%d attempts never ended", len(g.attempts))
	}
}

func TestWhatIsKeptAges(t *testing.T) {
	now := time.Now()
	gs := newGroups(clock.Func(func() time.Time { return now }))
	g, _ := gs.join(groupKey{})
	gs.join(groupKey{})
	fill(g, 3, 10)
	now = now.Add(sharedFor)
	_, a, _ := g.get(nth(4))
	g.end(nth(4), a, nil) // one that failed looks, too
	if len(g.byEntry) != 3 {
		t.Errorf("%d are kept after %v", len(g.byEntry), sharedFor)
	}
	now = now.Add(time.Second)
	_, a, _ = g.get(nth(5))
	g.end(nth(5), a, nil)
	if len(g.byEntry) != 0 || gs.bytes.Load() != 0 {
		t.Errorf("%d are kept for longer than %v", len(g.byEntry), sharedFor)
	}
}

// Who has waited for an attempt that failed makes one of its own, and does not find
// the same again.
func TestAnAttemptIsGoneWhenItHasEnded(t *testing.T) {
	gs := newGroups(clock.System{})
	g, _ := gs.join(groupKey{})
	for range 100_000 {
		_, a, _ := g.get(nth(1))
		go g.end(nth(1), a, nil)
		<-a.done
		_, b, mine := g.get(nth(1))
		if b == a || !mine {
			t.Fatal("the attempt has ended, and is still there")
		}
		g.end(nth(1), b, nil)
	}
}
