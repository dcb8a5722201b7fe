package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

type greeting struct {
	Name string `json:"name"`
}

func (greeting) Kind() string { return "greeting" }

const queue = "test"

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, open func(node string) *dispatch.Dispatcher)) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		test(t, func(node string) *dispatch.Dispatcher {
			return dispatch.New(dispatch.Config{Dir: dir, Node: node, Logger: slog.New(slog.DiscardHandler)})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		url := databases.PostgresURL(t)
		test(t, func(node string) *dispatch.Dispatcher {
			return dispatch.New(dispatch.Config{URL: url, Node: node, Logger: slog.New(slog.DiscardHandler)})
		})
	})
}

func start(t *testing.T, d *dispatch.Dispatcher) {
	t.Helper()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func enqueue(t *testing.T, q *dispatch.Queue[greeting], o dispatch.Options, names ...string) {
	t.Helper()
	jobs := make([]greeting, len(names))
	for i, n := range names {
		jobs[i] = greeting{n}
	}
	if err := q.With(o).Enqueue(t.Context(), jobs...); err != nil {
		t.Fatal(err)
	}
}

// Twelve that wait for what only goes on when the bound holds.
func TestWorksOffSoManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 3, dispatch.Options{})
		var now, most atomic.Int32
		done, begun := make(chan string, 12), make(chan struct{}, 12)
		step := make(chan struct{})
		dispatch.Handle(d, func(_ context.Context, j greeting) error {
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			begun <- struct{}{}
			<-step
			now.Add(-1)
			done <- j.Name
			return nil
		})
		start(t, d)
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprint(i))
		}
		enqueue(t, q, dispatch.Options{}, names...)
		seen := map[string]bool{}
		for range 3 {
			<-begun
		}
		for range names {
			step <- struct{}{}
			seen[<-done] = true
		}
		if len(seen) != 12 || most.Load() != 3 {
			t.Errorf("%d jobs were done, at most %d at once", len(seen), most.Load())
		}
	})
}

func TestTheSameJobIsDoneOnce(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{})
		begun, step := make(chan string), make(chan struct{})
		dispatch.Handle(d, func(_ context.Context, j greeting) error {
			begun <- j.Name
			<-step
			return nil
		})
		start(t, d)
		enqueue(t, q, dispatch.Options{}, "a")
		<-begun
		enqueue(t, q, dispatch.Options{}, "a", "b", "b") // a goes on
		enqueue(t, q, dispatch.Options{}, "b")           // b waits
		step <- struct{}{}
		if name := <-begun; name != "b" {
			t.Errorf("%s came after a", name)
		}
		step <- struct{}{}
		enqueue(t, q, dispatch.Options{}, "c")
		if name := <-begun; name != "c" {
			t.Errorf("%s came after b", name)
		}
		step <- struct{}{}
	})
}

func TestWhatSomebodyWaitsForComesFirst(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{})
		begun, step := make(chan string), make(chan struct{})
		dispatch.Handle(d, func(_ context.Context, j greeting) error {
			begun <- j.Name
			<-step
			return nil
		})
		start(t, d)
		enqueue(t, q, dispatch.Options{}, "first")
		<-begun
		enqueue(t, q, dispatch.Options{Priority: 4}, "can wait")
		enqueue(t, q, dispatch.Options{Priority: 1}, "somebody waits")
		step <- struct{}{}
		if got := <-begun; got != "somebody waits" {
			t.Errorf("%q came first", got)
		}
		step <- struct{}{}
		<-begun
		step <- struct{}{}
	})
}

func TestAFailedJobIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{})
		tries := make(chan int, 10)
		var n atomic.Int32
		dispatch.Handle(d, func(context.Context, greeting) error {
			tries <- int(n.Add(1))
			if n.Load() < 2 {
				return errors.New("not yet")
			}
			return nil
		})
		start(t, d)
		enqueue(t, q, dispatch.Options{Attempts: 3}, "a")
		if <-tries != 1 || <-tries != 2 {
			t.Error("the attempts did not come one after the other")
		}
	})
}

