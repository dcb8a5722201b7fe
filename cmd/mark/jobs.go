package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/dispatch"
)

// The queues, as operators see them.
const (
	queueRuns        = "runs"
	queueMaintenance = "maintenance"
)

// sweepSessionsEvery is how often ended sign-ins are removed.
const sweepSessionsEvery = time.Hour

// sessionSweep removes ended sign-ins.
type sessionSweep struct{}

// Kind implements dispatch.Job.
func (sessionSweep) Kind() string { return "sweep_sessions" }

// jobs are the queues of the service and what is done with what waits in them.
type jobs struct {
	*dispatch.Dispatcher
	runs        *dispatch.Queue[agent.Job]
	maintenance *dispatch.Queue[sessionSweep]
}

func newJobs(c Config, logger *slog.Logger) *jobs {
	d := dispatch.New(dispatch.Config{URL: c.DatabaseURL, Dir: c.DataDir, Node: c.Node, Logger: logger})
	j := &jobs{
		Dispatcher:  d,
		runs:        dispatch.NewQueue[agent.Job](d, queueRuns, c.Limits.ConcurrentRuns, dispatch.Options{Priority: 1}),
		maintenance: dispatch.NewQueue[sessionSweep](d, queueMaintenance, 1, dispatch.Options{Priority: 4}),
	}
	j.maintenance.Every(sweepSessionsEvery, sessionSweep{})
	return j
}

// handle says who does the work.
func (j *jobs) handle(analyst *agent.Agent, people *auth.Service) {
	dispatch.Handle(j.Dispatcher, analyst.Work)
	dispatch.Handle(j.Dispatcher, func(ctx context.Context, _ sessionSweep) error {
		_, err := people.Sweep(ctx)
		return err
	})
}

// drain lets runs that go on here come to their end, for part of the time that
// there is, and takes no others. What does not end is handed over.
func (a *App) drain(ctx context.Context, j *jobs, analyst *agent.Agent) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithTimeout(ctx, time.Until(end)/2)
	}
	defer cancel()
	if err := j.Drain(limited); err != nil && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return err
	}
	return analyst.HandOver(ctx)
}
