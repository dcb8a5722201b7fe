package datasets

import (
	"context"
	"fmt"
	"slices"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent/dataset"
)

// job is a dataset to be profiled.
type job struct {
	id, owner string
	ctx       context.Context //nolint:containedctx // of the work, not of who asked for it
	cancel    context.CancelFunc
}

// enqueue has a dataset profiled, unless it is being or going to be.
func (s *Service) enqueue(id, owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[id] != nil {
		return
	}
	j := &job{id: id, owner: owner}
	j.ctx, j.cancel = context.WithCancel(auth.WithViewer(s.ctx, auth.Viewer{UserID: owner}))
	s.jobs[id] = j
	s.queue = append(s.queue, j)
	s.wake()
}

// wake is called with mu held.
func (s *Service) wake() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// work profiles one dataset after the other until the service is closed.
func (s *Service) work() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.arrived:
		}
		if j := s.take(); j != nil {
			s.profile(j)
			s.end(j)
		}
	}
}

// take returns the next job, and wakes another worker if there are more.
func (s *Service) take() *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil
	}
	j := s.queue[0]
	s.queue = slices.Delete(s.queue, 0, 1)
	s.wake()
	return j
}

// end forgets a job and tells who awaits it.
func (s *Service) end(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.cancel()
	delete(s.jobs, j.id)
	close(s.changed)
	s.changed = make(chan struct{})
}

// cancel ends the profiling of a dataset that is no more.
func (s *Service) cancel(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil {
		j.cancel()
	}
}

// Resume has everything profiled that was left PENDING or PROFILING, or that
// FAILED for want of a sandbox, by a process that has ended. It is for the
// start, and needs no viewer.
func (s *Service) Resume(ctx context.Context) error {
	ctx = auth.System(ctx, "take up the profiling of datasets again")
	left, err := s.client.Dataset.Query().
		Where(dataset.Or(
			dataset.StateIn(dataset.StatePending, dataset.StateProfiling),
			dataset.And(dataset.StateEQ(dataset.StateFailed), dataset.ErrorCode(string(profile.Unavailable))),
		)).
		Order(dataset.ByCreatedAt()).
		Select(dataset.FieldID, dataset.FieldOwnerID).
		All(ctx)
	if err != nil {
		return fmt.Errorf("find datasets that are not profiled: %w", err)
	}
	for _, d := range left {
		s.enqueue(d.ID, d.OwnerID)
	}
	if len(left) > 0 {
		s.logger.InfoContext(ctx, "profiling datasets that were left over", "count", len(left))
	}
	return nil
}
