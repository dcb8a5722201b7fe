package datasets_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/store"
)

// row stores a file and a dataset of it, as if a minute ago, without its job.
func (w *world) row(t testing.TB, ctx context.Context, name string, change func(*ent.DatasetCreate)) *ent.Dataset {
	t.Helper()
	object, err := w.config.Files.Put(ctx, "datasets", csv(), 1000)
	must(t, err)
	c := w.client.Dataset.Create().SetName(name).SetFileName(name + ".csv").SetBlobKey(object.Key).SetSha256(object.SHA256).
		SetSizeBytes(object.Size).SetCreatedAt(time.Now().UTC().Add(-time.Minute))
	if change != nil {
		change(c)
	}
	d, err := c.Save(ctx)
	must(t, err)
	return d
}

// held makes a row that somebody profiles, until a moment.
func held(until time.Time, losses int) func(*ent.DatasetCreate) {
	return func(c *ent.DatasetCreate) {
		c.SetState(dataset.StateProfiling).SetProfilingUntil(until.UTC()).SetProfileEpoch(losses + 1).SetProfileLosses(losses)
	}
}

// expect waits for a signal as long as the person's context lasts.
func expect[T any](t testing.TB, ctx context.Context, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-ctx.Done():
		t.Fatalf("%s: it never came", what)
	}
	return v
}

// counted is a profile that can be told from others by its number of rows.
func counted(rows int64) any {
	p := good().(map[string]any)["profile"].(profile.Profile)
	p.RowCount = rows
	return map[string]any{"profile": p}
}

func TestTwoNodesShareProfiling(t *testing.T) {
	one, two := newGate(), newGate()
	w := newWorld(t, postgres(t), one.sandbox(), datasets.Limits{Profiles: 1})
	other := w.beside(t, two.sandbox())
	other.start(t)
	ctx := w.person(t)
	var all []string
	for range 2 {
		d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
		must(t, err)
		all = append(all, d.ID)
	}
	expect(t, ctx, "a dataset at one node", one.entered)
	expect(t, ctx, "the other dataset at the other", two.entered)
	one.let <- struct{}{}
	two.let <- struct{}{}
	must(t, w.Await(ctx, all...))
	if n := w.client.Dataset.Query().Where(dataset.StateEQ(dataset.StateReady), dataset.ProfileEpoch(1)).CountX(ctx); n != 2 {
		t.Errorf("%d were profiled, once each", n)
	}
}

// TestANodeThatDies: another takes its dataset over, and the node itself, should it
// be alive and only cut off, notices.
func TestANodeThatDies(t *testing.T) {
	c := postgres(t)
	c.Guard = auth.Guard
	own, err := store.Open(t.Context(), c)
	must(t, err)
	entered, ended := make(chan struct{}, 1), make(chan error, 1)
	w := newNode(t, c, script{run: func(ctx context.Context, _ execution.Spec) (any, error) {
		entered <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return counted(1), nil
	}}, datasets.Limits{Profiles: 1})
	w.config.Client = own.Client
	w.start(t)
	ctx := w.person(t)
	d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
	must(t, err)
	expect(t, ctx, "the dataset at its node", entered)
	other := w.beside(t, script{run: func(context.Context, execution.Spec) (any, error) { return counted(2), nil }})
	other.start(t)
	must(t, own.Close()) // the node hears and says nothing from here on
	n, err := w.client.Dataset.Update().Where(dataset.ID(d.ID), dataset.StateEQ(dataset.StateProfiling)).
		SetProfilingUntil(time.Now().UTC().Add(-time.Second)).Save(ctx)
	if err != nil || n != 1 {
		t.Fatalf("ending the lease: %d rows, %v", n, err)
	}
	d = other.settled(t, ctx, d.ID)
	if d.State != dataset.StateReady || *d.RowCount != 2 || d.ProfileEpoch != 2 || d.ProfilingUntil != nil || d.ProfileLosses != 0 {
		t.Errorf("taken over: %+v", d)
	}
	expect(t, ctx, "the node's notice", ended)
}

