package agent

import (
	"context"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
)

// goBefore has a run that is about to be stored, of a question that was asked
// earlier, be seen by all that take runs of its chat: where others wait for their
// turn, those may be later in the order. A node that is taking one of them goes by
// what it saw when it began, on PostgreSQL, and may have seen no other run. Either
// it comes first, and this waits for it here; or it finds that the claim it wants
// to make has been made, and whoever tries the next one sees this run.
//
// Whoever ends a run has its row and wants the chat's, which is locked here already:
// hence nothing but the waiting runs, which no one works on. A claim counts as a
// loss of its node unless it was handed over.
func (a *Agent) goBefore(ctx context.Context, tx *ent.Tx, r *ent.Run) error {
	err := tx.Run.Update().
		Where(run.ChatID(r.ChatID), run.IDNEQ(r.ID), run.StateEQ(run.StateQueued),
			run.Or(run.LeaseUntilIsNil(), run.LeaseUntilLTE(a.Clock.Now()))).
		AddEpoch(1).AddHandovers(1).Exec(ctx)
	if err != nil {
		return fmt.Errorf("go before the runs that wait: %w", err)
	}
	return nil
}
