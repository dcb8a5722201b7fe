package resolvers_test

import (
	"reflect"
	"strings"
	"testing"
)

// Lengths are counted in characters, and every text that fits is taken, on
// both databases.
func TestTextsThatFit(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		wide := func(n int) string { return strings.Repeat("𝒜", n) }
		chat := b.mutate(ada.token, "createChat", "chat { id title }", vars{"title": wide(200)})
		if chat.at("createChat", "chat", "title") != wide(200) {
			t.Errorf("createChat: %s\n%s", chat.body, b.log)
		}
		for _, c := range []struct {
			mutation, of, value string
			input               vars
			path                []any
		}{
			{"updateChat", "chat { title }", wide(200), vars{"chatId": ada.chat.ID, "title": wide(200)}, []any{"chat", "title"}},
			{"updateChat", "chat { title }", "a b", vars{"chatId": ada.chat.ID, "title": " a\x00\n\u200b b\u202e "}, []any{"chat", "title"}},
			{"updateDataset", "dataset { name }", wide(200), vars{"datasetId": ada.dataset.ID, "name": wide(200)}, []any{"dataset", "name"}},
			{"updateDataset", "dataset { description }", wide(4000), vars{"datasetId": ada.dataset.ID, "description": wide(4000)}, []any{"dataset", "description"}},
			{"updateDataset", "dataset { columns { description } }", wide(1000), vars{"datasetId": ada.dataset.ID, "columns": column("ada0", wide(1000))}, []any{"dataset", "columns", 0, "description"}},
			{"sendMessage", "message { parts { ... on TextPart { text } } }", wide(20_000), vars{"text": wide(20_000)}, []any{"message", "parts", 0, "text"}},
			{"sendMessage", "message { parts { ... on TextPart { text } } } clientMutationId", "a", vars{"text": "a\x00", "clientMutationId": "\x00"}, []any{"message", "parts", 0, "text"}},
			{"sendMessage", "clientMutationId", strings.Repeat("x", 200), vars{"text": "a", "clientMutationId": strings.Repeat("x", 200)}, []any{"clientMutationId"}},
		} {
			r := b.mutate(ada.token, c.mutation, c.of, c.input)
			if len(r.Errors) > 0 || len(r.at(c.mutation, "errors").([]any)) > 0 || r.at(append([]any{c.mutation}, c.path...)...) != c.value {
				t.Errorf("%s %.80v: %.500s\n%s", c.mutation, c.input, r.body, b.log)
			}
		}
		for _, search := range []string{"\x00", "%", "_", `\`, "'", "ADA", "𝒜"} {
			r := b.ask(ada.token, `query($s: String) { viewer { chats(first: 9, search: $s) { totalCount } datasets(first: 9, search: $s) { totalCount } } }`, vars{"s": search})
			if len(r.Errors) > 0 {
				t.Errorf("search for %q: %s\n%s", search, r.body, b.log)
			}
			if n := r.at("viewer", "chats", "totalCount"); (search == "ADA" || search == "𝒜") == (n == 0.0) {
				t.Errorf("search for %q finds %v", search, n)
			}
		}
	})
}

// What is asked twice happens once; what is gone is gone for every call.
func TestRepetitionsAndDeletions(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		release := b.model.hold()
		defer release()
		twice := []string{ada.dataset.ID, ada.dataset.ID}
		const datasets = `datasets(first: 9) { totalCount nodes { id } }`
		for _, r := range []reply{
			b.mutate(ada.token, "createChat", "chat { "+datasets+" }", vars{"datasetIds": twice}),
			b.mutate(ada.token, "updateChat", "chat { "+datasets+" }", vars{"chatId": ada.chat.ID, "datasetIds": twice}),
			b.mutate(ada.token, "sendMessage", "chat { "+datasets+" }", vars{"text": "?", "datasetIds": twice}),
			b.mutate(ada.token, "sendMessage", "chat { "+datasets+" }", vars{"text": "?", "chatId": ada.chat.ID, "datasetIds": twice}),
		} {
			for _, payload := range r.Data {
				if n := (reply{t: t, body: r.body, Data: payload.(map[string]any)}).at("chat", "datasets", "totalCount"); n != 1.0 {
					t.Errorf("%v datasets: %s", n, r.body)
				}
			}
		}
		if r := b.mutate(ada.token, "updateChat", "chat { "+datasets+" }", vars{"chatId": ada.chat.ID, "datasetIds": []string{}}); r.at("updateChat", "chat", "datasets", "totalCount") != 0.0 {
			t.Errorf("none: %s", r.body)
		}
		const sent = `chat { id title messages(first: 5) { nodes { id seq run { id } attachments { id } } } activeRun { id } } message { id } run { id state message { id } chat { id } }`
		once := b.mutate(ada.token, "sendMessage", sent, vars{"text": "one question", "clientMutationId": "1", "datasetIds": twice})
		again := b.mutate(ada.token, "sendMessage", sent, vars{"text": "one question", "clientMutationId": "1", "datasetIds": twice})
		for _, path := range [][]any{{"chat", "id"}, {"message", "id"}, {"run", "id"}, {"chat", "messages", "nodes"}, {"run", "message", "id"}} {
			path = append([]any{"sendMessage"}, path...)
			if one, two := once.at(path...), again.at(path...); one == nil || !reflect.DeepEqual(one, two) {
				t.Errorf("%v is %v and then %v", path, one, two)
			}
		}
		if once.str("sendMessage", "message", "id") != once.str("sendMessage", "chat", "messages", "nodes", 0, "id") ||
			once.str("sendMessage", "run", "id") != once.str("sendMessage", "chat", "messages", "nodes", 0, "run", "id") ||
			once.str("sendMessage", "run", "id") != once.str("sendMessage", "chat", "activeRun", "id") {
			t.Errorf("sent: %s", once.body)
		}
		release()
		for range 2 { // deleting and deleting again
			deleted := b.mutate(ada.token, "deleteChat", "deletedChatId", vars{"chatId": ada.chat.ID})
			gone := b.mutate(ada.token, "deleteDataset", "deletedDatasetId", vars{"datasetId": ada.dataset.ID})
			if len(deleted.Errors)+len(gone.Errors) > 0 {
				t.Errorf("%s %s\n%s", deleted.body, gone.body, b.log)
			}
		}
		r := b.do(ada.token, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": []string{
			ada.chat.ID, ada.dataset.ID, ada.run.ID, ada.question.ID, ada.answer.ID, ada.step.ID, ada.artifact.ID, ada.user.ID, ada.user.ID,
		}})
		for i, n := range r.at("nodes").([]any) {
			if (n == nil) != (i < 7) {
				t.Errorf("node %d after the deletion: %v", i, n)
			}
		}
		for mutation, input := range map[string]vars{
			"updateChat": {"chatId": ada.chat.ID, "title": "x"}, "deleteChat": {"chatId": ada.chat.ID}, "sendMessage": {"text": "?", "chatId": ada.chat.ID},
			"stopRun": {"runId": ada.run.ID}, "updateDataset": {"datasetId": ada.dataset.ID}, "deleteDataset": {"datasetId": ada.dataset.ID},
			"createChat": {"datasetIds": []string{ada.dataset.ID}}, "addSampleDataset": {"name": "penguins", "chatId": ada.chat.ID},
		} {
			if r := b.mutate(ada.token, mutation, "__typename", input); r.str(mutation, "errors", 0, "__typename") != "NotFoundError" {
				t.Errorf("%s: %s", mutation, r.body)
			}
		}
		if n := b.store.Client.Chat.Query().CountX(t.Context()); n < 3 {
			t.Errorf("of the other chats %d are left", n)
		}
	})
}