// TestALateResultIsRefused: a node whose dataset another has begun anew, and that
// has not noticed, stores nothing.
func TestALateResultIsRefused(t *testing.T) {
	for name, late := range map[string]func() (any, error){
		"a profile": func() (any, error) { return counted(1), nil },
		"a failure": func() (any, error) { return nil, errors.New("late") },
	} {
		t.Run(name, func(t *testing.T) {
			var times atomic.Int32
			var rob func()
			again, let := make(chan struct{}, 1), make(chan struct{})
			sandbox := func() datasets.Sandbox {
				times.Store(0)
				return script{run: func(ctx context.Context, _ execution.Spec) (any, error) {
					if times.Add(1) == 1 {
						rob()
						return late()
					}
					again <- struct{}{}
					select {
					case <-let:
						return counted(2), nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}}
			}
			each(t, sandbox, datasets.Limits{Profiles: 1}, func(t *testing.T, w *world) {
				ctx := w.person(t)
				rob = func() {
					w.client.Dataset.Update().AddProfileEpoch(1).ClearProfilingUntil().ExecX(ctx)
				}
				d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
				must(t, err)
				limited, cancel := context.WithTimeout(ctx, 20*time.Second)
				defer cancel()
				expect(t, limited, "the dataset, begun anew", again)
				d = w.client.Dataset.Query().Where(dataset.ID(d.ID)).WithColumns().OnlyX(ctx)
				if d.State != dataset.StateProfiling || d.ProfileEpoch != 3 || len(d.Edges.Columns) != 0 {
					t.Errorf("after the late result it is %s in epoch %d with %d columns", d.State, d.ProfileEpoch, len(d.Edges.Columns))
				}
				let <- struct{}{}
				if d = w.settled(t, ctx, d.ID); d.State != dataset.StateReady || *d.RowCount != 2 || len(d.Edges.Columns) != 2 {
					t.Errorf("%s, %+v", d.State, d)
				}
			})
		})
	}
}

// TestLeases: a start takes up what nobody holds. On PostgreSQL that leaves what
// another node holds; on SQLite there is no other.
func TestLeases(t *testing.T) {
	test := func(t *testing.T, c store.Config, taken bool) {
		w := newNode(t, c, succeeds(), datasets.Limits{Profiles: 1})
		ctx := w.person(t)
		first := w.row(t, ctx, "held", held(time.Now().Add(time.Hour), 0))
		ended := w.row(t, ctx, "ended", held(time.Now().Add(-time.Minute), 1))
		last := w.row(t, ctx, "pending", nil)
		w.start(t)
		must(t, w.Await(ctx, ended.ID, last.ID)) // in order: the first one's turn has come
		if d := w.client.Dataset.GetX(ctx, first.ID); (d.State == dataset.StateReady) != taken {
			t.Errorf("what another holds is %s", d.State)
		}
		for _, id := range []string{ended.ID, last.ID} {
			if d := w.client.Dataset.GetX(ctx, id); d.State != dataset.StateReady {
				t.Errorf("%s is %s", d.Name, d.State)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t), true) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres(t), false) })
}

// TestGivesUp: a file that takes one node after the other with it is left alone in
// the end.
func TestGivesUp(t *testing.T) {
	var opened atomic.Int32
	counts := func() datasets.Sandbox {
		opened.Store(0)
		return script{open: func(context.Context) error { opened.Add(1); return errors.New("no") }}
	}
	for name, open := range map[string]func(*testing.T) store.Config{"sqlite": sqlite, "postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			w := newNode(t, open(t), counts(), datasets.Limits{})
			ctx := w.person(t)
			d := w.row(t, ctx, "t", held(time.Now().Add(-time.Minute), 2))
			w.start(t)
			d = w.settled(t, ctx, d.ID)
			if d.State != dataset.StateFailed || d.ErrorCode != string(profile.Failed) || !strings.Contains(d.ErrorMessage, "interrupted 3 times") ||
				opened.Load() != 0 || d.ProfileLosses != 0 {
				t.Errorf("%s %s %q, opened %d times", d.State, d.ErrorCode, d.ErrorMessage, opened.Load())
			}
		})
	}
}

