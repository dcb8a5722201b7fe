package agent

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/eventlog"
)

// leases answers renewals: those of a run that is locked when the test lets them end.
type leases struct {
	locked string
	calls  chan []string // the runs of each renewal, as it begins
	answer chan bool     // to each of the locked run's
	ended  chan struct{} // one for each
	all    sync.WaitGroup
}

func (l *leases) start(renewal func()) {
	l.all.Go(func() {
		renewal()
		l.ended <- struct{}{}
	})
}

func (l *leases) renew(_ context.Context, claims ...eventlog.Writer) bool {
	var runs []string
	for _, w := range claims {
		runs = append(runs, w.RunID)
	}
	l.calls <- runs
	return !slices.Contains(runs, l.locked) || <-l.answer
}

// next are the runs of the renewals that begin next, so many.
func (l *leases) next(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		select {
		case runs := <-l.calls:
			all = append(all, runs...)
		case <-time.After(20 * time.Second):
			t.Fatalf("renewed were %v, and no more", all)
		}
	}
	slices.Sort(all)
	return all
}

// A row that is kept locked costs no other run its lease: as soon as one renewal has
// shown it, the others are renewed each time, and it alone waits.
func TestALockedRowIsRenewedApart(t *testing.T) {
	l := &leases{locked: "locked", calls: make(chan []string, 10), answer: make(chan bool), ended: make(chan struct{}, 10)}
	r := &renewals{renew: l.renew, start: l.start, asked: map[string]bool{}, apart: map[string]bool{}}
	claims := []eventlog.Writer{{RunID: "a"}, {RunID: "locked"}, {RunID: "b"}}
	// look looks and expects so many renewals, of some runs; then so many end.
	look := func(renewals, end int, want ...string) {
		t.Helper()
		r.look(t.Context(), claims)
		if got := l.next(t, renewals); !slices.Equal(got, want) {
			t.Errorf("renewed %v, want %v", got, want)
		}
		for range end {
			<-l.ended
		}
	}
	look(1, 0, "a", "b", "locked")
	look(0, 0) // it has no answer yet
	l.answer <- false
	if got := l.next(t, 3); !slices.Equal(got, claimed) {
		t.Errorf("after that, renewed %v", got)
	}
	for range 3 { // that of the three, and each of the others' own
		<-l.ended
	}
	for range 3 {
		look(1, 1, "a", "b")
	}
	l.answer <- false
	<-l.ended
	look(2, 1, claimed...) // once more apart
	l.answer <- true
	<-l.ended
	look(1, 0, claimed...)
	l.answer <- true
	l.all.Wait()
	if len(l.calls) > 0 {
		t.Errorf("also renewed: %v", <-l.calls)
	}
}

// claimed are all runs, sorted.
var claimed = []string{"a", "b", "locked"}

// The lease of a run that is lost ends by itself. That of one that is handed over is
// kept until it is given back.
func TestALostRunIsNotRenewed(t *testing.T) {
	for name, tc := range map[string]struct {
		lose func(h *held)
		kept int
	}{
		"held":        {func(*held) {}, 1},
		"expired":     {func(h *held) { h.expire(time.Now().Add(eventlog.LeaseTime)) }, 0},
		"fenced":      {func(h *held) { h.renewed(h.claims(), nil, time.Now()) }, 0},
		"stopped":     {func(h *held) { h.stop("r") }, 1},
		"handed over": {func(h *held) { h.handOver() }, 1},
	} {
		var h held
		_, _, leave := h.add(t.Context(), eventlog.Writer{RunID: "r"}, time.Now())
		tc.lose(&h)
		if got := len(h.claims()); got != tc.kept {
			t.Errorf("%s: %d leases are kept, want %d", name, got, tc.kept)
		}
		leave()
	}
}
