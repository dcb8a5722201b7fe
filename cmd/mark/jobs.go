package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
)

// The queues, as operators see them.
const (
	queueRuns        = "runs"
	queueProfiles    = "profiles" // apart from runs: one that waits for a profile must not keep it from its place
	queueMaintenance = "maintenance"
)

const (
	// profilesAtOnce is how many uploads a node looks at; each is a Python session.
	profilesAtOnce = 2
	// sweepSessionsEvery is how often ended sign-ins are removed.
	sweepSessionsEvery = time.Hour
	// compactEvery is how often the events of runs that ended long ago are removed,
	// compactAtOnce of how many runs before looking whether to go on.
	compactEvery  = time.Hour
	compactAtOnce = 100
)

// sessionSweep removes ended sign-ins.
type sessionSweep struct{}

// Kind implements dispatch.Job.
func (sessionSweep) Kind() string { return "sweep_sessions" }

// compaction removes the events of runs that ended long ago.
type compaction struct{}

// Kind implements dispatch.Job.
func (compaction) Kind() string { return "compact_events" }

// tableRefresh looks for tables of warehouses that have changed.
type tableRefresh struct{}

// Kind implements dispatch.Job.
func (tableRefresh) Kind() string { return "refresh_tables" }

// jobs are the queues of the service and what is done with what waits in them.
type jobs struct {
	*dispatch.Dispatcher
	runs     *dispatch.Queue[agent.Job]
	profiles *dispatch.Queue[datasets.Job]
	titles   *dispatch.Queue[agent.TitleJob]
	old      *dispatch.Queue[compaction]
	// refresh is what is done with a tableRefresh.
	refresh func(context.Context, tableRefresh) error

	draining context.Context //nolint:containedctx // ends when what can wait is to stop
	drain    context.CancelFunc
}

func newJobs(c Config, logger *slog.Logger) *jobs {
	d := dispatch.New(dispatch.Config{URL: c.DatabaseURL, Dir: c.DataDir, Node: c.Node, Logger: logger})
	j := &jobs{
		Dispatcher: d,
		runs:       dispatch.NewQueue[agent.Job](d, queueRuns, c.Limits.ConcurrentRuns, dispatch.Options{Priority: 1, Here: true}),
		profiles:   dispatch.NewQueue[datasets.Job](d, queueProfiles, profilesAtOnce, dispatch.Options{Priority: 1}),
	}
	j.draining, j.drain = context.WithCancel(context.Background())
	later := dispatch.Options{Priority: 4}
	j.titles = dispatch.NewQueue[agent.TitleJob](d, queueMaintenance, 1, later)
	dispatch.NewQueue[sessionSweep](d, queueMaintenance, 1, later).Every(sweepSessionsEvery, sessionSweep{})
	j.old = dispatch.NewQueue[compaction](d, queueMaintenance, 1, later)
	j.old.Every(compactEvery, compaction{})
	tables := dispatch.NewQueue[tableRefresh](d, queueMaintenance, 1, later)
	if c.WarehouseRefresh > 0 {
		tables.Every(c.WarehouseRefresh, tableRefresh{})
	}
	return j
}

// workers do the work.
type workers struct {
	analyst  *agent.Agent
	datasets *datasets.Service
	people   *auth.Service
	log      *eventlog.Log
	clock    clock.Clock
	// retention is how long the events of a run that has ended are kept.
	retention time.Duration
}

// handle says who does the work.
func (j *jobs) handle(w workers) {
	dispatch.Handle(j.Dispatcher, w.analyst.Work)
	dispatch.Handle(j.Dispatcher, func(ctx context.Context, t agent.TitleJob) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(j.draining, stop)()
		return w.analyst.Title(ctx, t)
	})
	dispatch.Handle(j.Dispatcher, w.datasets.Work)
	dispatch.Handle(j.Dispatcher, func(ctx context.Context, _ sessionSweep) error {
		_, err := w.people.Sweep(ctx)
		return err
	})
	dispatch.Handle(j.Dispatcher, func(ctx context.Context, _ compaction) error {
		return compact(ctx, w.log, w.clock.Now().Add(-w.retention), j.stops)
	})
	j.refresh = func(ctx context.Context, _ tableRefresh) error {
		return w.datasets.RefreshTables(ctx, j.stops)
	}
	dispatch.Handle(j.Dispatcher, j.refresh)
}

// stops tells whether what can wait is to stop.
func (j *jobs) stops() bool { return j.draining.Err() != nil }

// compact removes the events of runs that ended before a time, some runs at once,
// until there are none left or it is time to stop. What is left the next one does.
func compact(ctx context.Context, log *eventlog.Log, before time.Time, stop func() bool) error {
	for !stop() {
		n, err := log.Compact(ctx, before, compactAtOnce)
		if err != nil || n < compactAtOnce {
			return err
		}
	}
	return nil
}

// drain lets runs and profiles that go on here come to their end, for part of the
// time that there is, and takes no others. What does not end is handed over.
func (a *App) drain(ctx context.Context, j *jobs, analyst *agent.Agent, data *datasets.Service) error {
	j.drain()
	limited, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithTimeout(ctx, time.Until(end)/2)
	}
	defer cancel()
	if err := j.Drain(limited); err != nil && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return err
	}
	var both errgroup.Group // neither's time is the other's
	both.Go(func() error { return analyst.HandOver(ctx) })
	both.Go(func() error { return data.HandOver(ctx) })
	return both.Wait()
}
