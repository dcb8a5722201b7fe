package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/ids"
)

// Wherever a connection stands, its rules hold before anything is read.
func TestPagesThatTheContractDoesNotHave(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		places := map[string]string{
			"at the top":      `{ viewer { chats(%s archived: false) { nodes { id } } } }`,
			"below a page":    `{ viewer { chats(first: 1) { nodes { messages(%s) { nodes { id } } } } } }`,
			"below a node":    `{ node(id: "` + ada.chat.ID + `") { ... on Chat { messages(%s) { edges { node { id } } } } } }`,
			"in a fragment":   `{ viewer { ...V } } fragment V on User { chats(first: 1) { nodes { ... { runs(%s) { nodes { id } } } } } }`,
			"under an alias":  `{ viewer { chats(first: 1) { nodes { good: messages(first: 1) { totalCount } bad: messages(%s) { totalCount } } } } }`,
			"in a payload":    `mutation { updateChat(input: {chatId: "` + ada.chat.ID + `", title: "new"}) { chat { messages(%s) { nodes { id } } } } }`,
			"many to many":    `{ viewer { chats(first: 1) { nodes { datasets(%s) { nodes { id } } } } } }`,
			"in subscription": `subscription { runEvents(runId: "` + ada.run.ID + `") { ... on RunFinished { run { chat { runs(%s) { nodes { id } } } } } } }`,
		}
		for place, query := range places {
			for _, args := range []string{
				"first: null", "last: null", "first: 0", "first: -1", "first: 101", "first: 2147483647", "first: 2147483648", "first: 9223372036854775807",
				"first: 99999999999999999999", "last: 0", "last: 101", "first: 1, last: 1", `first: 1, before: "x"`, `last: 1, after: "x"`,
				`first: 1, after: ""`, `first: 1, after: "nonsense"`, `first: 1, after: "` + ada.chat.ID + `"`, "first: 1, orderBy: null",
			} {
				var r reply
				statements := b.counted(func() { r = b.ask(ada.token, fmt.Sprintf(query, args+" "), nil) })
				if r.code() != "BAD_USER_INPUT" && r.code() != "GRAPHQL_VALIDATION_FAILED" || len(statements) > 0 {
					t.Errorf("%s with %s: %d statements, %s", place, args, len(statements), r.body)
				}
			}
		}
		if title := b.store.Client.Chat.GetX(t.Context(), ada.chat.ID).Title; title != "ada" {
			t.Errorf("the chat's title became %q", title)
		}
		for _, v := range []vars{{"n": nil}, {}, {"n": 0}, {"n": 101}, {"n": 1 << 40}, {"n": "5"}, {"n": 1.5}, {"n": true}, {"n": []int{1, 2}}} {
			r := b.ask(ada.token, `query($n: Int) { viewer { chats(first: 1) { nodes { messages(first: $n) { nodes { id } } } } } }`, v)
			if r.code() != "BAD_USER_INPUT" && r.code() != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%v: %s", v, r.body)
			}
		}
		for _, good := range []string{
			`query($n: Int, $with: Boolean = false) { viewer { chats(first: 1) { nodes { id messages(first: $n) @include(if: $with) { nodes { id } } } } } }`,
			`query($n: Int, $no: Boolean = true) { viewer { ...V @skip(if: $no) id } } fragment V on User { chats(first: $n) { totalCount } }`,
		} {
			b.do(ada.token, good, nil)
		}
	})
}

// A cursor holds whatever a client has put there.
func TestForgedCursors(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada, bob := b.settle("ada"), b.settle("bob")
		for name, c := range map[string]struct {
			id    string
			value any
		}{
			"a text for a time":       {ids.New(ids.Chat), "2026"},
			"a number for a time":     {ids.New(ids.Chat), 5},
			"no value":                {ids.New(ids.Chat), nil},
			"a list":                  {ids.New(ids.Chat), []any{time.Now()}},
			"a map":                   {ids.New(ids.Chat), map[string]any{"a": 1}},
			"a time beyond all":       {ids.New(ids.Chat), time.Unix(1<<50, 0)},
			"an id that is none":      {"'; DROP TABLE chats; --", time.Now()},
			"an id that is no text":   {"cht_\x00", time.Now()},
			"no id":                   {"", time.Now()},
			"bytes":                   {ids.New(ids.Chat), []byte("x")},
			"a number beyond 64 bits": {ids.New(ids.Chat), uint64(1 << 63)},
		} {
			r := b.ask(ada.token, `query($c: Cursor) { viewer { chats(first: 1, after: $c) { nodes { id } } } }`, vars{"c": forged(c.id, c.value)})
			if r.code() != "BAD_USER_INPUT" {
				t.Errorf("%s: %s", name, r.body)
			}
			inner := b.ask(ada.token, `query($c: Cursor) { viewer { chats(first: 1) { nodes { messages(first: 1, after: $c) { nodes { id } } datasets(first: 1, after: $c, orderBy: {field: NAME}) { nodes { id } } } } } }`, vars{"c": forged(c.id, c.value)})
			if inner.code() != "BAD_USER_INPUT" {
				t.Errorf("%s, below: %s", name, inner.body)
			}
		}
		// A good cursor of somebody else's is a place in the order and shows
		// nothing of theirs.
		theirs := b.do(ada.token, `{ viewer { chats(first: 1, orderBy: {field: CREATED_AT}) { edges { cursor } } } }`, nil).str("viewer", "chats", "edges", 0, "cursor")
		r := b.do(bob.token, `query($c: Cursor) { viewer { chats(first: 100, after: $c, orderBy: {field: CREATED_AT}) { nodes { title } } } }`, vars{"c": theirs})
		if given := ada.gives(r.body, ""); len(given) > 0 {
			t.Errorf("%v of another's: %s", given, r.body)
		}
	})
}

// forged is a cursor as entgql writes it.
func forged(id string, value any) string {
	var quoted strings.Builder
	ent.Cursor{ID: id, Value: value}.MarshalGQL(&quoted)
	return strings.Trim(quoted.String(), `"`)
}