func TestDrainAndClose(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{})
		begun, ended := make(chan struct{}), make(chan error, 1)
		dispatch.Handle(d, func(ctx context.Context, _ greeting) error {
			close(begun)
			<-ctx.Done()
			ended <- ctx.Err()
			return nil
		})
		start(t, d)
		enqueue(t, q, dispatch.Options{}, "a")
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := d.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("draining: %v", err)
		}
		select {
		case <-ended:
			t.Error("draining ended a job")
		default:
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if <-ended == nil {
			t.Error("the job's context did not end")
		}
		if err := q.Enqueue(t.Context(), greeting{"b"}); !errors.Is(err, dispatch.ErrNotRunning) {
			t.Errorf("enqueued after the end: %v", err)
		}
	})
}

// Two nodes that begin at the same moment on an empty database.
func TestTwoNodesShareTheQueue(t *testing.T) {
	url := databases.PostgresURL(t)
	done := make(chan string, 20)
	both := make(chan struct{})
	var nodes []*dispatch.Dispatcher
	var queues []*dispatch.Queue[greeting]
	started := make(chan error, 2)
	for _, name := range []string{"one", "two"} {
		d := dispatch.New(dispatch.Config{URL: url, Node: name, Logger: slog.New(slog.DiscardHandler)})
		queues = append(queues, dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{}))
		dispatch.Handle(d, func(context.Context, greeting) error {
			done <- name
			<-both
			return nil
		})
		nodes = append(nodes, d)
		go func() { started <- d.Start(context.Background()) }()
	}
	for range nodes {
		if err := <-started; err != nil {
			t.Fatal(err)
		}
	}
	enqueue(t, queues[0], dispatch.Options{}, "a", "b")
	if a, b := <-done, <-done; a == b {
		t.Errorf("node %s did both", a)
	}
	close(both)
	for _, d := range nodes {
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOperatorsSeeTheQueues(t *testing.T) {
	each(t, func(t *testing.T, open func(string) *dispatch.Dispatcher) {
		d := open("one")
		q := dispatch.NewQueue[greeting](d, queue, 1, dispatch.Options{})
		done := make(chan struct{}, 1)
		dispatch.Handle(d, func(context.Context, greeting) error { done <- struct{}{}; return nil })
		start(t, d)
		enqueue(t, q, dispatch.Options{}, "somebody")
		<-done
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ui, err := d.UI("/river")
		if err != nil {
			t.Fatal(err)
		}
		if err := ui.Start(ctx); err != nil {
			t.Fatal(err)
		}
		got := httptest.NewRecorder()
		ui.ServeHTTP(got, httptest.NewRequestWithContext(ctx, http.MethodGet, "/river/api/queues", nil))
		body, _ := io.ReadAll(got.Body)
		if got.Code != http.StatusOK || !strings.Contains(string(body), queue) {
			t.Errorf("%d: %s", got.Code, body)
		}
	})
}

// BenchmarkStart is the time from Enqueue's call to the job's first statement.
func BenchmarkStart(b *testing.B) {
	run := func(b *testing.B, c dispatch.Config) {
		c.Node, c.Logger = "one", slog.New(slog.DiscardHandler)
		d := dispatch.New(c)
		q := dispatch.NewQueue[greeting](d, queue, 4, dispatch.Options{})
		begun := make(chan time.Time, 1)
		dispatch.Handle(d, func(context.Context, greeting) error { begun <- time.Now(); return nil })
		if err := d.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		defer d.Close(context.Background())
		for i := range b.N {
			if err := q.Enqueue(b.Context(), greeting{fmt.Sprint(i)}); err != nil {
				b.Fatal(err)
			}
			<-begun
		}
	}
	b.Run("sqlite", func(b *testing.B) { run(b, dispatch.Config{Dir: b.TempDir()}) })
	b.Run("postgres", func(b *testing.B) { run(b, dispatch.Config{URL: databases.PostgresURL(b)}) })
}
