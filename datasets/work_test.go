package datasets_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
)

// TestFailures: whatever goes wrong while profiling, the dataset says so with a
// stable code and a sentence.
func TestFailures(t *testing.T) {
	type outcome = func(context.Context, execution.Spec) (any, error)
	ended := func(code execution.Code) outcome {
		return func(context.Context, execution.Spec) (any, error) {
			return nil, &execution.Error{Code: code, Message: "M.", Fatal: true}
		}
	}
	for name, c := range map[string]struct {
		open func(context.Context) error
		run  outcome
		time time.Duration // that a profile may take; 0: as long as anywhere
		want profile.Code
	}{
		"a failure": {run: func(context.Context, execution.Spec) (any, error) {
			return map[string]any{"failure": profile.Failure{Code: profile.NoRows, Message: "No rows."}}, nil
		}, want: profile.NoRows},
		"nothing": {run: func(context.Context, execution.Spec) (any, error) { return nil, nil }, want: profile.Failed},
		"lies": {run: func(context.Context, execution.Spec) (any, error) {
			return map[string]any{"profile": map[string]any{"rowCount": -1}}, nil
		}, want: profile.Failed},
		"out of memory": {run: ended(execution.CodeMemory), want: profile.TooLarge},
		"step's time":   {run: ended(execution.CodeTimeout), want: profile.TooLarge},
		"a crash":       {run: ended(execution.CodeDied), want: profile.Failed},
		"the whole time": {run: func(ctx context.Context, _ execution.Spec) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
			time: 300 * time.Millisecond, want: profile.TooLarge},
		"no sandbox": {open: func(context.Context) error {
			return &execution.Error{Code: execution.CodeUnavailable, Message: "No user namespaces."}
		}, want: profile.Unavailable},
		"no room in time": {open: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			time: 300 * time.Millisecond, want: profile.TooLarge},
		"a broken disk": {open: func(context.Context) error { return errors.New("I/O error in /var/secret") }, want: profile.Failed},
		"a panic":       {run: func(context.Context, execution.Spec) (any, error) { panic("boom") }, want: profile.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func() datasets.Sandbox { return script{c.open, c.run} }, datasets.Limits{ProfileTime: c.time}, func(t *testing.T, w *world) {
				ctx := w.person(t)
				d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
				must(t, err)
				d = w.settled(t, ctx, d.ID)
				if d.State != dataset.StateFailed || d.ErrorCode != string(c.want) || !strings.HasSuffix(d.ErrorMessage, ".") ||
					strings.Contains(d.ErrorMessage, "secret") || len(d.Edges.Columns) != 0 {
					t.Errorf("%s %s %q", d.State, d.ErrorCode, d.ErrorMessage)
				}
				// The worker lives on.
				d, err = w.Upload(ctx, "", "t.csv", csv(), nil)
				must(t, err)
				w.settled(t, ctx, d.ID)
			})
		})
	}
}

// gate is a sandbox whose sessions wait to be let through.
type gate struct {
	entered   chan struct{}
	let       chan struct{}
	now, most atomic.Int32
}

func newGate() *gate { return &gate{entered: make(chan struct{}, 100), let: make(chan struct{})} }

