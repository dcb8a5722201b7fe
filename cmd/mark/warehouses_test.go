package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// withWarehouses has a service connected to what a list says, and without Python.
func withWarehouses(t *testing.T, list string) func(*Config, *Parts) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouses.yaml")
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *Config, p *Parts) {
		c.Warehouses, p.Sandbox = path, absent{}
	}
}

// TestWarehouses: a table of a connection that is configured is found, added, and
// read through the real driver, and no job is begun for it.
func TestWarehouses(t *testing.T) {
	everyDatabase(t, func(t *testing.T, databaseURL string) {
		fake := bqfake.New(t)
		fake.AddDataset("acme-data", "sales", "EU")
		fake.AddTable(warehouse.TableRef{Project: "acme-data", Dataset: "sales", Table: "orders"}, bqfake.Table{
			Table: &bq.Table{
				NumRows: 2, NumBytes: 100, Description: "All orders.", Etag: "e1",
				Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{
					{Name: "id", Type: "INTEGER", Mode: "REQUIRED"},
					{Name: "customer", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "city", Type: "STRING", Description: "Where they live."}}},
				}},
			},
			Preview: []*bq.TableRow{
				{F: []*bq.TableCell{{V: "7"}, {V: map[string]any{"f": []any{map[string]any{"v": "Oslo"}}}}}},
			},
		})
		fake.AddTable(warehouse.TableRef{Project: "acme-data", Dataset: "secret", Table: "salaries"}, bqfake.Table{Table: &bq.Table{}})
		s := start(t, databaseURL, withWarehouses(t, fmt.Sprintf(`
- {name: shop, kind: bigquery, project: acme-billing, location: EU, credentials: none, endpoint: %q, allow: [acme-data.sales.*]}
`, fake.URL)))
		ada := s.signUp("ada@example.org")
		got := ada.do(`{ server { warehouses { name dialect project location } } viewer {
			top: warehouseEntries(connection: "shop", first: 10) { nodes { kind project } }
			folders: warehouseEntries(connection: "shop", project: "acme-data", first: 10) { nodes { dataset } }
			tables: warehouseEntries(connection: "shop", project: "acme-data", dataset: "sales", first: 10) { nodes { table } pageInfo { hasNextPage } } } }`, nil)
		want := map[string]any{
			"server": map[string]any{"warehouses": []any{map[string]any{"name": "shop", "dialect": "GoogleSQL", "project": "acme-billing", "location": "EU"}}},
			"viewer": map[string]any{
				"top":     map[string]any{"nodes": []any{map[string]any{"kind": "PROJECT", "project": "acme-data"}}},
				"folders": map[string]any{"nodes": []any{map[string]any{"dataset": "sales"}}},
				"tables":  map[string]any{"nodes": []any{map[string]any{"table": "orders"}}, "pageInfo": map[string]any{"hasNextPage": false}},
			},
		}
		if diff := cmp.Diff(want, got.Data); diff != "" {
			t.Error(diff)
		}
		add := func(folder, table string) reply {
			t.Helper()
			r := ada.do(`mutation($d: String!, $t: String!) { addBigQueryTable(input: {project: "acme-data", dataset: $d, table: $t}) { dataset { id } errors { __typename } } }`,
				vars{"d": folder, "t": table})
			id := r.str("addBigQueryTable", "dataset", "id")
			ada.profiled(id)
			return ada.do(`query($id: ID!) { node(id: $id) { ... on Dataset { state error { code message } description rowCount columns { name type description sampleValues } } } }`, vars{"id": id})
		}
		read := map[string]any{
			"state": "READY", "error": nil, "description": "All orders.", "rowCount": "2",
			"columns": []any{
				map[string]any{"name": "id", "type": "INTEGER", "description": "", "sampleValues": []any{"7"}},
				map[string]any{"name": "customer", "type": "STRUCT", "description": "", "sampleValues": []any{}},
				map[string]any{"name": "customer.city", "type": "STRING", "description": "Where they live.", "sampleValues": []any{"Oslo"}},
			},
		}
		if diff := cmp.Diff(read, add("sales", "orders").at("node")); diff != "" {
			t.Error(diff)
		}
		// What is there and may not be read answers like what is not there.
		for _, r := range []reply{add("secret", "salaries"), add("sales", "nowhere")} {
			if r.str("node", "state") != "FAILED" || r.str("node", "error", "code") != "WAREHOUSE_NOT_FOUND" {
				t.Errorf("not to be had: %v", r.Data)
			}
		}
		if n := len(fake.Requests()); n > 0 {
			t.Errorf("%d jobs were begun", n)
		}
	})
}

// TestListsThatCannotBeOpened: the start says what is wrong, and repeats no key.
func TestListsThatCannotBeOpened(t *testing.T) {
	for name, list := range map[string]string{
		"a key":        `[{name: shop, kind: bigquery, project: p, allow: [p.d.t], credentials: {private_key: sk-secret}}]`,
		"a taken name": `[{name: files, kind: bigquery, project: p, allow: [p.d.t]}]`,
		"no pattern":   `[{name: shop, kind: bigquery, project: p, allow: [everything]}]`,
		"an endpoint":  `[{name: shop, kind: bigquery, project: p, allow: [p.d.t], endpoint: "http://192.0.2.1"}]`,
	} {
		var c Config
		var parts Parts
		withWarehouses(t, list)(&c, &parts)
		_, err := openWarehouses(t.Context(), c)
		if err == nil || !strings.HasPrefix(err.Error(), "MARK_WAREHOUSES: ") || !strings.Contains(err.Error(), `connection "`) || strings.Contains(err.Error(), "sk-secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
