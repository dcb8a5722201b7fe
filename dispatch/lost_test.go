package dispatch_test

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"

	"github.com/mark-analyst/mark/dispatch"
)

// A job whose node died in the middle of it does not stand in the way of its
// equals for ever. For the queue a job that never ends is the same.
func TestALostJobMakesRoom(t *testing.T) {
	url := databases.PostgresURL(t)
	open := func(node string, work func(context.Context, greeting) error) (*dispatch.Dispatcher, *dispatch.Queue[greeting]) {
		d := dispatch.New(dispatch.Config{URL: url, Node: node, Logger: slog.New(slog.DiscardHandler)})
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{})
		dispatch.Handle(d, work)
		return d, q
	}
	begun, end := make(chan struct{}), make(chan struct{})
	hangs, q := open("hangs", func(context.Context, greeting) error { close(begun); <-end; return nil })
	defer close(end)
	start(t, hangs)
	enqueue(t, q, dispatch.Options{}, "a")
	<-begun
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	long := "UPDATE river.river_job SET attempted_at = attempted_at - interval '2 hours' WHERE state = 'running'"
	if r, err := db.ExecContext(t.Context(), long); err != nil {
		t.Fatal(err)
	} else if n, _ := r.RowsAffected(); n != 1 {
		t.Fatalf("%d jobs go on", n)
	}
	// The node is not the one that looks after the others any more.
	if _, err := db.ExecContext(t.Context(), "DELETE FROM river.river_leader"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 1)
	next, q := open("next", func(context.Context, greeting) error { done <- struct{}{}; return nil })
	start(t, next)
	eventually(t, func() bool {
		enqueue(t, q, dispatch.Options{}, "a")
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

// eventually asks until something is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal("it has not come")
		}
	}
}
