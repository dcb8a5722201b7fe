package resolvers_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// The data, and how many statements get it. The bounds are what the parts of
// the answer are: the pages, each with its own statement, never one a row.
// Where there are loaders it depends on the machine's load in how many batches
// they gather 200 rows.
func TestStatementsDoNotGrowWithTheRows(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		for range 12 {
			b.newChat(ada, 25)
		}
		const rest = `id parts { __typename } run { state steps { id } } attachments { name }`
		for _, c := range []struct {
			name, query string
			most        int
		}{
			{"nodes", `{ viewer { chats(first: 10) { nodes { messages(first: 20) { nodes { id } } } } } }`, 5},
			{"edges", `{ viewer { chats(first: 10) { edges { node { messages(first: 20) { edges { node { id } } } } } } } }`, 5},
			{"fragments", `{ viewer { ...V } } fragment V on User { chats(first: 10) { ...C } } fragment C on ChatConnection { nodes { ... on Chat { messages(first: 20) { ...M } } } } fragment M on MessageConnection { ... { nodes { id } } }`, 5},
			{"aliases", `{ viewer { a: chats(first: 10) { b: edges { c: node { d: messages(first: 20) { e: edges { f: node { id } } } } } } } }`, 5},
			{"backwards", `{ viewer { chats(last: 10) { nodes { messages(last: 20) { nodes { id } } } } } }`, 5},
			{"all nodes", `{ viewer { chats(first: 10) { nodes { messages(first: 20) { nodes { ` + rest + ` } } } } } }`, 40},
			{"all edges", `{ viewer { chats(first: 10) { edges { node { messages(first: 20) { edges { node { ` + rest + ` } } } } } } } }`, 40},
			{"runs", `{ viewer { chats(first: 10) { nodes { activeRun { id chat { id } } runs(first: 20) { nodes { id message { id } answer { id run { id answer { id } chat { id } } } chat { id } usage { steps } } } } } } }`, 40},
			{"datasets", `{ viewer { chats(first: 10) { nodes { datasets(first: 5) { totalCount nodes { name columns { name } } } } } } }`, 18},
		} {
			var got reply
			statements := b.counted(func() { got = b.do(ada.token, c.query, nil) })
			t.Logf("SQL statements, %s: %d (at most %d)", c.name, len(statements), c.most)
			if len(statements) > c.most {
				t.Errorf("%s: %d statements, at most %d:\n%s", c.name, len(statements), c.most, strings.Join(statements, "\n"))
			}
			if !strings.Contains(got.body, `"id":"msg_`) && !strings.Contains(got.body, "columns") {
				t.Errorf("%s: nothing came: %s", c.name, got.body)
			}
		}
		nodes := b.do(ada.token, `{ viewer { chats(first: 10) { nodes { id messages(first: 20) { nodes { `+rest+` } } } } } }`, nil)
		edges := b.do(ada.token, `{ viewer { chats(first: 10) { edges { node { id messages(first: 20) { edges { node { `+rest+` } } } } } } } }`, nil)
		lazily := b.ownQuery(ada, rest)
		if !reflect.DeepEqual(flatten(edges.Data), flatten(nodes.Data)) {
			t.Error("edges differ from nodes")
		}
		for i := range 10 {
			chat := nodes.at("viewer", "chats", "nodes", i).(map[string]any)
			page := nodes.at("viewer", "chats", "nodes", i, "messages", "nodes").([]any)
			if !reflect.DeepEqual(page, lazily[chat["id"].(string)]) {
				t.Errorf("chat %d: %v, want %v", i, page, lazily[chat["id"].(string)])
			}
		}
	})
}

// ownQuery asks for the messages of each chat by itself.
func (b *bench) ownQuery(e *estate, selection string) map[string]any {
	b.t.Helper()
	out := map[string]any{}
	for _, c := range b.store.Client.Chat.Query().AllX(b.t.Context()) {
		r := b.do(e.token, `query($id: ID!) { node(id: $id) { ... on Chat { messages(first: 20) { nodes { `+selection+` } } } } }`, vars{"id": c.ID})
		out[c.ID] = r.at("node", "messages", "nodes")
	}
	return out
}

// flatten turns `edges { node }` into `nodes`.
func flatten(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, inner := range v {
			if list, ok := inner.([]any); ok && k == "edges" {
				nodes := make([]any, len(list))
				for i, e := range list {
					nodes[i] = flatten(e.(map[string]any)["node"])
				}
				k, inner = "nodes", nodes
				out[k] = inner
				continue
			}
			out[k] = flatten(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = flatten(inner)
		}
		return out
	}
	return v
}

