package main

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/sandbox"
)

// absent is a sandbox that opens nothing.
type absent struct{}

func (absent) Isolation() execution.Isolation { return execution.Isolation{} }
func (absent) Close() error                   { return nil }
func (absent) Open(context.Context, execution.Spec) (execution.Session, error) {
	return nil, &execution.Error{Code: execution.CodeUnavailable, Message: "No sandbox."}
}

var _ sandbox.Provider = absent{}

// The service as it is wired keeps people apart, on every transport. Package
// resolvers tries each id argument of the schema; this is about the wiring.
func TestPeopleAreKeptApart(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("Adas secret"))(c, p)
			p.Sandbox = absent{}
		})
		ada, bob := s.signUp("ada@example.org"), s.signUp("bob@example.org")
		chat, run := ada.ask("", "Adas question")
		ada.answered(run)
		mine := func() reply {
			return ada.do(`{ viewer { id usage { runs { used } tokens { used } } chats(first: 10) { nodes { id title messages(first: 10) { nodes { id parts { ... on TextPart { text } ... on AnswerPart { story } } } } runs(first: 10) { nodes { state steps { id } } } } } } }`, nil)
		}
		before := mine()
		message := before.str("viewer", "chats", "nodes", 0, "messages", "nodes", 0, "id")
		step := before.str("viewer", "chats", "nodes", 0, "runs", "nodes", 0, "steps", 0, "id")

		// answers are all that Bob gets for a set of ids.
		answers := func(user, chat, message, run, step string) []string {
			var out []string
			note := func(r reply) {
				raw, err := json.Marshal([]any{r.status, r.Data, r.Errors})
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, string(raw))
			}
			for _, id := range []string{user, chat, message, run, step} {
				note(bob.try(`query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { __typename id } }`, vars{"id": id}))
			}
			for _, mutation := range []string{
				`updateChat(input: {chatId: $chat, title: "Bobs"}) { chat { id title } errors { ... on UserError { code message } } }`,
				`sendMessage(input: {chatId: $chat, text: "Bobs"}) { chat { id title } errors { ... on UserError { code message } } }`,
				`deleteChat(input: {chatId: $chat}) { deletedChatId errors { ... on UserError { code message } } }`,
				`addSampleDataset(input: {name: "penguins", chatId: $chat}) { dataset { id } errors { ... on UserError { code message } } }`,
			} {
				note(bob.try(`mutation($chat: ID!) { `+mutation+` }`, vars{"chat": chat}))
			}
			note(bob.try(`mutation($run: ID!) { stopRun(input: {runId: $run}) { run { id } errors { ... on UserError { code message } } } }`, vars{"run": run}))
			body, contentType := multipartBody(t, "a.csv", []byte("a,b\n1,2\n"))
			body = bytes.Replace(body, []byte(`"chat":null`), []byte(`"chat":"`+chat+`"`), 1)
			note(bob.send(bob.request(bytes.NewReader(body), contentType)))
			socket := bob.dial()
			defer socket.close()
			socket.subscribe(run, 0)
			refused, err := json.Marshal(socket.receive())
			if err != nil {
				t.Fatal(err)
			}
			return append(out, string(refused))
		}
		foreign := answers(before.str("viewer", "id"), chat, message, run, step)
		missing := answers(ids.New(ids.User), ids.New(ids.Chat), ids.New(ids.Message), ids.New(ids.Run), ids.New(ids.Step))
		for i := range foreign {
			if foreign[i] != missing[i] {
				t.Errorf("answer %d tells another's from none:\n%s\n%s", i, foreign[i], missing[i])
			}
			if strings.Contains(foreign[i], "Adas") || !strings.Contains(foreign[i], "null") && !strings.Contains(foreign[i], "NOT_FOUND") {
				t.Errorf("answer %d: %s", i, foreign[i])
			}
		}
		if after := mine(); !reflect.DeepEqual(after.Data, before.Data) {
			t.Errorf("hers was %v and is %v", before.Data, after.Data)
		}
		if own := bob.do(`{ viewer { chats(first: 10) { totalCount } datasets(first: 10) { totalCount } } }`, nil); own.at("viewer", "chats", "totalCount") != 0.0 || own.at("viewer", "datasets", "totalCount") != 0.0 {
			t.Errorf("Bob has %v", own.Data)
		}

		if used := bob.do(`{ viewer { usage { tokens { used } } } }`, nil); used.at("viewer", "usage", "tokens", "used") != "0" {
			t.Errorf("Bob has used %v", used.Data)
		}

		// A session that has ended is nobody's.
		bob.do(`mutation { signOut(input: {}) { done } }`, nil)
		if r := bob.try(`{ viewer { id } }`, nil); r.code() != "UNAUTHENTICATED" {
			t.Errorf("after signing out: %v %v", r.Data, r.Errors)
		}
		bob.token = ""
		if r := bob.try(`query($id: ID!) { node(id: $id) { id } }`, vars{"id": chat}); r.code() != "UNAUTHENTICATED" {
			t.Errorf("without a token: %v %v", r.Data, r.Errors)
		}
	})
}
