package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mark-analyst/mark/ent"
)

// First tells whether a run that is about to be made in tx, after all others of its
// chat, would go on at once, as Take has it, and until when a claim lasts that is
// made with it. The chat's row must be locked, as by numbering the question: then
// nobody makes another run there meanwhile.
func (l *Log) First(ctx context.Context, tx *ent.Tx, perOwner int, chatID, ownerID string) (leaseUntil time.Time, ok bool, err error) {
	leaseUntil = l.clock.Now().Add(LeaseTime)
	until := any(&leaseUntil)
	if !l.sql.postgres {
		until = new(string)
	}
	rows, err := tx.QueryContext(ctx, l.sql.first, chatID, ownerID, perOwner)
	if err != nil {
		return leaseUntil, false, fmt.Errorf("ask whose turn it is: %w", err)
	}
	defer rows.Close()
	if ok = rows.Next(); ok {
		err = rows.Scan(until)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return leaseUntil, false, fmt.Errorf("ask whose turn it is: %w", err)
	}
	return leaseUntil, ok, nil
}

// Begin is the first Append, in the transaction that makes the run: it was just
// made with a claim, whose Epoch is its own, and with as many entries in its
// LastSeq. After the commit, and not without it, told must be called, for those who
// follow the run already.
//
// Nobody else writes to the run meanwhile, since nobody else sees it; so there is no
// fence to pass, and no lane to wait for. Where the commit's outcome is not known
// nobody works on the run until its lease ends.
func (l *Log) Begin(ctx context.Context, tx *ent.Tx, made *ent.Run, entries ...Entry) (told func(), err error) {
	w := Writer{RunID: made.ID, Epoch: made.Epoch}
	if err := noEnd(entries); err != nil {
		return nil, err
	}
	if w.Epoch == 0 || made.LastSeq != len(entries) || made.LeaseUntil == nil {
		return nil, fmt.Errorf("eventlog: %s was not made with a claim and %d entries", made.ID, len(entries))
	}
	r, err := newRequest(w, entries)
	if err != nil {
		return nil, err
	}
	now := l.now()
	events := spansOf([]*request{r})[0].number(nil, made.LastSeq, now)
	if err := l.insert(ctx, tx, events, slices.Repeat([]string{made.OwnerID}, len(events)), now); err != nil {
		return nil, describe(w, err)
	}
	return func() { l.topics.publish(w.RunID, events) }, nil
}
