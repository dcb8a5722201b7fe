package sweep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/sweep"
)

func TestLost(t *testing.T) {
	begin := time.Unix(1000, 0)
	var l sweep.Lost[string]
	for _, look := range []struct {
		after   time.Duration
		waiting []string
		room    int
		want    []int
	}{
		{0, []string{"a", "b", "c"}, 2, []int{0, 0, 0}},
		{sweep.LostAfter - 1, []string{"a", "b", "c"}, 2, []int{0, 0, 0}},
		{sweep.LostAfter, []string{"a", "b", "c"}, 2, []int{1, 1, 0}},     // room for two
		{sweep.LostAfter, []string{"a", "b", "c"}, 0, []int{0, 0, 0}},     // no room: they wait for it
		{2 * sweep.LostAfter, []string{"a", "c", "d"}, 9, []int{2, 2, 0}}, // b was taken, d is new
		{3 * sweep.LostAfter, []string{"b", "d"}, 9, []int{0, 1}},         // b waits anew
		{4 * sweep.LostAfter, nil, 9, []int{}},
	} {
		if got := l.Look(begin.Add(look.after), look.waiting, look.room); !slices.Equal(got, look.want) {
			t.Errorf("after %s, room %d: of %v lost %v, want %v", look.after, look.room, look.waiting, got, look.want)
		}
	}
}

// TestLoop: it looks at once and whenever it is told to, and logs the beginning
// and the end of an outage only.
func TestLoop(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	now := make(chan struct{})
	results := []error{nil, errors.New("down"), errors.New("down"), nil, nil}
	looks, ended := make(chan struct{}), make(chan struct{})
	n := 0
	loop := sweep.Loop{
		Look: func(context.Context) error {
			err := results[n]
			n++
			looks <- struct{}{}
			return err
		},
		Every: time.Hour, Now: now, What: "looking", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}
	go func() { loop.Run(ctx); close(ended) }()
	<-looks // at once
	for range results[1:] {
		now <- struct{}{}
		<-looks
	}
	cancel()
	<-ended
	if text := log.String(); strings.Count(text, "looking failed") != 1 || strings.Count(text, "looking works again") != 1 {
		t.Errorf("it logged\n%s", text)
	}
}