// TestALostJob: a job goes on for ever in the eyes of the queue, on a node that is
// no more. The dataset gets another.
func TestALostJob(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Config{"sqlite": sqlite, "postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			w := newNode(t, open(t), succeeds(), datasets.Limits{})
			var lost atomic.Bool
			w.work = func(ctx context.Context, s *datasets.Service, j datasets.Job) error {
				if lost.CompareAndSwap(false, true) {
					<-ctx.Done()
					return nil
				}
				return s.Work(ctx, j)
			}
			w.start(t)
			ctx := w.person(t)
			d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
			must(t, err)
			if d = w.settled(t, ctx, d.ID); d.State != dataset.StateReady || !lost.Load() {
				t.Errorf("%s, a job was lost: %t", d.State, lost.Load())
			}
		})
	}
}

// noQueue takes nothing.
type noQueue struct{}

func (noQueue) Enqueue(context.Context, ...datasets.Job) error { return errors.New("down") }

// TestAnUploadWithoutItsJob is taken all the same, and found.
func TestAnUploadWithoutItsJob(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Config{"sqlite": sqlite, "postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			w := newNode(t, open(t), succeeds(), datasets.Limits{})
			w.config.Queue = noQueue{}
			w.start(t)
			ctx := w.person(t)
			d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
			must(t, err)
			if d = w.settled(t, ctx, d.ID); d.State != dataset.StateReady {
				t.Errorf("it is %s", d.State)
			}
		})
	}
}

// TestDeletedThroughAnotherNode: profiling ends where it goes on.
func TestDeletedThroughAnotherNode(t *testing.T) {
	entered, ended := make(chan struct{}, 1), make(chan error, 1)
	w := newWorld(t, postgres(t), script{run: func(ctx context.Context, _ execution.Spec) (any, error) {
		entered <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	}}, datasets.Limits{})
	ctx := w.person(t)
	d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
	must(t, err)
	expect(t, ctx, "the dataset at its node", entered)
	other := w.beside(t, succeeds())
	other.start(t)
	must(t, other.Delete(ctx, d.ID))
	if cause := expect(t, ctx, "the end of its profiling", ended); !strings.Contains(cause.Error(), "deleted") {
		t.Errorf("it ended because %v", cause) // a node that does not ask ends it, too, with its lease
	}
	w.nothing(t)
}

// TestShutdownHandsOver: another node begins anew without waiting for the lease.
func TestShutdownHandsOver(t *testing.T) {
	g := newGate()
	w := newWorld(t, postgres(t), g.sandbox(), datasets.Limits{})
	ctx := w.person(t)
	d, err := w.Upload(ctx, "", "t.csv", csv(), nil)
	must(t, err)
	expect(t, ctx, "the dataset at its node", g.entered)
	other := w.beside(t, succeeds())
	other.start(t)
	w.stop(t)
	stopped := time.Now()
	d = other.settled(t, ctx, d.ID)
	if took := time.Since(stopped); d.State != dataset.StateReady || d.ProfileEpoch != 2 || took > datasets.LeaseTime {
		t.Errorf("%s in epoch %d after %s", d.State, d.ProfileEpoch, took)
	}
	must(t, w.Work(ctx, datasets.Job{DatasetID: d.ID, OwnerID: d.OwnerID, Epoch: 3})) // it takes nothing any more
}

