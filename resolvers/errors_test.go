package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mark-analyst/mark/internal/ids"
)

const problemFields = `errors { __typename ... on UserError { code message field } }`

// mutate calls a mutation and returns its payload.
func (b *bench) mutate(token, name, selection string, input vars) reply {
	b.t.Helper()
	title := strings.ToUpper(name[:1]) + name[1:]
	return b.ask(token, `mutation($in: `+title+`Input!) { `+name+`(input: $in) { `+selection+` `+problemFields+` } }`, vars{"in": input})
}

// What a person can act on comes as data, in a type of the mutation's own union,
// with the field at fault; and beside it nothing has changed.
func TestExpectedFailuresAreData(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		long := func(n int) string { return strings.Repeat("猫", n) }
		chat, dataset, run := ids.New(ids.Chat), ids.New(ids.Dataset), ids.New(ids.Run)
		for _, c := range []struct {
			mutation, of string
			input        vars
			typ, field   string
		}{
			{"createChat", "chat { id }", vars{"title": long(201)}, "InvalidInputError", "title"},
			{"createChat", "chat { id }", vars{"datasetIds": []string{ada.dataset.ID, dataset}}, "NotFoundError", "datasetIds"},
			{"createChat", "chat { id }", vars{"datasetIds": []string{ada.chat.ID}}, "NotFoundError", "datasetIds"},
			{"createChat", "chat { id }", vars{"datasetIds": many(51)}, "LimitExceededError", "datasetIds"},
			{"updateChat", "chat { id }", vars{"chatId": ada.chat.ID, "title": ""}, "InvalidInputError", "title"},
			{"updateChat", "chat { id }", vars{"chatId": ada.chat.ID, "title": " \u200b\n "}, "InvalidInputError", "title"},
			{"updateChat", "chat { id }", vars{"chatId": ada.chat.ID, "title": long(201)}, "InvalidInputError", "title"},
			{"updateChat", "chat { id }", vars{"chatId": chat, "title": "new"}, "NotFoundError", "chatId"},
			{"updateChat", "chat { id }", vars{"chatId": chat}, "NotFoundError", "chatId"},
			{"updateChat", "chat { id }", vars{"chatId": ada.run.ID}, "NotFoundError", "chatId"},
			{"updateChat", "chat { id }", vars{"chatId": ada.chat.ID, "title": "new", "datasetIds": []string{dataset}}, "NotFoundError", "datasetIds"},
			{"updateChat", "chat { id }", vars{"chatId": ada.chat.ID, "title": "new", "datasetIds": many(51)}, "LimitExceededError", "datasetIds"},
			{"deleteChat", "deletedChatId", vars{"chatId": chat}, "NotFoundError", "chatId"},
			{"deleteChat", "deletedChatId", vars{"chatId": ada.question.ID}, "NotFoundError", "chatId"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": ""}, "InvalidInputError", "text"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": " \n\u200b"}, "InvalidInputError", "text"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": long(20_001)}, "LimitExceededError", "text"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "chatId": chat}, "NotFoundError", "chatId"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "chatId": ""}, "NotFoundError", "chatId"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "datasetIds": []string{dataset}}, "NotFoundError", "datasetIds"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "chatId": ada.chat.ID, "datasetIds": []string{ada.dataset.ID, dataset}}, "NotFoundError", "datasetIds"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "datasetIds": many(51)}, "LimitExceededError", "datasetIds"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "model": "unheard-of"}, "InvalidInputError", "model"},
			{"sendMessage", "chat { id } message { id } run { id }", vars{"text": "?", "clientMutationId": long(201)}, "InvalidInputError", "clientMutationId"},
			{"stopRun", "run { id }", vars{"runId": run}, "NotFoundError", "runId"},
			{"stopRun", "run { id }", vars{"runId": ada.chat.ID}, "NotFoundError", "runId"},
			{"retryRun", "run { id }", vars{"runId": run}, "NotFoundError", "runId"},
			{"retryRun", "run { id }", vars{"runId": ada.run.ID, "model": "unheard-of"}, "InvalidInputError", "model"},
			{"retryRun", "run { id }", vars{"runId": ada.running.ID, "model": "idle"}, "ConflictError", "runId"},
			{"editStep", "run { id }", vars{"stepId": ids.New(ids.Step), "code": "1"}, "NotFoundError", "stepId"},
			{"editStep", "run { id }", vars{"stepId": ada.step.ID, "code": " "}, "InvalidInputError", "code"},
			{"editStep", "run { id }", vars{"stepId": ada.step.ID, "code": long(100_001)}, "LimitExceededError", "code"},
			{"decideApproval", "run { id } approval { id }", vars{"approvalId": ids.New(ids.Approval), "decision": "APPROVE"}, "NotFoundError", "approvalId"},
			{"decideApproval", "run { id } approval { id }", vars{"approvalId": ada.approval.ID, "decision": "REJECT"}, "ConflictError", "approvalId"},
			{"decideApproval", "run { id } approval { id }", vars{"approvalId": ada.approval.ID, "decision": "REJECT", "note": long(2_001)}, "InvalidInputError", "note"},
			{"answerQuestion", "run { id }", vars{"runId": run, "text": "x"}, "NotFoundError", "runId"},
			{"answerQuestion", "run { id }", vars{"runId": ada.running.ID, "text": "x"}, "ConflictError", "runId"},
			{"answerQuestion", "run { id }", vars{"runId": ada.running.ID, "text": " "}, "InvalidInputError", "text"},
			{"answerQuestion", "run { id }", vars{"runId": ada.running.ID, "text": long(20_001)}, "LimitExceededError", "text"},
			{"branchChat", "chat { id }", vars{"chatId": chat, "messageId": ada.question.ID}, "NotFoundError", "chatId"},
			{"branchChat", "chat { id }", vars{"chatId": ada.chat.ID, "messageId": ids.New(ids.Message)}, "NotFoundError", "messageId"},
			{"addSampleDataset", "dataset { id }", vars{"name": "unheard-of"}, "NotFoundError", "name"},
			{"addSampleDataset", "dataset { id }", vars{"name": "penguins", "chatId": chat}, "NotFoundError", "chatId"},
			{"addBigQueryTable", "dataset { id }", vars{"project": "", "dataset": "d", "table": "t"}, "InvalidInputError", "project"},
			{"addBigQueryTable", "dataset { id }", vars{"project": "p", "dataset": "\x00", "table": "t"}, "InvalidInputError", "dataset"},
			{"addBigQueryTable", "dataset { id }", vars{"project": "p", "dataset": "d", "table": "events_*"}, "InvalidInputError", "table"},
			{"addBigQueryTable", "dataset { id }", vars{"project": "p", "dataset": "d", "table": "t", "connection": "unheard-of"}, "NotFoundError", "connection"},
			{"addBigQueryTable", "dataset { id }", vars{"project": "p", "dataset": "d", "table": "t", "chatId": chat}, "NotFoundError", "chatId"},
			{"refreshDataset", "dataset { id }", vars{"datasetId": dataset}, "NotFoundError", "datasetId"},
			{"refreshDataset", "dataset { id }", vars{"datasetId": ada.chat.ID}, "NotFoundError", "datasetId"},
			{"updateDataset", "dataset { id }", vars{"datasetId": dataset}, "NotFoundError", "datasetId"},
			{"updateDataset", "dataset { id }", vars{"datasetId": dataset, "name": "new"}, "NotFoundError", "datasetId"},
			{"updateDataset", "dataset { id }", vars{"datasetId": ada.dataset.ID, "name": ""}, "InvalidInputError", "name"},
			{"updateDataset", "dataset { id }", vars{"datasetId": ada.dataset.ID, "name": long(201)}, "InvalidInputError", "name"},
			{"updateDataset", "dataset { id }", vars{"datasetId": ada.dataset.ID, "description": long(4001)}, "InvalidInputError", "description"},
			{"updateDataset", "dataset { id }", vars{"datasetId": ada.dataset.ID, "name": "new", "columns": column("other", "x")}, "NotFoundError", "columns"},
			{"updateDataset", "dataset { id }", vars{"datasetId": ada.dataset.ID, "name": "new", "columns": column("\x00", "x")}, "NotFoundError", "columns"},
			{"updateDataset", "dataset { id }", vars{"datasetId": ada.dataset.ID, "name": "new", "columns": append(column("ada0", "new"), column("ada1", long(1001))...)}, "InvalidInputError", "columns"},
			{"deleteDataset", "deletedDatasetId", vars{"datasetId": dataset}, "NotFoundError", "datasetId"},
			{"deleteDataset", "deletedDatasetId", vars{"datasetId": ada.chat.ID}, "NotFoundError", "datasetId"},
		} {
			before := b.dump(ada)
			r := b.mutate(ada.token, c.mutation, c.of, c.input)
			if len(r.Errors) > 0 {
				t.Errorf("%s %.100v: %s\n%s", c.mutation, c.input, r.body, b.log)
				continue
			}
			payload := r.at(c.mutation).(map[string]any)
			for name, v := range payload {
				if name != "errors" && v != nil {
					t.Errorf("%s %.100v: %s is %v", c.mutation, c.input, name, v)
				}
			}
			errs := payload["errors"].([]any)
			if len(errs) != 1 {
				t.Errorf("%s %.100v: errors %v", c.mutation, c.input, errs)
				continue
			}
			got := errs[0].(map[string]any)
			if got["__typename"] != c.typ || got["field"] != c.field || got["code"] != codes[c.typ] || got["message"] == "" {
				t.Errorf("%s %.100v: %v, want %s about %s", c.mutation, c.input, got, c.typ, c.field)
			}
			if after := b.dump(ada); after != before {
				t.Errorf("%s %.100v changed\n%s\nto\n%s", c.mutation, c.input, before, after)
			}
		}
	})
}

