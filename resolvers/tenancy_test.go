package resolvers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets/samples"
	"github.com/mark-analyst/mark/ent/migrate"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/store"
)

// everyKind are the kinds of objects that have ids.
var everyKind = []string{ids.User, ids.Session, ids.Dataset, ids.Column, ids.Chat, ids.Message, ids.Run, ids.Step, ids.Artifact, ids.Approval, ids.UsageDay, ids.Memory}

// recipes say whose ids go into each argument that takes ids. An argument that
// is not here fails the test.
var recipes = map[string][]string{
	"Query.node.id":                            everyKind,
	"Query.nodes.ids":                          everyKind,
	"Mutation.createChat.input.datasetIds":     {ids.Dataset},
	"Mutation.updateChat.input.chatId":         {ids.Chat},
	"Mutation.updateChat.input.datasetIds":     {ids.Dataset},
	"Mutation.deleteChat.input.chatId":         {ids.Chat},
	"Mutation.sendMessage.input.chatId":        {ids.Chat},
	"Mutation.sendMessage.input.datasetIds":    {ids.Dataset},
	"Mutation.stopRun.input.runId":             {ids.Run},
	"Mutation.retryRun.input.runId":            {ids.Run},
	"Mutation.editStep.input.stepId":           {ids.Step},
	"Mutation.decideApproval.input.approvalId": {ids.Approval},
	"Mutation.answerQuestion.input.runId":      {ids.Run},
	"Mutation.branchChat.input.chatId":         {ids.Chat},
	"Mutation.branchChat.input.messageId":      {ids.Message},
	"Mutation.uploadDataset.input.chatId":      {ids.Chat},
	"Mutation.addSampleDataset.input.chatId":   {ids.Chat},
	"Mutation.addBigQueryTable.input.chatId":   {ids.Chat},
	"Mutation.refreshDataset.input.datasetId":  {ids.Dataset},
	"Mutation.updateDataset.input.datasetId":   {ids.Dataset},
	"Mutation.deleteDataset.input.datasetId":   {ids.Dataset},
	"Subscription.runEvents.runId":             {ids.Run},
	"Subscription.chatEvents.chatId":           {ids.Chat},
}

// inputs are values that a call must have in order to get as far as the id.
func inputs() map[string]any {
	return map[string]any{
		"Mutation.sendMessage.input.model":           "idle",
		"Mutation.retryRun.input.model":              "idle",
		"Mutation.decideApproval.input.decision":     "APPROVE",
		"Mutation.addSampleDataset.input.name":       samples.All()[0].Name,
		"Mutation.addBigQueryTable.input.connection": "shop",
	}
}

// Nobody learns of, or changes, anything of another's by any id. The calls are
// made of the schema: what is added to it is tried too.
func TestNobodyReachesAnothersThings(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		for arg, found := range newBench(t, s, auth.Guard).intrude() {
			for _, what := range found {
				t.Errorf("%s: %s", arg, what)
			}
		}
	})
	// The test would notice: without the guard it finds something at every
	// argument.
	t.Run("without a guard", func(t *testing.T) {
		found := newBench(t, databases.SQLite(t), store.Unguarded).intrude()
		for arg := range recipes {
			if len(found[arg]) == 0 {
				t.Errorf("%s: nothing was found", arg)
			}
		}
	})
}

// intrude calls everything that takes ids, as Bob, with those of others, and
// returns what is wrong with the answers, by argument.
func (b *bench) intrude() map[string][]string {
	b.t.Helper()
	schema := contract(b.t)
	args := idArgs(b.t, schema)
	known := maps.Clone(recipes)
	out := map[string][]string{}
	bob := b.settle("BobsOwnThings")
	for _, arg := range args {
		kinds, ok := recipes[arg.String()]
		if !ok {
			b.t.Errorf("%s takes ids and has no recipe here", arg)
			continue
		}
		delete(known, arg.String())
		for _, kind := range kinds {
			out[arg.String()] = append(out[arg.String()], b.intrudeAt(schema, arg, kind, bob)...)
		}
	}
	for name := range known {
		b.t.Errorf("there is a recipe for %s, which the schema does not have", name)
	}
	return out
}

