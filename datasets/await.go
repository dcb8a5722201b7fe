package datasets

import (
	"context"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/fault"
)

// awaitPoll is how often Await looks without being told: another node may be the
// one that profiles.
const awaitPoll = time.Second

// Await returns when none of the viewer's datasets of these ids is waiting for,
// or in, profiling: each is READY, FAILED, deleted or was never there. After
// Limits.AwaitTime it returns a fault UNAVAILABLE.
func (s *Service) Await(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	tooLong := time.NewTimer(s.limits.AwaitTime)
	defer tooLong.Stop()
	poll := time.NewTicker(awaitPoll)
	defer poll.Stop()
	for {
		// Before looking: what changes from here on is told.
		changed := s.held.nextChange()
		busy, err := s.client.Dataset.Query().
			Where(dataset.IDIn(ids...), dataset.StateIn(dataset.StatePending, dataset.StateProfiling)).
			Exist(ctx)
		if err != nil {
			return fmt.Errorf("wait for datasets: %w", err)
		}
		if !busy {
			return nil
		}
		select {
		case <-changed:
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for datasets: %w", ctx.Err())
		case <-tooLong.C:
			return fault.New(fault.Unavailable, "A dataset is still being read. Ask again when it is ready.")
		}
	}
}