// Whatever the aliases, fragments and neighbours, a field answers what it
// answers alone.
func TestAFieldAnswersTheSameInEveryCompany(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		for n := range 4 {
			b.newChat(ada, n+3)
		}
		chat := b.newChat(ada, 7).ID
		for _, c := range []struct{ name, query string }{
			{"two pages", `a: messages(first: 1) { nodes { seq } } b: messages(last: 1) { nodes { seq } }`},
			{"two selections", `a: messages(first: 2) { nodes { seq } } b: messages(first: 2) { nodes { role parts { __typename } } }`},
			{"edges and nodes", `messages(first: 2) { edges { node { seq } } nodes { role } }`},
			{"two edges", `messages(first: 2) { a: edges { node { seq } } b: edges { cursor n: node { role m: attachments { name } } } }`},
			{"total alone", `messages(first: 2) { totalCount }`},
			{"total under an alias", `messages(first: 2) { n: totalCount nodes { seq } }`},
			{"page alone", `messages(first: 2) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`},
			{"the last page alone", `messages(first: 100) { pageInfo { hasNextPage hasPreviousPage } }`},
			{"page under an alias", `messages(last: 2) { p: pageInfo { hasNextPage hasPreviousPage startCursor } }`},
			{"a part left out", `messages(first: 2) { totalCount nodes @skip(if: true) { id } }`},
			{"twins under one name", `a: messages(first: 1) { nodes { run { a: chat { ...T } b: chat { n: messages(first: 1) { nodes { seq } } } } } } x: messages(first: 1) { nodes { run { a: answer { seq } b: answer { role } } } }`},
			{"one name, two arguments", `a: datasets(first: 1) { nodes { name } } b: datasets(last: 1) { nodes { state columns { name } } }`},
		} {
			fragment := ""
			if strings.Contains(c.query, "...T") {
				fragment = ` fragment T on Chat { title n: messages(first: 2) { nodes { role } } }`
				c.query = strings.Replace(c.query, "b: chat { n:", "b: chat { m:", 1)
			}
			alone := b.do(ada.token, `query($id: ID!) { node(id: $id) { ... on Chat { id `+c.query+` } } }`+fragment, vars{"id": chat}).at("node")
			several := b.do(ada.token, `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Chat { id `+c.query+` } } }`+fragment, vars{"ids": []string{ada.chat.ID, chat}}).at("nodes", 1)
			paged := b.do(ada.token, `{ viewer { chats(first: 100) { nodes { id `+c.query+` } } } }`+fragment, nil)
			sent := b.do(ada.token, `mutation($id: ID!) { updateChat(input: {chatId: $id}) { chat { id `+c.query+` } } }`+fragment, vars{"id": chat}).at("updateChat", "chat")
			var among any
			for _, n := range paged.at("viewer", "chats", "nodes").([]any) {
				if n.(map[string]any)["id"] == chat {
					among = n
				}
			}
			for name, got := range map[string]any{"by nodes": several, "in a page": among, "in a payload": sent} {
				if !reflect.DeepEqual(got, alone) {
					t.Errorf("%s, %s: %v, want %v", c.name, name, got, alone)
				}
			}
			if text := fmt.Sprint(alone); !strings.Contains(text, "messages:") && !strings.Contains(text, "a:") {
				t.Errorf("%s: %v", c.name, alone)
			}
		}
		r := b.do(ada.token, `query($id: ID!) { node(id: $id) { ... on Chat {
			total: messages(first: 2) { n: totalCount } alone: messages(first: 2) { totalCount }
			all: messages(first: 100) { pageInfo { hasNextPage endCursor } nodes { seq } }
			a: messages(first: 1) { x: edges { y: node { seq } } } b: messages(last: 1) { nodes { seq } edges { node { role } } } } } }`, vars{"id": chat})
		for path, want := range map[string]any{"total n": 7.0, "alone totalCount": 7.0} {
			p := strings.Fields(path)
			if got := r.at("node", p[0], p[1]); got != want {
				t.Errorf("%s is %v, want %v", path, got, want)
			}
		}
		if r.at("node", "all", "pageInfo", "hasNextPage") != false || len(r.at("node", "all", "nodes").([]any)) != 7 {
			t.Errorf("all: %s", r.body)
		}
		if r.at("node", "a", "x", 0, "y", "seq") != 1.0 || r.at("node", "b", "nodes", 0, "seq") != 7.0 || r.at("node", "b", "edges", 0, "node", "role") != "USER" {
			t.Errorf("pages: %s", r.body)
		}
		// Two types of one list of nodes, whose connections have one name.
		mixed := b.do(ada.token, `query($ids: [ID!]!) { nodes(ids: $ids) { ... on User { datasets(first: 5) { nodes { id } } } ... on Chat { datasets(first: 5) { nodes { name } } } } }`,
			vars{"ids": []string{ada.user.ID, chat}})
		if mixed.at("nodes", 1, "datasets", "nodes", 0, "name") != "ada" || mixed.at("nodes", 0, "datasets", "nodes", 0, "id") != ada.dataset.ID {
			t.Errorf("mixed: %s", mixed.body)
		}
	})
}