// intrudeAt tries one argument with the ids of one kind of object.
func (b *bench) intrudeAt(schema *ast.Schema, arg idArg, kind string, bob *estate) (wrong []string) {
	b.t.Helper()
	// Bob may change things of his own on the way; he gets new ones each time.
	ada := b.settle("AdasSecret" + ids.New("x"))
	foreign, missing := ada.ids()[kind], ids.New(kind)
	before := b.dump(ada)
	other := ids.Message
	if kind == other {
		other = ids.Chat
	}
	lists := []func(id string) any{func(id string) any { return id }}
	if arg.list {
		own := bob.ids()[kind]
		lists = []func(id string) any{
			func(id string) any { return []string{id} },
			func(id string) any { return []string{own, id, own, id} },
		}
	}
	for i, list := range lists {
		ask := func(id string) string {
			r := b.call(schema, arg, bob, list(id))
			if r.code() == "INTERNAL" || strings.Contains(r.body, "INTERNAL") {
				wrong = append(wrong, fmt.Sprintf("%q: %s", id, r.body))
			}
			quoted, err := json.Marshal(id)
			must(b.t, err)
			return fmt.Sprint(r.status, " ", strings.ReplaceAll(r.body, string(quoted), "<the id>"))
		}
		want := ask(missing)
		got := ask(foreign)
		if got != want {
			wrong = append(wrong, fmt.Sprintf("a foreign %s is answered\n%s\na missing one\n%s", kind, clip(got), clip(want)))
		}
		if given := ada.gives(got, foreign); len(given) > 0 {
			wrong = append(wrong, fmt.Sprintf("with a %s came %v: %s", kind, given, clip(got)))
		}
		if i > 0 || kind != recipes[arg.String()][0] {
			continue // what is no id is none of any kind
		}
		for _, nonsense := range []string{
			"", " ", "x", ada.ids()[other], kind + "_", kind + "_!", kind + "_\x00", "\x00", "'; --", "%", "../" + foreign, strings.ToUpper(foreign),
			foreign + " ", foreign + "\n", "\t" + foreign, foreign + "\x00", "zzz_" + strings.TrimPrefix(foreign, kind+"_"), strings.Repeat("x", 100_000),
		} {
			if got := ask(nonsense); got != want {
				wrong = append(wrong, fmt.Sprintf("%q is answered\n%s\na missing id\n%s", clip(nonsense), clip(got), clip(want)))
			}
		}
	}
	if after := b.dump(ada); after != before {
		wrong = append(wrong, fmt.Sprintf("her rows were\n%s\nand are\n%s", clip(before), clip(after)))
	}
	return wrong
}

// call makes one call as Bob.
func (b *bench) call(schema *ast.Schema, arg idArg, bob *estate, value any) reply {
	b.t.Helper()
	given := inputs()
	v := arg.arguments(schema, value, func(at string, t *ast.Type) any {
		if v, ok := given[at]; ok {
			return v
		}
		switch name := t.Name(); {
		case name == "ID" && t.NonNull && t.Elem == nil:
			return bob.ids()[recipes[at][0]]
		case name == "ID" && t.NonNull:
			return []string{bob.ids()[recipes[at][0]]}
		case name == "String" && t.Elem == nil:
			return "text"
		case name == "Boolean":
			return true
		case name == "Int" && t.NonNull:
			return 0
		}
		return nil
	})
	query := operation(schema, arg.kind, arg.field)
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	must(b.t, err)
	switch {
	case arg.kind == "Subscription" && arg.field.Name == "chatEvents": // it ends with the chat only
		return b.exchange(bob.token, body, "application/json", "text/event-stream", events(1, nil))
	case arg.kind == "Subscription":
		return b.send(bob.token, body, "application/json", "text/event-stream")
	case takesFile(schema, arg.field):
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		must(b.t, w.WriteField("operations", string(body)))
		must(b.t, w.WriteField("map", `{"0": ["variables.input.file"]}`))
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="0"; filename="t.csv"`}})
		must(b.t, err)
		_, err = part.Write([]byte("a,b\n1,2\n"))
		must(b.t, err)
		must(b.t, w.Close())
		return b.send(bob.token, form.Bytes(), w.FormDataContentType(), "application/json")
	}
	return b.send(bob.token, body, "application/json", "application/json")
}

func takesFile(schema *ast.Schema, f *ast.FieldDefinition) bool {
	for _, a := range f.Arguments {
		for _, in := range schema.Types[a.Type.Name()].Fields {
			if in.Type.Name() == "Upload" {
				return true
			}
		}
	}
	return false
}

// dump is every row, of every table, that has to do with a person.
func (b *bench) dump(e *estate) string {
	b.t.Helper()
	var out []string
	for _, table := range migrate.Tables {
		rows, err := b.store.DB.QueryContext(b.t.Context(), "SELECT * FROM "+table.Name)
		must(b.t, err)
		columns, err := rows.Columns()
		must(b.t, err)
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			must(b.t, rows.Scan(cells...))
			line := table.Name
			for i, c := range cells {
				line += fmt.Sprintf(" %s=%s", columns[i], *c.(*any))
			}
			if len(e.gives(line, "")) > 0 {
				out = append(out, line)
			}
		}
		must(b.t, rows.Err())
		must(b.t, rows.Close())
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func clip(s string) string {
	if len(s) > 1500 {
		return s[:1500] + "…"
	}
	return s
}
