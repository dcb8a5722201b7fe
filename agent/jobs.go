package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/crashpoint"
	"github.com/mark-analyst/mark/internal/sweep"
)

// Job asks a node to work on a run.
type Job struct {
	RunID string `json:"run"`
	Epoch int    `json:"epoch"` // that the claim is to set
	// Again tells a job from an earlier one for the same claim, which is lost.
	Again int `json:"again,omitempty"`
}

// Kind is the job's name in the queue.
func (Job) Kind() string { return "run" }

// Queue gives jobs to the nodes, this one among them: see package dispatch. It may
// lose them, and give them twice.
type Queue interface {
	Enqueue(ctx context.Context, jobs ...Job) error
	// Hold keeps a place on this node for a run that is being stored, where there
	// is one. Begin puts it to work; false: no more is to begin here. Release
	// gives the place back instead.
	Hold() (begin func(Job) bool, release func(), ok bool)
}

const (
	// sweepEvery is how often a node looks for runs that wait and have no job.
	sweepEvery = time.Second
	// sweepAtOnce is how many of them it looks at. Those behind them wait longer.
	sweepAtOnce = 500
)

// sweeper finds what waits for a node and has no job: the service died between
// the question and its job, the node that had the job died, or it was another
// run's turn.
type sweeper struct {
	agent *Agent
	lost  sweep.Lost[eventlog.Due]
}

// sweep enqueues what waits.
func (s *sweeper) sweep(ctx context.Context) error {
	due, err := s.agent.Log.Due(ctx, s.agent.Limits.RunsPerOwner, sweepAtOnce)
	if err != nil {
		return err
	}
	// A lease of this node's own that seems to be over is about to be renewed: the
	// clock has jumped.
	due = slices.DeleteFunc(due, func(d eventlog.Due) bool { return s.agent.held.has(d.RunID) })
	jobs := make([]Job, len(due))
	for i, again := range s.lost.Look(time.Now(), due, s.agent.Limits.ConcurrentRuns-s.agent.held.count()) {
		jobs[i] = Job{RunID: due[i].RunID, Epoch: due[i].Epoch, Again: again}
	}
	return s.agent.Queue.Enqueue(ctx, jobs...)
}

// Start looks for what waits for a node, now and from now on, until Close.
func (a *Agent) Start() {
	s := &sweeper{agent: a}
	loop := sweep.Loop{Look: s.sweep, Every: sweepEvery, Now: a.swept, What: "looking for runs to work on", Logger: a.Logger}
	if !crashpoint.Without(crashpoint.Sweep) {
		a.done.Go(func() { loop.Run(a.closing) })
	}
	a.done.Go(func() { a.renewUntil(a.closing) })
}

// look has the sweeper look at once.
func (a *Agent) look() {
	select {
	case a.swept <- struct{}{}:
	default: // it is about to
	}
}

// Work does a job: it claims the run, where it is this job's turn, and works on
// it to its end, or until it is lost. An error says that the run could not be
// looked at.
func (a *Agent) Work(ctx context.Context, j Job) error {
	c, ok := a.begun.take(j.RunID)
	if !ok {
		if a.held.isClosed() {
			return nil // the sweeper of another node, or of the next start, finds it
		}
		c.asked = time.Now() // the lease may have begun long before its answer arrives
		var err error
		c.writer, c.ownerID, err = a.Log.Take(ctx, a.Limits.RunsPerOwner, j.RunID, j.Epoch, a.Node)
		if errors.Is(err, eventlog.ErrFenced) {
			return nil // it has ended, another has it, or it is not its turn
		}
		if err != nil {
			return err
		}
		c.unkeep = a.Log.Keep(j.RunID)
	}
	defer c.unkeep()
	// The queue does not end the work: HandOver does, in good order.
	a.work(context.WithoutCancel(ctx), c)
	crashpoint.Here(crashpoint.EndedNotCompleted)
	a.look() // it may be another run's turn now
	return nil
}
