package main

import (
	"strings"
	"testing"
)

// People without a warehouse have SQL over their files: it runs in the chat's session,
// goes on in Python, costs nothing, and reads nothing but the files.
func TestFilesAreAskedWithSQL(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		model := withModel(t,
			runSQL("SELECT species, count(*) AS n, sum(body_mass_g) AS grams FROM penguins GROUP BY ALL ORDER BY species"),
			python("import mark\ndf = mark.result('s1.o1')\nprint(df.n.sum(), list(df.species), df.n.dtype)\n"+
				"try:\n    mark.query('SELECT 1')\nexcept mark.Error as e:\n    print(e)\nprint(mark.sql('SELECT count(*) AS n FROM penguins').n[0])"),
			runSQL("SELECT * FROM pinguins"), runSQL("COPY penguins TO '/tmp/x.csv'"), runSQL("SELECT * FROM read_text('/etc/passwd')"),
			says("There are 344."))
		s := start(t, url, model)
		ada := s.signUp("ada@example.org")
		data := ada.sample("penguins")
		_, run := ada.ask("", "How many are there of each species?", data)
		ada.answered(run)
		out := ada.stdout(run, 1)
		if lines := strings.Split(out, "\n"); len(lines) != 3 || lines[0] != "344 ['Adelie', 'Chinstrap', 'Gentoo'] Int64" || !strings.Contains(lines[1], "mark.sql") || lines[2] != "344" {
			t.Errorf("Python printed %q", out)
		}
		got := ada.do(`query($id: ID!) `+detailFields, vars{"id": run})
		details := got.at("node", "queryDetails").([]any)
		want := []string{"SUCCEEDED ", "REFUSED WAREHOUSE_NOT_FOUND", "REFUSED SQL_FORBIDDEN", "REFUSED SQL_FORBIDDEN"}
		if len(details) != len(want) {
			t.Fatalf("details %v", details)
		}
		for i, d := range details {
			code := ""
			if failed := dig(t, d, "error"); failed != nil {
				code = dig(t, failed, "code").(string)
			}
			if state := dig(t, d, "state").(string) + " " + code; state != want[i] || dig(t, d, "connection") != "files" || dig(t, d, "dialect") != "DuckDB" || dig(t, d, "bytesBilled") != "0" {
				t.Errorf("query %d: %v, want %s", i, d, want[i])
			}
		}
		table := ada.run(run).at("node", "steps", 0, "outputs", 0, "table")
		if rows := dig(t, table, "rows").([]any); len(rows) != 3 || dig(t, table, "rows", 0, 0) != "Adelie" {
			t.Errorf("the table is %v", table)
		}
		if wrong := dig(t, ada.run(run).at("node", "steps", 2), "error", "message").(string); !strings.Contains(wrong, "penguins") {
			t.Errorf("of a wrong name it is said %q", wrong)
		}
	})
}