// TestWhatSomebodyWaitsForComesFirst: an upload passes by what was found left over
// before it came.
func TestWhatSomebodyWaitsForComesFirst(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Config{"sqlite": sqlite, "postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			entered, let := make(chan string, 10), make(chan struct{})
			w := newNode(t, open(t), script{run: func(ctx context.Context, spec execution.Spec) (any, error) {
				entered <- spec.Files[0].Name
				select {
				case <-let:
					return good(), nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}}, datasets.Limits{Profiles: 1})
			found, done := make(chan struct{}), make(chan struct{})
			defer close(done)
			var once sync.Once
			w.found = func(jobs []datasets.Job) {
				if len(jobs) == 3 {
					once.Do(func() { close(found) })
					<-done // or an upload that takes long to get its job were found, too
				}
			}
			ctx := w.person(t)
			w.start(t)
			_, err := w.Upload(ctx, "", "first.csv", csv(), nil)
			must(t, err)
			if name := expect(t, ctx, "the first", entered); name != "first.csv" {
				t.Errorf("%s came first", name)
			}
			for range 3 {
				w.row(t, ctx, "left", nil)
			}
			expect(t, ctx, "what was left over", found)
			_, err = w.Upload(ctx, "", "upload.csv", csv(), nil)
			must(t, err)
			for i, want := range []string{"upload.csv", "left.csv", "left.csv", "left.csv"} {
				let <- struct{}{}
				if name := expect(t, ctx, "the next", entered); name != want {
					t.Errorf("%d: %s, want %s", i, name, want)
				}
			}
			let <- struct{}{}
		})
	}
}

// toldQueue takes nothing, and tells what it was given first.
type toldQueue chan []datasets.Job

func (q toldQueue) Enqueue(_ context.Context, jobs ...datasets.Job) error {
	select {
	case q <- jobs:
	default:
	}
	return nil
}

// TestAStartLeavesWhatItHasBegun: what was held when the one process died is taken
// up at its start, also where it has just begun something of its own.
func TestAStartLeavesWhatItHasBegun(t *testing.T) {
	g := newGate()
	w := newNode(t, sqlite(t), g.sandbox(), datasets.Limits{})
	ctx := w.person(t)
	own := w.row(t, ctx, "own", nil)
	left := w.row(t, ctx, "left", held(time.Now().Add(time.Hour), 0))
	found := make(toldQueue, 1)
	w.config.Queue, w.config.Background = noQueue{}, found
	s, err := datasets.New(w.config)
	must(t, err)
	claimed, revives := make(chan struct{}), make(chan struct{})
	var first, second sync.Once
	w.client.Dataset.Use(func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			switch state, _ := m.Field(dataset.FieldState); state {
			case dataset.StateProfiling:
				tx, err := m.(*ent.DatasetMutation).Tx()
				if err != nil {
					return nil, err
				}
				tx.OnCommit(func(next ent.Committer) ent.Committer {
					return ent.CommitFunc(func(ctx context.Context, tx *ent.Tx) error {
						err := next.Commit(ctx, tx)
						first.Do(func() {
							close(claimed)
							<-revives
							// What does not wait for this claim is done by then.
							for range 500 {
								w.client.Dataset.Query().CountX(ctx)
							}
						})
						return err
					})
				})
			case dataset.StatePending: // what failed for want of a sandbox, which comes first
				second.Do(func() { close(revives) })
			}
			return next.Mutate(ctx, m)
		})
	})
	worked := make(chan error, 1)
	go func() { worked <- s.Work(ctx, datasets.Job{DatasetID: own.ID, OwnerID: own.OwnerID, Epoch: 1}) }()
	expect(t, ctx, "the claim", claimed)
	s.Start()
	defer func() { must(t, s.Close(context.Background())) }()
	if jobs := expect(t, ctx, "the first look", found); len(jobs) != 1 || jobs[0].DatasetID != left.ID {
		t.Errorf("found %+v, want only what was left", jobs)
	}
	expect(t, ctx, "the dataset", g.entered)
	g.let <- struct{}{}
	must(t, expect(t, ctx, "the end of its work", worked))
	if d := w.client.Dataset.GetX(ctx, own.ID); d.State != dataset.StateReady || d.ProfileEpoch != 1 || d.ProfileLosses != 0 {
		t.Errorf("%s in epoch %d after %d losses", d.State, d.ProfileEpoch, d.ProfileLosses)
	}
}
