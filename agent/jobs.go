package agent

import (
	"context"
	"errors"
	"time"

	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/crashpoint"
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
}

const (
	// sweepEvery is how often a node looks for runs that wait and have no job.
	sweepEvery = time.Second
	// sweepAtOnce is how many of them it looks at. Those behind them wait longer.
	sweepAtOnce = 500
	// lostAfter is how long a run waits, while this node has room for it, until
	// its job is taken for lost.
	lostAfter = 3 * time.Second
)

// sweeper finds what waits for a node and has no job: the service died between
// the question and its job, the node that had the job died, or it was another
// run's turn.
type sweeper struct {
	agent *Agent
	since map[eventlog.Due]time.Time // when a run was first found waiting
}

// sweep enqueues what waits.
func (s *sweeper) sweep(ctx context.Context) error {
	due, err := s.agent.Log.Due(ctx, s.agent.Limits.RunsPerOwner, "", sweepAtOnce)
	if err != nil {
		return err
	}
	now, since := time.Now(), map[eventlog.Due]time.Time{}
	room := s.agent.Limits.ConcurrentRuns - s.agent.held.count()
	var jobs []Job
	for _, d := range due {
		first, known := s.since[d]
		if !known {
			first = now
		}
		since[d] = first
		job := Job{RunID: d.RunID, Epoch: d.Epoch}
		if room > 0 {
			if job.Again = int(now.Sub(first) / lostAfter); job.Again > 0 {
				room--
			}
		}
		jobs = append(jobs, job)
	}
	s.since = since
	return s.agent.Queue.Enqueue(ctx, jobs...)
}

// Start looks for what waits for a node, now and from now on, until Close.
func (a *Agent) Start() {
	a.done.Go(func() { a.sweepUntil(a.closing) })
	a.done.Go(func() { a.renewUntil(a.closing) })
}

func (a *Agent) sweepUntil(ctx context.Context) {
	s := &sweeper{agent: a}
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for failed := false; ; {
		err := s.sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failed: // once, not every second of an outage
			a.Logger.WarnContext(ctx, "looking for runs to work on failed", "error", err)
		case err == nil && failed:
			a.Logger.InfoContext(ctx, "looking for runs to work on works again")
		}
		failed = err != nil
		select {
		case <-ticker.C:
		case <-a.swept: // somebody knows that there is something
		case <-ctx.Done():
			return
		}
	}
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
	if a.held.isClosed() {
		return nil // the sweeper of another node, or of the next start, finds it
	}
	due, err := a.Log.Due(ctx, a.Limits.RunsPerOwner, j.RunID, 1)
	if err != nil {
		return err
	}
	if len(due) == 0 || due[0].Epoch != j.Epoch {
		return nil // it has ended, another has it, or it is not its turn
	}
	w, err := a.Log.Claim(ctx, j.RunID, j.Epoch, a.Node)
	if errors.Is(err, eventlog.ErrFenced) {
		return nil
	}
	if err != nil {
		return err
	}
	// The queue does not end the work: HandOver does, in good order.
	a.work(context.WithoutCancel(ctx), w, due[0].OwnerID)
	crashpoint.Here(crashpoint.EndedNotCompleted)
	a.look() // it may be another run's turn now
	return nil
}
