package chatfeed

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mark-analyst/mark/internal/followed"
)

const (
	// channel is where processes tell each other through PostgreSQL that the
	// version of a chat was raised.
	channel = "mark_chat_changes"
	// goneMark stands in the place of the version of a chat that was deleted.
	goneMark = "gone"
	// chatsAtOnce bounds the chats of one look.
	chatsAtOnce = 500
)

// pollVersions looks at the followed chats at every poll, whatever the hints
// say, until ctx ends.
func (f *Feed) pollVersions(ctx context.Context) {
	followed.Poll(ctx, f.poll, f.lookAtAll)
}

// lookAtAll gives every topic the hint that its chat's row holds.
func (f *Feed) lookAtAll(ctx context.Context) {
	for ids := range slices.Chunk(f.topics.IDs(), chatsAtOnce) {
		versions, err := f.versions(ctx, ids)
		if err != nil {
			if ctx.Err() == nil {
				f.logger.WarnContext(ctx, "polling for changes of chats failed", "error", err)
			}
			return
		}
		for _, id := range ids {
			if version, ok := versions[id]; ok {
				f.topics.hint(id, version)
			} else {
				f.topics.vanish(id)
			}
		}
	}
}

// versions reads the versions of chats. A chat that is not there is not in the
// answer.
func (f *Feed) versions(ctx context.Context, ids []string) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	list, err := f.sql.ids(ids)
	if err != nil {
		return nil, err
	}
	rows, err := f.client.QueryContext(ctx, f.sql.versions, list)
	if err != nil {
		return nil, fmt.Errorf("look at the chats: %w", err)
	}
	defer rows.Close()
	versions, err := scanVersions(rows)
	if err != nil {
		return nil, fmt.Errorf("look at the chats: %w", err)
	}
	return versions, nil
}

// take gives a notification to the topic it is for. What it cannot read it
// leaves to the poll.
func (f *Feed) take(payload string) {
	id, what, ok := strings.Cut(payload, " ")
	if !ok {
		return
	}
	if what == goneMark {
		f.topics.vanish(id)
		return
	}
	if version, err := strconv.ParseInt(what, 10, 64); err == nil {
		f.topics.hint(id, version)
	}
}
