package chatfeed_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
)

// What a look reads of a chat it finds by indexes that have no more than that:
// nothing is gone through that grows with the chat. SQLite has no statistics to
// choose by, so its plans are those of any chat.
func TestLooksDoNotGrowWithTheChat(t *testing.T) {
	s := *databases.SQLite(t)
	var queries []string
	s.Client = ent.NewClient(ent.Driver(dialect.DebugWithContext(entsql.OpenDB(s.Dialect, s.DB), func(_ context.Context, v ...any) {
		text, _ := v[0].(string)
		if _, query, ok := strings.Cut(text, "query="); ok {
			query, _, _ = strings.Cut(query, " args=")
			queries = append(queries, query)
		}
	})))
	n := newNode(t, &s, "", never)
	c := n.newChat()
	_, r := n.ask(c)
	f := n.follow(c)
	expect[chatfeed.Snapshot](f)
	n.end(c, r)
	queries = nil
	expect[chatfeed.MessageAdded](f)
	var used []string
	for _, query := range queries {
		for _, step := range plan(t, s.DB, query) {
			if !strings.HasPrefix(step, "USE TEMP B-TREE") {
				used = append(used, step)
			}
		}
	}
	want := []string{
		"SEARCH chats USING INDEX sqlite_autoindex_chats_1 (id=?)",
		"SEARCH t1 USING COVERING INDEX sqlite_autoindex_chat_datasets_1 (chat_id=?)",
		"SEARCH datasets USING INDEX sqlite_autoindex_datasets_1 (id=?)",
		"SEARCH runs USING INDEX run_chat_id_active (chat_id=?)",
		"SEARCH messages USING INDEX message_chat_id_seq (chat_id=? AND seq>?)",
		"SEARCH messages USING INDEX message_chat_id_version (chat_id=? AND version>?)",
		"MULTI-INDEX OR", "INDEX 1", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)",
		"INDEX 2", "SEARCH runs USING INDEX runs_answer_id_key (answer_id=?)",
		"SEARCH messages USING INDEX sqlite_autoindex_messages_1 (id=?)",
	}
	if !slices.Equal(used, want) {
		t.Errorf("a look does\n%s\nwant\n%s", strings.Join(used, "\n"), strings.Join(want, "\n"))
	}
}

// plan is what SQLite makes of a query.
func plan(t *testing.T, db *sql.DB, query string) (steps []string) {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		must(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	must(t, rows.Err())
	return steps
}
