package resolvers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/warehouse"
)

// shelf is a warehouse in memory: a project with a folder of tables, of which
// every third may not be read. Its pages have at most five entries.
type shelf struct {
	mu     sync.Mutex // protects what follows
	tables int
	err    error
	calls  []string
}

func (s *shelf) Connection() warehouse.Connection {
	return warehouse.Connection{Name: "shop", Dialect: warehouse.GoogleSQL, Project: "acme-billing", Location: "EU"}
}

func (s *shelf) Browse(_ context.Context, under warehouse.Place, page warehouse.Page) (warehouse.Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, "browse")
	switch {
	case s.err != nil:
		return warehouse.Listing{}, s.err
	case under.Project == "":
		return warehouse.Listing{Entries: []warehouse.Entry{{Kind: warehouse.ProjectEntry, Ref: warehouse.TableRef{Project: "acme"}}}}, nil
	case under.Dataset == "":
		return warehouse.Listing{Entries: []warehouse.Entry{{
			Kind: warehouse.DatasetEntry, Ref: warehouse.TableRef{Project: under.Project, Dataset: "sales"}, Label: "Sales\u202e",
		}}}, nil
	}
	from, err := strconv.Atoi("0" + page.Token)
	if err != nil {
		return warehouse.Listing{}, &warehouse.Error{Code: warehouse.CodeBackend, Message: "A bad token."}
	}
	var out warehouse.Listing
	i := from
	for ; i < min(from+min(page.Size, 5), s.tables); i++ {
		if i%3 != 2 {
			out.Entries = append(out.Entries, warehouse.Entry{
				Kind: warehouse.TableEntry, Ref: warehouse.TableRef{Project: under.Project, Dataset: under.Dataset, Table: fmt.Sprint("t", i)}, Type: warehouse.View,
			})
		}
	}
	if i < s.tables {
		out.Next = strconv.Itoa(i)
	}
	return out, nil
}

func (s *shelf) Table(_ context.Context, ref warehouse.TableRef, _ warehouse.TableOptions) (*warehouse.Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, "table")
	return &warehouse.Table{
		Ref: ref, Type: warehouse.BaseTable, Rows: -1, Bytes: -1, Description: "Ours.", Etag: "e",
		Fields:  []warehouse.Field{{Path: "a", Type: warehouse.Struct}, {Path: "a.b", Type: warehouse.String, Mode: warehouse.Repeated}},
		Columns: []warehouse.Column{{Name: "a", Type: warehouse.Struct, Fields: []warehouse.Column{{Name: "b", Type: warehouse.String, Mode: warehouse.Repeated}}}},
	}, nil
}

func (s *shelf) Plan(context.Context, warehouse.Query) (warehouse.Plan, error) {
	return warehouse.Plan{}, errors.New("nobody plans here")
}

func (s *shelf) Run(context.Context, warehouse.Plan) (warehouse.Result, error) {
	return nil, errors.New("nobody runs here")
}

func (s *shelf) Close() error { return nil }

func (s *shelf) set(tables int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables, s.err, s.calls = tables, err, nil
}

const browse = `query($p: String, $d: String, $n: Int, $at: Cursor) { viewer { warehouseEntries(connection: "shop", project: $p, dataset: $d, first: $n, after: $at) {
	edges { cursor node { kind project dataset table label type } } nodes { table } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`

