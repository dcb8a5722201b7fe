package injection

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
)

// TestFiguresFetchNothing draws figures that would have a browser turn to an
// address: in events, outputs and the answer they do not.
func TestFiguresFetchNothing(t *testing.T) {
	machine := &machine{}
	w := newWorld(t, auth.Guard, machine, machine)
	raw, err := os.ReadFile("testdata/figures.json")
	must(t, err)
	var figures []json.RawMessage
	must(t, json.Unmarshal([]byte(w.fill().Replace(string(raw))), &figures))
	for _, f := range figures { // else it would test nothing
		if len(fetches(f, w.sink.address())) == 0 && !strings.Contains(string(f), "data "+w.sink.address()) {
			t.Errorf("a browser would fetch nothing of %s", f)
		}
	}
	machine.next(table{column: "price", cell: "3", file: "sales.csv"})
	machine.shows("drawn", "", figures...)
	d := w.upload(w.ada, "Sales", "sales.csv", "price\n3\n")
	w.model.begin(attack{ID: "figures", Place: inPrinted}, w.fill(), d.ID)
	sent, err := w.agent.Send(w.ada, agent.Question{Text: "Draw it.", DatasetIDs: []string{d.ID}})
	must(t, err)
	r := w.attend(sent.Run.ID, func(_ place, otherwise string) string { return otherwise })
	r.requests, r.ran, r.approved, r.sink = w.wire.Requests(), machine.programs(), machine.programs(), w.sink.address()
	r.frame = frameOf(r.requests[0])
	for _, problem := range r.check() {
		t.Error(problem)
	}
	charts := 0
	for _, p := range r.parts {
		if p.Answer != nil {
			charts = len(p.Answer.Charts)
		}
	}
	if len(figures) < 30 || charts < len(figures)/2 {
		t.Errorf("of %d figures %d are charts of the answer", len(figures), charts)
	}
}
