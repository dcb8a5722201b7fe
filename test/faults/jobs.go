package main

import (
	"context"
	"errors"
	"time"
)

// jobsTwice puts a job for each run into the queue, for the claim that it has had
// and for the one after, several times. The runs themselves were begun without the
// queue, where their questions arrived.
func jobsTwice(ctx context.Context, r *round) error {
	added := int64(0)
	for range 5 {
		for _, epochs := range []int{0, 1} {
			done, err := r.db.ExecContext(ctx, `INSERT INTO river.river_job (args, kind, queue, priority, max_attempts, state, scheduled_at)
				SELECT jsonb_build_object('run', id, 'epoch', epoch + $1::int), 'run', 'runs', 1, 1, 'available', now() FROM runs`, epochs)
			if err != nil {
				return err
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			added += n
		}
		if err := rest(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	if added == 0 {
		return errors.New("there was no run to add a job for")
	}
	r.note("%d jobs were added", added)
	return nil
}