// TestWarehouseEntries: what may be read is found from page to page, each entry
// once, whatever the sizes of the pages and wherever one goes on from.
func TestWarehouseEntries(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		b.shop.set(40, nil)
		top := b.do(ada.token, browse, vars{"n": 5})
		if top.str("viewer", "warehouseEntries", "edges", 0, "node", "project") != "acme" || top.str("viewer", "warehouseEntries", "edges", 0, "node", "kind") != "PROJECT" {
			t.Errorf("projects: %s", top.body)
		}
		in := b.do(ada.token, browse, vars{"n": 5, "p": "acme"})
		if in.str("viewer", "warehouseEntries", "edges", 0, "node", "dataset") != "sales" || in.str("viewer", "warehouseEntries", "edges", 0, "node", "label") != "Sales" {
			t.Errorf("datasets: %s", in.body)
		}
		var want []string
		for i := range 40 {
			if i%3 != 2 {
				want = append(want, fmt.Sprint("t", i))
			}
		}
		for _, size := range []int{1, 2, 3, 7, 26, 27, 100} {
			var got, cursors []string
			at := any(nil)
			for range 100 {
				r := b.do(ada.token, browse, vars{"n": size, "p": "acme", "d": "sales", "at": at})
				entries := r.at("viewer", "warehouseEntries").(map[string]any)
				for _, e := range entries["edges"].([]any) {
					edge := e.(map[string]any)
					cursors = append(cursors, edge["cursor"].(string))
					got = append(got, edge["node"].(map[string]any)["table"].(string))
				}
				if n := len(entries["edges"].([]any)); n > size || n != len(entries["nodes"].([]any)) {
					t.Errorf("%d of %d", n, size)
				}
				info := entries["pageInfo"].(map[string]any)
				if info["hasNextPage"] != true {
					break
				}
				if at = info["endCursor"]; at == nil {
					t.Fatalf("no way on: %s", r.body)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("pages of %d: %s", size, diff)
			}
			if size != 7 {
				continue
			}
			for i, c := range cursors { // from the midst of a page too
				r := b.do(ada.token, browse, vars{"n": 1, "p": "acme", "d": "sales", "at": c})
				nodes := r.at("viewer", "warehouseEntries", "nodes").([]any)
				if i+1 < len(want) && (len(nodes) != 1 || nodes[0].(map[string]any)["table"] != want[i+1]) || i+1 == len(want) && len(nodes) > 0 {
					t.Errorf("after %s: %s", want[i], r.body)
				}
			}
		}
	})
}

func TestWarehouseEntriesThatThereAreNot(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		b.shop.set(40, nil)
		place := b.do(ada.token, browse, vars{"n": 1, "p": "acme", "d": "sales"}).str("viewer", "warehouseEntries", "pageInfo", "endCursor")
		b.shop.set(40, nil)
		for name, c := range map[string]struct {
			v    vars
			code string
		}{
			"no size":          {vars{"p": "acme"}, "BAD_USER_INPUT"},
			"size 0":           {vars{"n": 0}, "BAD_USER_INPUT"},
			"size 101":         {vars{"n": 101}, "BAD_USER_INPUT"},
			"no project":       {vars{"n": 1, "d": "sales"}, "BAD_USER_INPUT"},
			"another's cursor": {vars{"n": 1, "p": "acme", "at": place}, "BAD_USER_INPUT"},
			"another project":  {vars{"n": 1, "p": "other", "at": forged(`{"c":"shop","p":"acme"}`, nil)}, "BAD_USER_INPUT"},
			"another shop":     {vars{"n": 1, "at": forged(`{"c":"lab"}`, nil)}, "BAD_USER_INPUT"},
			"a forged cursor":  {vars{"n": 1, "at": forged("x", nil)}, "BAD_USER_INPUT"},
			"a cursor back":    {vars{"n": 1, "at": forged(`{"c":"shop","s":-1}`, nil)}, "BAD_USER_INPUT"},
			"a cursor far":     {vars{"n": 1, "at": forged(`{"c":"shop","s":1000000000}`, nil)}, "BAD_USER_INPUT"},
			"a cursor of ids":  {vars{"n": 1, "at": forged(ada.chat.ID, time.Now())}, "BAD_USER_INPUT"},
		} {
			if r := b.ask(ada.token, browse, c.v); r.code() != c.code {
				t.Errorf("%s: %s", name, r.body)
			}
		}
		if r := b.ask(ada.token, strings.Replace(browse, `"shop"`, `"unheard-of"`, 1), vars{"n": 1}); r.code() != "NOT_FOUND" {
			t.Errorf("unheard-of: %s", r.body)
		}
		if r := b.ask("", browse, vars{"n": 1}); r.at("viewer") != nil {
			t.Errorf("nobody: %s", r.body)
		}
		b.shop.mu.Lock()
		if len(b.shop.calls) > 0 {
			t.Errorf("the warehouse was asked %v", b.shop.calls)
		}
		b.shop.mu.Unlock()
		for code, want := range map[warehouse.Code]string{
			warehouse.CodeNotFound: "NOT_FOUND", warehouse.CodeAccessDenied: "FORBIDDEN", warehouse.CodeRateLimited: "RATE_LIMITED",
			warehouse.CodeBackend: "UNAVAILABLE", warehouse.CodeBadCredentials: "UNAVAILABLE", warehouse.CodeInternal: "INTERNAL",
		} {
			b.shop.set(0, &warehouse.Error{Code: code, Message: "It does not work.", RetryAfter: time.Second, Err: errors.New("secret")})
			r := b.ask(ada.token, browse, vars{"n": 1})
			if r.code() != want || strings.Contains(r.body, "secret") || want != "INTERNAL" && !strings.Contains(r.body, "It does not work.") {
				t.Errorf("%s: %s", code, r.body)
			}
		}
	})
}

