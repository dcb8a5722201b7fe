package datasets

import (
	"context"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/sweep"
)

// Job asks a node to profile a dataset.
type Job struct {
	DatasetID string `json:"dataset"`
	OwnerID   string `json:"owner"`
	Epoch     int    `json:"epoch"` // that the claim is to set
	// Again tells a job from an earlier one for the same claim, which is lost.
	Again int `json:"again,omitempty"`
}

// Kind is the job's name in the queue.
func (Job) Kind() string { return "profile" }

// Queue gives jobs to the nodes, this one among them: see package dispatch. It may
// lose them, and give them twice.
type Queue interface {
	Enqueue(ctx context.Context, jobs ...Job) error
}

const (
	// sweepEvery is how often a node looks for datasets that wait and have no job.
	sweepEvery = 2 * time.Second
	// sweepAtOnce is how many of them it looks at. Those behind them wait longer.
	sweepAtOnce = 500
	// ownJob is how long an upload has for enqueueing its own job, which comes
	// before those that are found.
	ownJob = time.Second
	// enqueueTime bounds it.
	enqueueTime = 3 * time.Second
)

// enqueue has a dataset profiled that waits, also when whoever brought it has gone.
func (s *Service) enqueue(ctx context.Context, d *ent.Dataset) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTime)
	defer cancel()
	if err := s.queue.Enqueue(limited, Job{DatasetID: d.ID, OwnerID: d.OwnerID, Epoch: d.ProfileEpoch + 1}); err != nil {
		s.logger.WarnContext(ctx, "a dataset's profiling could not be enqueued; it is found later", "dataset", d.ID, "error", err)
	}
}

// Start looks for what waits to be profiled, now and from now on, until Close:
// what the service took in and did not enqueue before it died, what was being
// profiled when its node died or was shut down, and, once, what FAILED for want of
// a sandbox. It needs no viewer.
func (s *Service) Start() {
	w := &sweeper{service: s, started: s.clock.Now()}
	loop := sweep.Loop{Look: w.sweep, Every: sweepEvery, What: "looking for datasets to profile", Logger: s.logger}
	ctx := auth.System(s.ctx, "find datasets that wait to be profiled")
	s.sweeping.Go(func() { loop.Run(ctx) })
}

// sweeper finds what waits for a node and has no job.
type sweeper struct {
	service *Service
	started time.Time
	revived bool // what waited for the start is PENDING
	lost    sweep.Lost[Job]
}

// sweep enqueues what waits.
func (w *sweeper) sweep(ctx context.Context) error {
	s := w.service
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	if !w.revived {
		if err := s.revive(ctx, w.started, now); err != nil {
			return err
		}
		w.revived = true
	}
	left, err := s.client.Dataset.Query().
		Where(due(now), dataset.Or(dataset.StateNEQ(dataset.StatePending), dataset.CreatedAtLT(s.clock.Now().Add(-ownJob)))).
		Order(dataset.ByCreatedAt(), dataset.ByID()).Limit(sweepAtOnce).
		Select(dataset.FieldID, dataset.FieldOwnerID, dataset.FieldProfileEpoch).
		All(ctx)
	if err != nil {
		return fmt.Errorf("find datasets that are not profiled: %w", err)
	}
	jobs := make([]Job, len(left))
	for i, d := range left {
		jobs[i] = Job{DatasetID: d.ID, OwnerID: d.OwnerID, Epoch: d.ProfileEpoch + 1}
	}
	again := w.lost.Look(time.Now(), jobs, s.limits.Profiles-s.held.count())
	for i := range jobs {
		jobs[i].Again = again[i]
	}
	return s.background.Enqueue(ctx, jobs...)
}

// revive has done again what a start is the occasion for. What came after it and has
// failed already met the sandbox that there is: once more would find no other, and
// who has seen FAILED would see PENDING.
func (s *Service) revive(ctx context.Context, started, now time.Time) error {
	if _, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(dataset.StateEQ(dataset.StateFailed), dataset.ErrorCode(string(profile.Unavailable)), dataset.CreatedAtLT(started)).
			SetState(dataset.StatePending).ClearErrorCode().ClearErrorMessage()
	}); err != nil {
		return fmt.Errorf("take up datasets that failed for want of a sandbox: %w", err)
	}
	if s.postgres {
		return nil
	}
	// On SQLite the service is one process: whatever was held when it started was
	// held by one that has died. What this one has begun since is its own.
	s.claiming.Lock()
	defer s.claiming.Unlock()
	if _, err := s.update(ctx, func(u *ent.DatasetUpdate) {
		u.Where(dataset.StateEQ(dataset.StateProfiling), dataset.ProfilingUntilGT(now), dataset.IDNotIn(s.held.ids()...)).
			SetProfilingUntil(now)
	}); err != nil {
		return fmt.Errorf("take up datasets whose profiling was cut off: %w", err)
	}
	return nil
}
