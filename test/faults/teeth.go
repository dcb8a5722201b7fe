package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/mark-analyst/mark/internal/crashpoint"
)

// tooth is a defence, the fault that it is against, and where its absence shows.
type tooth struct {
	without, fault, column string
	shows                  func(findings) bool
	fast                   bool // the model writes fast: whatever is interrupted has something in hand
}

func teethOf() []tooth {
	return []tooth{
		{crashpoint.Fence, "paused 8.5 s", "zombies", func(f findings) bool { return f.zombies > 0 }, true},
		{crashpoint.Filter, "none", "twice", func(f findings) bool { return f.duplicates > 0 }, false},
		{crashpoint.Replay, "crash: " + crashpoint.RepliedNotStarted, "repeated", func(f findings) bool { return f.repeated > 0 }, false},
		{crashpoint.Sweep, "crash: " + crashpoint.SentNotEnqueued, "lost", func(f findings) bool { return f.lost > 0 }, false},
		{crashpoint.Poll, "notifications lost 15 s", "silence", func(f findings) bool { return f.silence > mostSilence }, false},
	}
}

// showTeeth takes each defence away in turn. It fails where that makes no
// difference: then the faults would show nothing.
func showTeeth(ctx context.Context, s settings, only *regexp.Regexp) error {
	t := newTable(os.Stdout)
	var errs []error
	for _, tooth := range teethOf() {
		if !only.MatchString(tooth.without) {
			continue
		}
		for _, f := range faults() {
			if f.name != tooth.fault {
				continue
			}
			s.without, s.course = tooth.without, slowCourse()
			if tooth.fast {
				s.course.words, s.course.pace = 150, 20*time.Millisecond
			}
			began := time.Now()
			found, err := bite(ctx, s, f)
			if err != nil {
				errs = append(errs, fmt.Errorf("without the %s: %w", tooth.without, err))
				continue
			}
			verdict := "  found"
			if !tooth.shows(found) {
				verdict = "  NOT FOUND"
				errs = append(errs, fmt.Errorf("without the %s nothing shows in the column %q", tooth.without, tooth.column))
			}
			t.numbers("no "+tooth.without+": "+f.name, found, time.Since(began), verdict)
		}
	}
	return errors.Join(errs...)
}

// bite is a fault in a cluster of its own.
func bite(ctx context.Context, s settings, f fault) (_ findings, err error) {
	a, err := newArena(ctx, s)
	if err != nil {
		return findings{}, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	return a.round(ctx, f)
}