// TestTablesOfWarehouses: added, read, refreshed, and where they are.
func TestTablesOfWarehouses(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		const of = `dataset { id state source fileName sizeBytes rowCount modifiedAt table { connection project dataset table type } partitioning { type } clustering sample { rowCount }
			columns { name type nullCount distinctCount min sampleValues } description }`
		r := b.mutate(ada.token, "addBigQueryTable", of, vars{"project": "acme", "dataset": "sales", "table": "orders", "chatId": ada.chat.ID})
		id := r.str("addBigQueryTable", "dataset", "id")
		if r.str("addBigQueryTable", "dataset", "state") != "PENDING" || r.at("addBigQueryTable", "dataset", "table", "type") != nil {
			t.Errorf("added: %s", r.body)
		}
		must(t, b.data.Await(auth.WithViewer(t.Context(), auth.Viewer{UserID: ada.user.ID}), id))
		d := b.do(ada.token, `query($id: ID!) { dataset: node(id: $id) { ... on Dataset { state `+strings.TrimPrefix(of, "dataset { id state")+` } }`, vars{"id": id})
		want := map[string]any{
			"state": "READY", "source": "BIGQUERY", "fileName": "acme.sales.orders", "sizeBytes": "0", "rowCount": nil, "modifiedAt": nil,
			"table":        map[string]any{"connection": "shop", "project": "acme", "dataset": "sales", "table": "orders", "type": "TABLE"},
			"partitioning": nil, "clustering": []any{}, "sample": nil, "description": "Ours.",
			"columns": []any{
				map[string]any{"name": "a", "type": "STRUCT", "nullCount": nil, "distinctCount": nil, "min": nil, "sampleValues": []any{}},
				map[string]any{"name": "a.b", "type": "ARRAY<STRING>", "nullCount": nil, "distinctCount": nil, "min": nil, "sampleValues": []any{}},
			},
		}
		if diff := cmp.Diff(want, d.at("dataset")); diff != "" {
			t.Error(diff)
		}
		again := b.mutate(ada.token, "refreshDataset", "dataset { id state }", vars{"datasetId": id})
		if s := again.str("refreshDataset", "dataset", "state"); s != "PENDING" {
			t.Errorf("refreshed: %s", again.body)
		}
		found := b.do(ada.token, `{ viewer { datasets(first: 10, source: BIGQUERY) { nodes { id } } } }`, nil)
		if !slices.ContainsFunc(found.at("viewer", "datasets", "nodes").([]any), func(n any) bool { return n.(map[string]any)["id"] == id }) {
			t.Errorf("by its source: %s", found.body)
		}
		const server = `{ server { warehouses { name dialect project location } } }`
		for token, want := range map[string]any{
			ada.token: []any{map[string]any{"name": "shop", "dialect": "GoogleSQL", "project": "acme-billing", "location": "EU"}},
			"":        []any{map[string]any{"name": "shop", "dialect": "GoogleSQL", "project": nil, "location": nil}},
		} {
			if diff := cmp.Diff(want, b.do(token, server, nil).at("server", "warehouses")); diff != "" {
				t.Errorf("%q: %s", token, diff)
			}
		}
	})
}
