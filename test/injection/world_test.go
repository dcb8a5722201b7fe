package injection

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/llm"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

// What stands in another person's things, and nowhere else.
const (
	bobsName   = "Payroll of Bob"
	bobsFile   = "bob-payroll.csv"
	bobsSecret = "CANARY-4711-BOB"
)

// world is Mark with two people in it, of whom Ada is attacked.
type world struct {
	t      *testing.T
	client *ent.Client
	agent  *agent.Agent
	data   *datasets.Service
	files  *files.Store
	log    *eventlog.Log
	model  *obedient
	wire   *fakellm.Client
	ada    context.Context
	adaID  string
	sink   *sink
	bob    struct{ user, dataset, path string }
}

// newWorld makes one whose programs the sandbox runs. guard is auth.Guard, but in
// the test that shows what it is for.
func newWorld(t *testing.T, guard func(*ent.Client), machine *machine, sandbox agent.Sandbox) *world {
	t.Helper()
	s := databases.SQLite(t)
	guard(s.Client)
	w := &world{t: t, client: s.Client, model: &obedient{}, sink: newSink(t)}
	w.wire = fakellm.NewClient(w.model.answer)
	w.open(s, machine, sandbox)
	system := auth.System(t.Context(), "test")
	ada := w.client.User.Create().SetEmail("ada@example.org").SetPasswordHash("x").SaveX(system)
	bob := w.client.User.Create().SetEmail("bob@example.org").SetPasswordHash("x").SaveX(system)
	w.ada, w.adaID = auth.WithViewer(t.Context(), auth.Viewer{UserID: ada.ID}), ada.ID
	w.settle(auth.WithViewer(t.Context(), auth.Viewer{UserID: bob.ID}), machine)
	w.bob.user = bob.ID
	return w
}

// settle gives Bob what nobody else may learn of.
func (w *world) settle(bob context.Context, machine *machine) {
	w.t.Helper()
	machine.next(table{column: "secret", cell: bobsSecret, file: bobsFile})
	d := w.upload(bob, bobsName, bobsFile, "secret\n"+bobsSecret+"\n")
	path, release, err := w.files.LocalPath(w.t.Context(), d.BlobKey)
	must(w.t, err)
	w.t.Cleanup(release)
	w.bob.dataset, w.bob.path = d.ID, path
}

// upload stores a dataset and waits until it is profiled.
func (w *world) upload(ctx context.Context, name, file, content string) *ent.Dataset {
	w.t.Helper()
	d, err := w.data.Upload(ctx, name, file, reader(content), nil)
	must(w.t, err)
	must(w.t, w.data.Await(ctx, d.ID))
	d = w.client.Dataset.GetX(ctx, d.ID)
	if d.State != "READY" {
		w.t.Fatalf("the dataset %q is %s: %s %s", name, d.State, d.ErrorCode, d.ErrorMessage)
	}
	return d
}

// open wires the parts as the service does.
func (w *world) open(s *store.Store, machine *machine, sandbox agent.Sandbox) {
	t := w.t
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	var err error
	w.log, err = eventlog.New(eventlog.Config{Client: s.Client, Dialect: s.Dialect, Clock: clock.System{}, Logger: logger, Poll: 20 * time.Millisecond})
	must(t, err)
	w.files, err = files.Open(t.TempDir())
	must(t, err)
	jobs := dispatch.New(dispatch.Config{Dir: t.TempDir(), Node: "test", Logger: logger})
	profiles := dispatch.NewQueue[datasets.Job](jobs, "profiles", 2, dispatch.Options{Here: true})
	w.data, err = datasets.New(datasets.Config{
		Client: s.Client, Dialect: s.Dialect, Queue: profiles, Background: profiles,
		Files: w.files, Sandbox: profiler{machine}, Clock: clock.System{}, Logger: logger,
	})
	must(t, err)
	endpoint, err := llm.New(llm.Config{BaseURL: "http://model.invalid/v1", Model: "obedient", HTTPClient: w.wire, Clock: clock.System{}, Log: logger})
	must(t, err)
	limits := agent.DefaultLimits()
	limits.Claims, limits.Steps = 100, 200
	w.agent, err = agent.New(agent.Config{
		Client: s.Client, Log: w.log, Tokens: tokens.Share(tokens.New()),
		Models:  []agent.Model{{Name: "obedient", LLM: llm.NewFenced(endpoint, llm.ToolsUnknown, ids.For("call"), logger)}},
		Sandbox: sandbox, Blobs: blobs{w.files}, Datasets: w.data,
		AsOwner: func(ctx context.Context, id string) context.Context {
			return auth.WithViewer(ctx, auth.Viewer{UserID: id})
		},
		Queue: dispatch.NewQueue[agent.Job](jobs, "runs", 4, dispatch.Options{Here: true}), Node: "test",
		Clock: clock.System{}, Logger: logger, Limits: limits,
	})
	must(t, err)
	dispatch.Handle(jobs, w.data.Work)
	dispatch.Handle(jobs, w.agent.Work)
	must(t, jobs.Start(t.Context()))
	w.agent.Start()
	t.Cleanup(func() {
		ctx := context.Background()
		must(t, errors.Join(jobs.Drain(ctx), w.agent.Close(ctx), w.data.Close(ctx), jobs.Close(ctx)))
		endpoint.Close()
		must(t, errors.Join(w.log.Close(), w.files.Close()))
	})
}

// blobs are files as the agent knows them.
type blobs struct{ *files.Store }

func (b blobs) Path(ctx context.Context, key string) (string, func(), error) {
	return b.LocalPath(ctx, key)
}

func (b blobs) Save(ctx context.Context, r io.Reader, limit int64) (string, int64, error) {
	object, err := b.Put(ctx, "artifacts", r, limit)
	return object.Key, object.Size, err
}
