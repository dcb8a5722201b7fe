package server

import (
	"testing"
	"time"
)

// A process that stood still, as one does on a machine that slept or has too much
// else to do, has not asked: that is no failure. One whose questions are not answered
// while it runs is.
func TestStandingStillIsNoFailure(t *testing.T) {
	for _, c := range []struct {
		name  string
		looks []int // each so many seconds after the one before
		fails bool
	}{
		{"no answer for a while", []int{1, 1, 1, 1}, false},
		{"no answer for too long", []int{1, 1, 1, 1, 1}, true},
		{"it stands still", []int{60}, false},
		{"it stands still, and no answer comes for a while", []int{1, 60, 1, 1}, false},
		{"it stands still, and no answer comes for too long", []int{1, 60, 1, 1, 1}, true},
		{"it stands still again and again", []int{3, 3, 3, 3}, false},
		{"it stands still again and again, and no answer comes for too long", []int{3, 3, 3, 3, 3}, true},
	} {
		h := newHealth(nil, Limits{HealthCheck: time.Second, Unhealthy: 4 * time.Second})
		now, failed := h.good, false
		for _, seconds := range c.looks {
			now = now.Add(time.Duration(seconds) * time.Second)
			failed = h.fails(now)
		}
		if failed != c.fails || h.isDown() != c.fails {
			t.Errorf("%s: it fails: %t, is down: %t", c.name, failed, h.isDown())
		}
	}
}
