package datasets_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/column"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a node of a service with all around it.
type world struct {
	*datasets.Service
	client *ent.Client
	dir    string // where blobs are
	config datasets.Config
	queue  dispatch.Config
	jobs   *dispatch.Dispatcher                                         // nil: stopped
	found  func([]datasets.Job)                                         // nil, or told of what the sweep has enqueued
	work   func(context.Context, *datasets.Service, datasets.Job) error // nil: the service's own
}

// each runs the test on both databases.
func each(t *testing.T, sandbox func() datasets.Sandbox, limits datasets.Limits, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, sqlite(t), sandbox(), limits)) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres(t), sandbox(), limits)) })
}

func sqlite(t *testing.T) store.Config { return store.Config{DataDir: t.TempDir()} }

func postgres(t *testing.T) store.Config { return store.Config{URL: databases.PostgresURL(t)} }

func newWorld(t *testing.T, c store.Config, sandbox datasets.Sandbox, limits datasets.Limits) *world {
	t.Helper()
	w := newNode(t, c, sandbox, limits)
	w.start(t)
	return w
}

// newNode makes a world that has not started.
func newNode(t *testing.T, c store.Config, sandbox datasets.Sandbox, limits datasets.Limits) *world {
	t.Helper()
	c.Guard = auth.Guard
	s := storetest.Open(t, c)
	w := &world{client: s.Client, dir: t.TempDir()}
	blobs, err := files.Open(w.dir)
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	w.config = datasets.Config{
		Client: s.Client, Dialect: s.Dialect, Files: blobs, Sandbox: sandbox, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
		Limits: limits,
	}
	w.queue = dispatch.Config{URL: c.URL, Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	return w
}

// beside makes another node, of its own database connections, that has not
// started.
func (w *world) beside(t *testing.T, sandbox datasets.Sandbox) *world {
	t.Helper()
	other := newNode(t, store.Config{URL: w.queue.URL}, sandbox, w.config.Limits)
	other.dir, other.config.Files = w.dir, w.config.Files
	return other
}

// start opens the service, as a process does at its start, until stop.
func (w *world) start(t testing.TB) {
	t.Helper()
	workers := w.config.Limits.Profiles
	if workers == 0 {
		workers = 2
	}
	w.queue.Node = ids.New("node")
	w.jobs = dispatch.New(w.queue)
	queue := dispatch.NewQueue[datasets.Job](w.jobs, "profiles", workers, dispatch.Options{Priority: 1})
	c := w.config
	if c.Queue == nil {
		c.Queue = queue
	}
	c.Background = background{queue.With(dispatch.Options{Priority: 3}), w.found}
	s, err := datasets.New(c)
	must(t, err)
	w.Service = s
	work := s.Work
	if w.work != nil {
		work = func(ctx context.Context, j datasets.Job) error { return w.work(ctx, s, j) }
	}
	dispatch.Handle(w.jobs, work)
	must(t, w.jobs.Start(t.Context()))
	s.Start()
	t.Cleanup(func() { w.stop(t) })
}

// stop ends the service in the order in which a process does.
func (w *world) stop(t testing.TB) {
	t.Helper()
	if w.jobs == nil {
		return
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if err := w.jobs.Drain(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, w.HandOver(context.Background()))
	must(t, w.jobs.Close(context.Background()))
	must(t, w.Close(context.Background()))
	w.jobs = nil
}

// background is the queue for what is found left over.
type background struct {
	datasets.Queue
	found func([]datasets.Job)
}

func (b background) Enqueue(ctx context.Context, jobs ...datasets.Job) error {
	err := b.Queue.Enqueue(ctx, jobs...)
	if err == nil && b.found != nil {
		b.found(jobs)
	}
	return err
}

// person makes an account and returns its context.
func (w *world) person(t testing.TB) context.Context {
	t.Helper()
	u, err := w.client.User.Create().SetEmail(ids.New("test") + "@example.org").SetPasswordHash("-").
		Save(auth.System(t.Context(), "test"))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return auth.WithViewer(ctx, auth.Viewer{UserID: u.ID})
}

// blobs are the files that are stored.
func (w *world) blobs(t testing.TB) []string {
	t.Helper()
	var paths []string
	must(t, filepath.WalkDir(filepath.Join(w.dir, "files"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

// nothing checks that no dataset and no file is there, of anybody's.
func (w *world) nothing(t testing.TB) {
	t.Helper()
	n, err := w.client.Dataset.Query().Count(auth.System(t.Context(), "test"))
	must(t, err)
	if blobs := w.blobs(t); n != 0 || len(blobs) != 0 {
		t.Errorf("left: %d rows, files %v", n, blobs)
	}
}

// settled waits until the dataset is profiled and returns it.
func (w *world) settled(t testing.TB, ctx context.Context, id string) *ent.Dataset {
	t.Helper()
	must(t, w.Await(ctx, id))
	d, err := w.client.Dataset.Query().Where(dataset.ID(id)).
		WithColumns(func(q *ent.ColumnQuery) { q.Order(column.ByPosition()) }).Only(ctx)
	must(t, err)
	return d
}

// script is a sandbox that only pretends: every session does what run says.
type script struct {
	open func(ctx context.Context) error
	run  func(ctx context.Context, spec execution.Spec) (any, error)
}

func (s script) Open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	if s.open != nil {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	}
	return scripted{s, spec}, nil
}

type scripted struct {
	script
	spec execution.Spec
}

func (s scripted) Run(ctx context.Context, _ string, host execution.Host) (execution.Result, error) {
	result, err := s.run(ctx, s.spec)
	if result != nil {
		raw, jsonErr := json.Marshal(result)
		if jsonErr != nil {
			return execution.Result{}, jsonErr
		}
		host.Emit(execution.Event{Output: &execution.Output{MIME: execution.MIMEJSON, Title: "mark.profile", JSON: raw}})
	}
	return execution.Result{}, err
}

func (scripted) Close() error { return nil }

// good is the profile of a small table.
func good() any {
	return map[string]any{"profile": profile.Profile{
		Format: "CSV", Encoding: "utf-8", Delimiter: ",", HasHeader: true, RowCount: 2,
		Columns: []profile.Column{
			{Name: "name", OriginalName: "name", Type: "STRING", DistinctCount: 2, Min: "a", Max: "b", Samples: []string{"a", "b"}},
			{Name: "size_2", OriginalName: "size", Type: "INTEGER", NullCount: 2},
		},
		Sample:   execution.Table{Columns: []string{"name", "size_2"}, Rows: [][]any{{"a", nil}, {"b", nil}}, RowCount: 2},
		LoadCode: `pd.read_csv("t.csv")`, Notes: []string{"A note."},
	}}
}

func succeeds() datasets.Sandbox {
	return script{run: func(context.Context, execution.Spec) (any, error) { return good(), nil }}
}

func ref[T any](v T) *T { return &v }

func csv() *strings.Reader { return strings.NewReader("name,size\na,\nb,\n") }