// Errors are where the client wrote the field.
func TestPathsOfErrors(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		b.store.Client.Chat.UpdateOne(ada.chat).SetTitle("broken").ExecX(t.Context())
		b.store.Client.Step.UpdateOne(ada.step).SetOutputs([]byte(`"not a list"`)).ExecX(t.Context())
		for query, want := range map[string]string{
			`{ node(id: "` + ada.chat.ID + `") { ... on Chat { a: runs(first: 1) { b: nodes { c: steps { d: outputs { name } } } } } } }`:                                `[node a b 0 c 0 d]`,
			`{ me: viewer { chats(last: 2, search: "broken") { edges { node { messages(first: 1) { e: edges { node { run { steps { outputs { name } } } } } } } } } } }`: `[me chats edges 0 node messages e 0 node run steps 0 outputs]`,
			`mutation { it: updateChat(input: {chatId: "` + ada.chat.ID + `"}) { chat { runs(first: 1) { edges { x: node { steps { outputs { name } } } } } } } }`:       `[it chat runs edges 0 x steps 0 outputs]`,
		} {
			r := b.ask(ada.token, query, nil)
			if len(r.Errors) != 1 || r.code() != "INTERNAL" {
				t.Errorf("%s: %s", query, r.body)
			} else if got := fmt.Sprint(r.Errors[0].Path); got != want {
				t.Errorf("%s: the path is %s, want %s", query, got, want)
			}
		}
	})
}

// Following the cursors gives every item once, in order, both ways, at the top
// and below, though all have one time.
func TestCursorsCoverEverythingOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		for range 9 {
			b.newChat(ada, 1)
		}
		for i := range 7 {
			b.newDataset(ada, fmt.Sprintf("name %d", i%3))
		}
		chat := b.newChat(ada, 11)
		b.store.Client.Chat.UpdateOne(chat).AddDatasets(b.store.Client.Dataset.Query().AllX(t.Context())...).SetUpdatedAt(moment).SaveX(t.Context())
		for _, list := range []struct {
			name  string
			n     int
			inner bool
			args  string
		}{
			{"chats", 12, false, ""},
			{"chats", 12, false, "orderBy: {field: CREATED_AT}"},
			{"datasets", 8, false, ""},
			{"datasets", 8, false, "orderBy: {field: NAME, direction: DESC}"},
			{"messages", 11, true, ""},
			{"messages", 11, true, "orderBy: {field: SEQ, direction: DESC}"},
			{"runs", 11, true, ""},
			{"datasets", 8, true, ""},
			{"datasets", 8, true, "orderBy: {field: NAME}"},
		} {
			// Below, once by loading the chat and once among others at once.
			roots := []string{`viewer { %s }`}
			if list.inner {
				roots = []string{`node(id: "` + chat.ID + `") { ... on Chat { %s } }`, `nodes(ids: ["` + ada.chat.ID + `", "` + chat.ID + `"]) { ... on Chat { %s } }`}
			}
			for _, root := range roots {
				whole := b.walk(ada, root, list.name, list.args, "first", 100)
				if len(whole) != list.n {
					t.Fatalf("%s %s: %d items, want %d", list.name, list.args, len(whole), list.n)
				}
				for _, size := range []int{1, 2, 3, list.n - 1, list.n} {
					if got := b.walk(ada, root, list.name, list.args, "first", size); !reflect.DeepEqual(got, whole) {
						t.Errorf("%s %s by %d forwards:\n%v, want\n%v", list.name, list.args, size, got, whole)
					}
					if got := b.walk(ada, root, list.name, list.args, "last", size); !reflect.DeepEqual(got, whole) {
						t.Errorf("%s %s by %d backwards:\n%v, want\n%v", list.name, list.args, size, got, whole)
					}
				}
			}
		}
	})
}

// walk follows a connection's cursors and returns the ids in the list's order.
func (b *bench) walk(e *estate, root, list, args, way string, size int) []string {
	b.t.Helper()
	from, more, end := "after", "hasNextPage", "endCursor"
	if way == "last" {
		from, more, end = "before", "hasPreviousPage", "startCursor"
	}
	var all []string
	var cursor any
	for range 100 {
		r := b.do(e.token, `query($at: Cursor) { `+fmt.Sprintf(root, fmt.Sprintf(
			`%s(%s: %d, %s: $at %s) { totalCount pageInfo { %s %s } edges { cursor node { id } } }`, list, way, size, from, args, more, end))+` }`, vars{"at": cursor})
		page := r.Data["viewer"]
		if page == nil {
			page = r.Data["node"]
		}
		if l, ok := r.Data["nodes"].([]any); ok {
			page = l[1]
		}
		conn := page.(map[string]any)[list].(map[string]any)
		var ids []string
		for _, edge := range conn["edges"].([]any) {
			ids = append(ids, edge.(map[string]any)["node"].(map[string]any)["id"].(string))
		}
		if way == "last" {
			all = append(ids, all...)
		} else {
			all = append(all, ids...)
		}
		info := conn["pageInfo"].(map[string]any)
		if info[more] != true {
			return all
		}
		cursor = info[end]
	}
	b.t.Fatalf("%s does not end", list)
	return nil
}
