package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
)

// A snapshot's messages are those up to it, in pages from which the chat's own lead
// on; a message that changes is told of, however old.
func TestChatEvents(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		chat := b.newChat(ada, 0)
		var messages []*ent.Message
		for i := range 5 {
			messages = append(messages, b.newMessage(ada, chat, message.RoleUser, agent.Part{Text: &agent.Text{Text: fmt.Sprint(i)}}))
		}
		change := func(int) {
			ctx := auth.WithViewer(t.Context(), auth.Viewer{UserID: ada.user.ID})
			tx, err := b.agent.Client.Tx(ctx)
			must(t, err)
			must(t, tx.Message.UpdateOne(messages[0]).SetParts(encode([]agent.Part{{Text: &agent.Text{Text: "edited"}}})).Exec(ctx))
			must(t, tx.Commit())
		}
		body, err := json.Marshal(map[string]any{"query": `subscription($chat: ID!) { chatEvents(chatId: $chat) { __typename version
			... on ChatSnapshot { messages(last: 2) { nodes { seq } totalCount pageInfo { hasPreviousPage startCursor } } }
			... on MessageChanged { message { seq parts { ... on TextPart { text } } } } } }`, "variables": vars{"chat": chat.ID}})
		must(t, err)
		got := b.exchange(ada.token, body, "application/json", "text/event-stream", events(2, change))
		var told []map[string]any
		for line := range strings.Lines(got.body) {
			if data, ok := strings.CutPrefix(line, "data:"); ok {
				var payload struct{ Data map[string]map[string]any }
				must(t, json.Unmarshal([]byte(data), &payload))
				told = append(told, payload.Data["chatEvents"])
			}
		}
		if len(told) != 2 || told[0]["__typename"] != "ChatSnapshot" || told[1]["__typename"] != "MessageChanged" {
			t.Fatalf("told %v", told)
		}
		page := reply{t: t, body: got.body, Data: told[0]}
		if page.at("messages", "nodes", 0, "seq") != 4.0 || page.at("messages", "totalCount") != 5.0 || page.at("messages", "pageInfo", "hasPreviousPage") != true {
			t.Errorf("the snapshot is %v", told[0])
		}
		before := b.do(ada.token, `query($id: ID!, $c: Cursor) { node(id: $id) { ... on Chat { messages(last: 2, before: $c) { nodes { seq } } } } }`,
			vars{"id": chat.ID, "c": page.at("messages", "pageInfo", "startCursor")})
		if before.at("node", "messages", "nodes", 0, "seq") != 2.0 || before.at("node", "messages", "nodes", 1, "seq") != 3.0 {
			t.Errorf("before the snapshot's page is %s", before.body)
		}
		changed := reply{t: t, body: got.body, Data: told[1]}
		if changed.at("message", "seq") != 1.0 || changed.at("message", "parts", 0, "text") != "edited" {
			t.Errorf("a change is told as %v", told[1])
		}
	})
}
