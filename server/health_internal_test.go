package server

import (
	"testing"
	"time"
)

// A process that stood still, as one does on a machine that slept or has too much
// else to do, has not asked: that is no failure. One whose question is not answered
// while it runs is.
func TestStandingStillIsNoFailure(t *testing.T) {
	h := newHealth(nil, Limits{HealthCheck: time.Second, Unhealthy: 4 * time.Second})
	begin, at := h.good, time.Duration(0)
	looks := func(seconds ...float64) (failed bool) { // since the last look
		for _, s := range seconds {
			at += time.Duration(s * float64(time.Second))
			failed = h.fails(begin.Add(at))
		}
		return failed
	}
	for _, c := range []struct {
		name  string
		after []float64
		fails bool
	}{
		{"no answer for a while", []float64{1, 1, 1, 1}, false},
		{"it stands still", []float64{60}, false},
		{"no answer for a while since", []float64{1, 1, 1, 1}, false},
		{"it stands still again", []float64{3}, false},
		{"no answer", []float64{1, 1, 1, 1, 1}, true},
		{"once is enough", []float64{1, 60, 1, 1, 1, 1, 1}, false},
	} {
		if got := looks(c.after...); got != c.fails || h.isDown() != (c.fails || c.name == "once is enough") {
			t.Errorf("%s: it fails: %t, is down: %t", c.name, got, h.isDown())
		}
	}
}
