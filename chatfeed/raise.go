package chatfeed

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/ent"
)

// raiser raises the versions of all chats that a transaction changes with one
// statement, right before it commits: later than everything else, so that the
// rows of chats, which many want, are locked for the shortest time and after the
// rows of runs.
type raiser struct {
	feed *Feed
	next ent.Committer
	ids  []string
}

// changes makes the transaction raise the versions of chats.
func (f *Feed) changes(tx *ent.Tx, chatIDs []string) {
	if len(chatIDs) == 0 {
		return
	}
	tx.OnCommit(func(next ent.Committer) ent.Committer {
		// Ent makes a chain of what was registered; links of this kind become one.
		if r, ok := next.(*raiser); ok && r.feed == f {
			r.ids = append(r.ids, chatIDs...)
			return r
		}
		return &raiser{feed: f, next: next, ids: append([]string(nil), chatIDs...)}
	})
}

// Commit implements ent.Committer.
func (r *raiser) Commit(ctx context.Context, tx *ent.Tx) error {
	versions, err := r.feed.raise(ctx, tx, r.ids)
	if err != nil {
		// Who commits does not roll back.
		return errors.Join(err, tx.Rollback())
	}
	if err := r.next.Commit(ctx, tx); err != nil {
		return err
	}
	for id, version := range versions {
		r.feed.topics.hint(id, version)
	}
	return nil
}

// raise raises the versions of chats, which stay locked until the transaction
// ends, and tells the other processes. A chat that is not there has none.
func (f *Feed) raise(ctx context.Context, tx *ent.Tx, chatIDs []string) (map[string]int64, error) {
	list, err := f.sql.ids(chatIDs)
	if err != nil {
		return nil, err
	}
	args := []any{list}
	if f.sql.notify != "" {
		args = append(args, channel)
	}
	rows, err := tx.QueryContext(ctx, f.sql.raise, args...)
	if err != nil {
		return nil, fmt.Errorf("raise the version of a chat: %w", err)
	}
	defer rows.Close()
	versions, err := scanVersions(rows)
	if err != nil {
		return nil, fmt.Errorf("raise the version of a chat: %w", err)
	}
	return versions, nil
}
