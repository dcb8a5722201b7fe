package clock_test

import (
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
)

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Minute:                   "10 minutes",
		time.Minute:                        "1 minute",
		90 * time.Second:                   "1 minute 30 seconds",
		2*time.Hour + time.Second:          "2 hours 1 second",
		1500 * time.Millisecond:            "1 second",
		20 * time.Millisecond:              "20ms",
		time.Hour + 59*time.Minute + 59999: "1 hour 59 minutes",
	} {
		if got := clock.Words(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
