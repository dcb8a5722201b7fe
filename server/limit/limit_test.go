package limit_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/server/limit"
)

func TestLRU(t *testing.T) {
	ctx := context.Background()
	l := limit.NewLRU(3, 100, func(_ string, v int) int { return v })
	has := func(want ...string) {
		t.Helper()
		if l.Len() != len(want) {
			t.Errorf("%d values are kept, want %v", l.Len(), want)
		}
		for i := len(want) - 1; i >= 0; i-- { // asking marks as used: keep the order
			if _, ok := l.Get(ctx, want[i]); !ok {
				t.Errorf("%s is lost", want[i])
			}
		}
	}
	l.Add(ctx, "a", 10)
	l.Add(ctx, "b", 10)
	l.Add(ctx, "c", 10)
	l.Get(ctx, "a")
	l.Add(ctx, "d", 10) // the fourth: b was used longest ago
	has("d", "a", "c")
	l.Add(ctx, "e", 85) // too heavy for all but one of the others
	has("e", "d")
	l.Add(ctx, "f", 101) // too heavy for anything
	has("e", "d")
	l.Add(ctx, "e", 5) // lighter than before
	l.Add(ctx, "g", 85)
	has("g", "e", "d")
	if v := l.GetOrAdd("g", func() int { t.Error("made again"); return 0 }); v != 85 {
		t.Errorf("g is %d", v)
	}
}

func TestLimiter(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := limit.NewLimiter(limit.Rate{PerSecond: 2, Burst: 3}, clock.Func(func() time.Time { return now }))
	take := func(key string, want bool, wait time.Duration) {
		t.Helper()
		if d, ok := l.Take(key); ok != want || d != wait {
			t.Errorf("Take(%s) = %s, %v, want %s, %v", key, d, ok, wait, want)
		}
	}
	for range 3 {
		take("a", true, 0)
	}
	take("a", false, 500*time.Millisecond)
	take("a", false, 500*time.Millisecond) // asking in vain costs nothing
	take("b", true, 0)
	now = now.Add(500 * time.Millisecond)
	take("a", true, 0)
	take("a", false, 500*time.Millisecond)

	none := limit.NewLimiter(limit.Rate{}, clock.System{})
	if _, ok := none.Take("a"); ok {
		t.Error("a rate of zero allows something")
	}
}

func TestGate(t *testing.T) {
	g := limit.NewGate(2, 3)
	enter := func(key string, want bool) func() {
		t.Helper()
		leave, ok := g.Enter(key)
		if ok != want {
			t.Errorf("Enter(%s) = %v, want %v", key, ok, want)
		}
		return leave
	}
	first := enter("a", true)
	enter("a", true)
	enter("a", false)
	enter("b", true)
	enter("c", false)
	first()
	first() // only the first time counts
	if n := g.Inside(); n != 2 {
		t.Errorf("%d are inside, want 2", n)
	}
	enter("a", true)
	enter("a", false)
	for i := range 3 { // keys that are gone leave nothing behind
		if _, ok := g.Enter(strconv.Itoa(i)); ok {
			t.Error("the gate has more room than it should")
		}
	}
}