// codes are what the types of failures carry.
var codes = map[string]string{
	"InvalidInputError": "BAD_USER_INPUT", "NotFoundError": "NOT_FOUND", "LimitExceededError": "LIMIT_EXCEEDED",
	"InvalidCredentialsError": "INVALID_CREDENTIALS", "EmailTakenError": "EMAIL_TAKEN", "ConflictError": "CONFLICT",
}

func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = ids.New(ids.Dataset)
	}
	return out
}

func column(name, description string) []any {
	return []any{vars{"name": name, "description": description}}
}

func TestFailuresOfAccounts(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const of = `session { accessToken refreshToken user { id email name } }`
		good := b.mutate("", "signUp", of, vars{"email": " Eve@Example.org ", "password": "correct horse", "name": "Eve"})
		if good.str("signUp", "session", "user", "email") != "eve@example.org" || len(good.at("signUp", "errors").([]any)) > 0 {
			t.Fatal(good.body)
		}
		access, refresh := good.str("signUp", "session", "accessToken"), good.str("signUp", "session", "refreshToken")
		for _, c := range []struct {
			mutation   string
			input      vars
			typ, field string
		}{
			{"signUp", vars{"email": "eve@example.org", "password": "correct horse"}, "EmailTakenError", "email"},
			{"signUp", vars{"email": "", "password": "correct horse"}, "InvalidInputError", "email"},
			{"signUp", vars{"email": "no address", "password": "correct horse"}, "InvalidInputError", "email"},
			{"signUp", vars{"email": "new@example.org", "password": "short"}, "InvalidInputError", "password"},
			{"signUp", vars{"email": "new@example.org", "password": strings.Repeat("x", 257)}, "InvalidInputError", "password"},
			{"signUp", vars{"email": "new@example.org", "password": "correct horse", "name": strings.Repeat("猫", 201)}, "InvalidInputError", "name"},
			{"signIn", vars{"email": "eve@example.org", "password": "wrong horse"}, "InvalidCredentialsError", "<nil>"},
			{"signIn", vars{"email": "nobody@example.org", "password": "correct horse"}, "InvalidCredentialsError", "<nil>"},
			{"signIn", vars{"email": "\x00", "password": "\x00"}, "InvalidCredentialsError", "<nil>"},
			{"refreshSession", vars{"refreshToken": ""}, "InvalidCredentialsError", "<nil>"},
			{"refreshSession", vars{"refreshToken": "\x00"}, "InvalidCredentialsError", "<nil>"},
			{"refreshSession", vars{"refreshToken": refresh + "x"}, "InvalidCredentialsError", "<nil>"},
		} {
			r := b.mutate("", c.mutation, of, c.input)
			got, _ := r.at(c.mutation, "errors", 0).(map[string]any)
			if got["__typename"] != c.typ || fmt.Sprint(got["field"]) != c.field || got["code"] != codes[c.typ] || r.at(c.mutation, "session") != nil {
				t.Errorf("%s %.100v: %s", c.mutation, c.input, r.body)
			}
		}
		b.do(access, `mutation { signOut(input: {}) { done `+problemFields+` } }`, nil)
		if r := b.ask(access, `{ viewer { id } }`, nil); r.code() != "UNAUTHENTICATED" {
			t.Errorf("after signing out: %s", r.body)
		}
		if r := b.mutate("", "refreshSession", of, vars{"refreshToken": refresh}); r.str("refreshSession", "errors", 0, "__typename") != "InvalidCredentialsError" {
			t.Errorf("after signing out: %s", r.body)
		}
	})
}

