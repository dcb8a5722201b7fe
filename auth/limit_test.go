package auth_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
)

func TestLimiter(t *testing.T) {
	now := noon
	l := auth.NewLimiter(auth.Rate{Burst: 3, Every: 10 * time.Second}, clock.Func(func() time.Time { return now }))
	for i := range 3 {
		if err := l.Take("a"); err != nil {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	for range 5 { // refused attempts do not lengthen the wait
		f, ok := fault.As(l.Take("a"))
		if !ok || f.Code != fault.RateLimited || f.RetryAfter != 10*time.Second {
			t.Fatalf("got %+v, retry after %v", f, f.RetryAfter)
		}
	}
	must(t, l.Take("b"))
	now = now.Add(4 * time.Second)
	if f, ok := fault.As(l.Take("a")); !ok || f.RetryAfter != 6*time.Second {
		t.Errorf("got %+v, retry after %v", f, f.RetryAfter)
	}
	now = now.Add(6 * time.Second)
	must(t, l.Take("a"))
	if err := l.Take("a"); err == nil {
		t.Error("one interval gave two attempts")
	}
}

func TestTheLimiterForgetsTheLongestUnused(t *testing.T) {
	l := auth.NewLimiter(auth.Rate{Burst: 1, Every: time.Hour}, at(noon))
	must(t, l.Take("kept"))
	must(t, l.Take("forgotten"))
	for i := range auth.Remembered - 1 {
		if err := l.Take("kept"); err == nil {
			t.Fatal("the limit is gone")
		}
		must(t, l.Take(fmt.Sprint(i)))
	}
	if l.Len() != auth.Remembered {
		t.Errorf("%d keys are remembered, at most %d are to be", l.Len(), auth.Remembered)
	}
	if err := l.Take("kept"); err == nil {
		t.Error("a key in use was forgotten")
	}
	must(t, l.Take("forgotten"))
}

func TestTheLimiterCountsConcurrentAttempts(t *testing.T) {
	l := auth.NewLimiter(auth.Rate{Burst: 50, Every: time.Hour}, at(noon))
	passed := make(chan struct{}, 200)
	var group errgroup.Group
	for range 200 {
		group.Go(func() error {
			if l.Take("a") == nil {
				passed <- struct{}{}
			}
			return nil
		})
	}
	must(t, group.Wait())
	if len(passed) != 50 {
		t.Errorf("%d attempts passed, want 50", len(passed))
	}
}
