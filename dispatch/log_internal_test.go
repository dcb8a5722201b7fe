package dispatch

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// Of an outage, in which River says the same 20 times a second, the log tells now
// and then.
func TestTheSameIsNotSaidAgainAtOnce(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	logger := slog.New(newWarnings(slog.NewTextHandler(&out, nil), func() time.Time { return now }))
	for range 201 { // ten seconds
		logger.With("queue", "runs").Error("no jobs")
		logger.Info("nothing of note")
		now = now.Add(50 * time.Millisecond)
	}
	logger.WarnContext(context.Background(), "another thing")
	var got []string
	for line := range strings.Lines(out.String()) {
		for _, message := range []string{"no jobs", "nothing of note", "another thing"} {
			if strings.Contains(line, message) {
				got = append(got, message)
			}
		}
	}
	if want := []string{"no jobs", "no jobs", "another thing"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}
