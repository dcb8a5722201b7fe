package operation

import (
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
)

// fill has the group's members make responses of n bytes, numbered from 1.
func fill(g *group, count, n int) {
	for number := 1; number <= count; number++ {
		_, a, _ := g.get(number)
		g.end(number, a, &Result{written: []byte(strings.Repeat("x", n))})
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	gs := newGroups(clock.System{})
	g, leave := gs.join(groupKey{log: "one"})
	fill(g, 10, 100)
	if len(g.byNum) != 0 {
		t.Error("a single member keeps responses for nobody")
	}
	_, leave2 := gs.join(groupKey{log: "one"})
	fill(g, 2*groupResponses, 10)
	if len(g.byNum) != groupResponses || g.byNum[1] != nil || g.byNum[2*groupResponses] == nil {
		t.Errorf("%d responses are kept, want the newest %d", len(g.byNum), groupResponses)
	}
	g.forget(groupResponses)
	fill(g, 10, groupBytes/4)
	if g.bytes > groupBytes || len(g.byNum) != 3 {
		t.Errorf("%d responses of %d bytes are kept", len(g.byNum), g.bytes)
	}
	fill(g, 1, 2*groupBytes)
	if len(g.byNum) != 0 || g.bytes != 0 {
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
	_, a, _ := g.get(4)
	g.end(4, a, nil) // one that failed looks, too
	if len(g.byNum) != 3 {
		t.Errorf("%d are kept after %v", len(g.byNum), sharedFor)
	}
	now = now.Add(time.Second)
	_, a, _ = g.get(5)
	g.end(5, a, nil)
	if len(g.byNum) != 0 || gs.bytes.Load() != 0 {
		t.Errorf("%d are kept for longer than %v", len(g.byNum), sharedFor)
	}
}
