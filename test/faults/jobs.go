package main

import (
	"context"
	"time"
)

// jobsTwice puts all jobs into the queue again, as they were and for the claim
// after, several times.
func jobsTwice(ctx context.Context, r *round) error {
	var last int64
	if err := r.db.QueryRowContext(ctx, `SELECT max(id) FROM river.river_job`).Scan(&last); err != nil {
		return err
	}
	added := int64(0)
	for range 5 {
		for _, epochs := range []int{0, 1} {
			done, err := r.db.ExecContext(ctx, `INSERT INTO river.river_job (args, kind, queue, priority, max_attempts, state, scheduled_at)
				SELECT jsonb_set(args, '{epoch}', to_jsonb((args->>'epoch')::int + $2)), kind, queue, priority, max_attempts, 'available', now()
				FROM river.river_job WHERE kind = 'run' AND id <= $1`, last, epochs)
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
	r.note("%d jobs were added", added)
	return nil
}
