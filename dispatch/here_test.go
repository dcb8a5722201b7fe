package dispatch_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/dispatch"
)

// What begins here, without the queue, and what the queue gives have the node's
// places between them: of twelve no more than three go on at once, though two
// that began here know nothing of the queue.
func TestWhatBeginsHereTakesThePlaceOfWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 3, dispatch.Options{Here: true})
		var now, most atomic.Int32
		begun, step := make(chan string, 12), make(chan struct{})
		dispatch.Handle(d, func(_ context.Context, j greeting) error {
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			begun <- j.Name
			<-step
			now.Add(-1)
			return nil
		})
		start(t, d)
		for i := range 12 { // three begin here, the others wait in the queue
			enqueue(t, q, dispatch.Options{}, fmt.Sprint(i))
		}
		seen := map[string]bool{}
		for range 3 {
			seen[<-begun] = true
		}
		if !seen["0"] || !seen["1"] || !seen["2"] {
			t.Errorf("%v began first", seen)
		}
		for range 9 {
			step <- struct{}{}
			seen[<-begun] = true
		}
		for range 3 {
			step <- struct{}{}
		}
		if len(seen) != 12 || most.Load() != 3 {
			t.Errorf("%d jobs were done, at most %d at once", len(seen), most.Load())
		}
	})
}

// A node that drains begins nothing, neither here nor from the queue, and waits
// for what began here.
func TestDrainWaitsForWhatBeganHere(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{Here: true})
		begun, step, ended := make(chan string, 3), make(chan struct{}), make(chan string, 3)
		dispatch.Handle(d, func(ctx context.Context, j greeting) error {
			begun <- j.Name
			select {
			case <-step:
			case <-ctx.Done():
			}
			ended <- j.Name
			return nil
		})
		start(t, d)
		enqueue(t, q, dispatch.Options{}, "here")
		<-begun
		enqueue(t, q, dispatch.Options{}, "waits")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := d.Drain(ctx); err == nil {
			t.Error("draining did not wait")
		}
		close(step)
		if err := d.Drain(t.Context()); err != nil {
			t.Errorf("draining: %v", err)
		}
		if len(begun) != 0 || len(ended) != 1 || <-ended != "here" {
			t.Errorf("%d more began, %d more ended", len(begun), len(ended))
		}
	})
}

// A job that breaks frees its place, and costs the process nothing.
func TestAJobThatBreaksHereFreesItsPlace(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{Here: true})
		done := make(chan string, 2)
		dispatch.Handle(d, func(_ context.Context, j greeting) error {
			done <- j.Name
			if j.Name == "breaks" {
				panic("it breaks")
			}
			return nil
		})
		start(t, d)
		enqueue(t, q, dispatch.Options{}, "breaks")
		<-done
		enqueue(t, q, dispatch.Options{}, "next")
		if name := <-done; name != "next" {
			t.Errorf("%s came next", name)
		}
	})
}