// Whoever is not signed in is told so by everything but what signs in.
func TestEverythingElseWantsToKnowWhoAsks(t *testing.T) {
	open := map[string]bool{
		"Query.viewer": true, "Query.server": true,
		"Mutation.signUp": true, "Mutation.signIn": true, "Mutation.refreshSession": true,
	}
	each(t, func(t *testing.T, b *bench) {
		schema := contract(t)
		ada := b.settle("ada")
		nobody := *ada
		nobody.token = ""
		before := b.dump(ada)
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
			for _, f := range roots(root) {
				name := root.Name + "." + f.Name
				r := b.call(schema, idArg{kind: root.Name, field: f}, &nobody, nil)
				refused := strings.Contains(r.body, `"code":"UNAUTHENTICATED"`)
				if refused == open[name] {
					t.Errorf("%s: %s", name, r.body)
				}
				if given := ada.gives(r.body, ""); len(given) > 0 {
					t.Errorf("%s gives %v: %s", name, given, r.body)
				}
			}
		}
		if after := b.dump(ada); after != before {
			t.Errorf("her rows were\n%s\nand are\n%s", before, after)
		}
		if r := b.do("", `{ viewer { id } server { version } }`, nil); r.at("viewer") != nil || r.str("server", "version") != "test" {
			t.Error(r.body)
		}
	})
}