func (g *gate) sandbox() datasets.Sandbox {
	return script{run: func(ctx context.Context, _ execution.Spec) (any, error) {
		n := g.now.Add(1)
		defer g.now.Add(-1)
		for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
		}
		g.entered <- struct{}{}
		select {
		case <-g.let:
			return good(), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

// TestProfilesAreBounded: as many as configured at once, all in the end.
func TestProfilesAreBounded(t *testing.T) {
	g := newGate()
	each(t, g.sandbox, datasets.Limits{Profiles: 2}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		var all []string
		for range 7 {
			d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
			must(t, err)
			all = append(all, d.ID)
		}
		<-g.entered
		<-g.entered
		for range all[2:] { // one leaves, the next enters
			g.let <- struct{}{}
			<-g.entered
		}
		g.let <- struct{}{}
		g.let <- struct{}{}
		must(t, w.Await(ctx, all...))
		if n, err := w.client.Dataset.Query().Where(dataset.StateEQ(dataset.StateReady)).Count(ctx); n != 7 || err != nil {
			t.Errorf("%d are ready, %v", n, err)
		}
		if most := g.most.Load(); most != 2 {
			t.Errorf("%d at once", most)
		}
	})
}

// TestNextStart: what a process leaves unfinished when it is told to end the next
// one finishes, from the first moment on.
func TestNextStart(t *testing.T) {
	g := newGate()
	each(t, g.sandbox, datasets.Limits{Profiles: 1}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		var all []string
		for range 3 {
			d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
			must(t, err)
			all = append(all, d.ID)
		}
		<-g.entered
		w.stop(t)
		must(t, w.Close(ctx)) // again
		states := map[dataset.State]int{}
		for _, d := range w.client.Dataset.Query().AllX(ctx) {
			states[d.State]++
			if d.ProfilingUntil != nil || d.ProfileLosses != 0 {
				t.Errorf("%s is held until %v, lost %d times", d.State, d.ProfilingUntil, d.ProfileLosses)
			}
		}
		if states[dataset.StateProfiling] != 1 || states[dataset.StatePending] != 2 {
			t.Errorf("left: %v", states)
		}
		// One failed earlier, when there was no sandbox; another for good. A third has met
		// the sandbox that there is now: a start is no occasion to try it again.
		w.row(t, ctx, "since", func(c *ent.DatasetCreate) {
			c.SetState(dataset.StateFailed).SetErrorCode(string(profile.Unavailable)).SetCreatedAt(time.Now().UTC().Add(time.Minute))
		})
		for code, state := range map[profile.Code]string{profile.Unavailable: "again", profile.NoRows: "for good"} {
			d := w.row(t, ctx, state, func(c *ent.DatasetCreate) { c.SetState(dataset.StateFailed).SetErrorCode(string(code)) })
			if state == "again" {
				all = append(all, d.ID)
			}
		}
		w.config.Sandbox = succeeds()
		w.start(t)
		for {
			must(t, w.Await(ctx, all...))
			n, err := w.client.Dataset.Query().Where(dataset.StateEQ(dataset.StateReady), dataset.RowCount(2)).Count(ctx)
			must(t, err)
			if n == len(all) {
				break
			}
			must(t, ctx.Err())
		}
		if n := w.client.Dataset.Query().Where(dataset.StateEQ(dataset.StateFailed)).CountX(ctx); n != 2 {
			t.Errorf("%d failed for good", n)
		}
	})
}

// TestAwait: it waits for what is being profiled and for nothing else.
func TestAwait(t *testing.T) {
	g := newGate()
	each(t, g.sandbox, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		must(t, w.Await(ctx))
		must(t, w.Await(ctx, ids.New(ids.Dataset)))
		d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
		must(t, err)
		<-g.entered
		must(t, w.Await(w.person(t), d.ID)) // a stranger sees nothing to wait for
		gone, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := w.Await(gone, d.ID); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
		wg.Go(func() {
			if err := w.Await(ctx, d.ID); err != nil {
				t.Error(err)
			}
			if d := w.client.Dataset.GetX(ctx, d.ID); d.State != dataset.StateReady {
				t.Errorf("it returned while the dataset was %s", d.State)
			}
		})
		cancel()
		g.let <- struct{}{}
		wg.Wait()
	})
}

func TestAwaitIsBounded(t *testing.T) {
	g := newGate()
	each(t, g.sandbox, datasets.Limits{AwaitTime: time.Millisecond}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
		must(t, err)
		if err := w.Await(ctx, d.ID); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// TestDeleteEndsProfiling: the session of a dataset that is deleted is not kept
// waiting for.
func TestDeleteEndsProfiling(t *testing.T) {
	ended := make(chan struct{}, 2)
	entered := make(chan struct{}, 2)
	waits := func() datasets.Sandbox {
		return script{run: func(ctx context.Context, _ execution.Spec) (any, error) {
			entered <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return nil, ctx.Err()
		}}
	}
	each(t, waits, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
		must(t, err)
		<-entered
		must(t, w.Delete(ctx, d.ID))
		select {
		case <-ended:
		case <-ctx.Done():
			t.Error("it goes on")
		}
		w.nothing(t)
	})
}
