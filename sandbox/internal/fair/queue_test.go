package fair_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/sandbox/internal/fair"
)

// line starts acquirers in a known order, and tells who was served when.
type line struct {
	t      *testing.T
	q      *fair.Queue
	served chan string
	frees  map[string]chan func()
}

func (l *line) wait(owner string, n int) {
	l.t.Helper()
	before := l.q.Waiting()
	name := fmt.Sprintf("%s%d", owner, n)
	free := make(chan func(), 1)
	l.frees[name] = free
	go func() {
		release, err := l.q.Acquire(context.Background(), owner)
		if err != nil {
			l.t.Error(err)
			return
		}
		free <- release
		l.served <- name
	}()
	for l.q.Waiting() == before { // until it stands in the line
		runtime.Gosched()
	}
}

// free gives a served one's place back and returns who gets it.
func (l *line) free(name string) string {
	(<-l.frees[name])()
	return <-l.served
}

func TestOwnersTakeTurns(t *testing.T) {
	q := fair.New(2)
	l := &line{t: t, q: q, served: make(chan string, 10), frees: map[string]chan func(){}}
	one, err := q.Acquire(t.Context(), "greedy")
	if err != nil {
		t.Fatal(err)
	}
	two, err := q.Acquire(t.Context(), "greedy")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		l.wait("greedy", n)
	}
	l.wait("late", 0)
	l.wait("later", 0)
	one()
	got := []string{<-l.served}
	two()
	got = append(got, <-l.served)
	got = append(got, l.free(got[0]), l.free(got[1]))
	if want := []string{"late0", "greedy0", "later0", "greedy1"}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

func TestReleaseTwiceFreesOnce(t *testing.T) {
	q := fair.New(1)
	release, err := q.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	release()
	release()
	if _, err := q.Acquire(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Acquire(ctx, "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("a second place was to be had: %v", err)
	}
}

// Whatever the order of coming, giving up and releasing: never more places than
// there are, none lost, and everybody who stays is served.
func TestPlacesAreNeitherLostNorMade(t *testing.T) {
	const places, people = 3, 200
	q := fair.New(places)
	var mu sync.Mutex
	var now, most int
	var all sync.WaitGroup
	for n := range people {
		all.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			if n%3 == 0 {
				go cancel()
			}
			defer cancel()
			release, err := q.Acquire(ctx, fmt.Sprint(n%7))
			if err != nil {
				return
			}
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			mu.Lock()
			now--
			mu.Unlock()
			release()
		})
	}
	all.Wait()
	if most > places {
		t.Errorf("%d places were taken at once", most)
	}
	for range places {
		if _, err := q.Acquire(t.Context(), "after"); err != nil {
			t.Fatal(err)
		}
	}
	if q.Waiting() != 0 {
		t.Errorf("%d wait", q.Waiting())
	}
}
