package agent_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/warehouse"
)

// called is a warehouse under another name.
type called struct {
	*scriptedWarehouse
	name string
}

func (c called) Connection() warehouse.Connection {
	return warehouse.Connection{Name: c.name, Dialect: warehouse.GoogleSQL}
}

// TestOneOfSeveralWarehousesIsAsked: the one that is named; where none is named the
// one that all of the chat's tables are of, and none where they are of several.
func TestOneOfSeveralWarehousesIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		tables []string // the connections of the chat's tables
		args   string   // beside the statement
		want   string   // the connection that is asked; "": none
	}{
		"named":                       {[]string{"shop"}, `,"connection":"lake"`, "lake"},
		"the tables' own":             {[]string{"shop", "shop"}, ``, "shop"},
		"named beside tables of both": {[]string{"shop", "lake"}, `,"connection":"shop"`, "shop"},
		"not named, tables of both":   {[]string{"shop", "lake"}, ``, ""},
		"not named, no tables":        {nil, ``, ""},
		"not there":                   {[]string{"shop"}, `,"connection":"pond"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked := map[string]*scriptedWarehouse{"lake": {}, "shop": {}}
			b := newBench(t, databases.SQLite(t), func(c *agent.Config) {
				c.Warehouses = []warehouse.Warehouse{called{asked["lake"], "lake"}, called{asked["shop"], "shop"}}
			})
			var tables []string
			for i, connection := range c.tables {
				d := b.client.Dataset.Create().SetSource("BIGQUERY").SetName(fmt.Sprint("t", i)).SetFileName(fmt.Sprint("p.d.t", i)).SetConnection(connection).
					SetTableProject("p").SetTableDataset("d").SetTableName(fmt.Sprint("t", i)).SetTableType("TABLE").SetOwnerID(b.user.ID).SetState("READY").SaveX(b.ctx)
				tables = append(tables, d.ID)
			}
			var refused error
			b.python.calls = func(ask func(method, args string) (any, error)) {
				_, refused = ask("query", `{"sql":"SELECT 1"`+c.args+`}`)
			}
			// run_sql chooses in the same way.
			tool := json.RawMessage(`{"sql":"SELECT 22"` + c.args + `}`)
			b.model.then(calls("run_sql", string(tool)), python("mark"), says("Done."))
			b.ask(agent.Question{Text: "q", DatasetIDs: tables})
			for connection, w := range asked {
				want := 0
				if connection == c.want {
					want = 2
				}
				if len(w.ran) != want {
					t.Errorf("%s ran %d queries, want %d", connection, len(w.ran), want)
				}
			}
			if c.want == "" && (refused == nil || !strings.Contains(refused.Error(), "Say which connection: lake, shop.")) {
				t.Errorf("refused with %v", refused)
			}
		})
	}
}
