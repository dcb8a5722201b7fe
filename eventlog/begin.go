package eventlog

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/mark-analyst/mark/ent"
)

// Begin is Take and the first Append in the transaction that makes the run: entries
// are the first of its log, and the claim, which is the run's first, begins with the
// commit. Where it is not the run's turn nothing is done, and the error is
// ErrFenced. After the commit, and not without it, told must be called, for those
// who follow the run already.
//
// Nobody else writes to the run meanwhile, since nobody else sees it; so there is no
// lane to wait for. Where the commit's outcome is not known nobody works on the run
// until its lease ends.
func (l *Log) Begin(ctx context.Context, tx *ent.Tx, perOwner int, runID, node string, entries ...Entry) (w Writer, told func(), err error) {
	if err := noEnd(entries); err != nil {
		return Writer{}, nil, err
	}
	w = Writer{RunID: runID, Epoch: 1}
	r, err := newRequest(w, entries)
	if err != nil {
		return Writer{}, nil, err
	}
	taken := false
	args := append(append([]any{w.RunID, w.Epoch, node}, l.sql.lease(l.clock.Now())...), perOwner)
	err = changeRows(ctx, tx, l.sql.take, args, func(rows *sql.Rows) error {
		taken = true
		return rows.Scan(new(string))
	})
	if err != nil {
		return Writer{}, nil, fmt.Errorf("claim %s: %w", runID, err)
	}
	if !taken {
		return Writer{}, nil, fmt.Errorf("claim %s: %w", runID, ErrFenced)
	}
	spans := spansOf([]*request{r})
	if err := l.fill(ctx, tx, spans, nil); err != nil {
		return Writer{}, nil, describe(w, err)
	}
	return w, func() { l.topics.publish(w.RunID, spans[0].events) }, nil
}
