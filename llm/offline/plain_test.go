package offline_test

import (
	"strings"
	"testing"

	"github.com/mark-analyst/mark/llm/offline/internal/profiles"
)

// TestSmallDataIsSpokenOfPlainly asks about a table in which groups are tied and
// filters leave a row or two.
func TestSmallDataIsSpokenOfPlainly(t *testing.T) {
	orders := profiles.New("orders", []string{"region", "product", "units", "sold_on"}, [][]string{
		{"north", "desk", "1", "2024-01-01"}, {"north", "lamp", "3", "2024-02-01"},
		{"south", "desk", "2", "2024-01-01"}, {"south", "lamp", "2", "2024-02-01"},
	})
	const assumption = "You did not say how to sum up"
	a := newAgent(t, realPython(t, orders), orders)
	for _, tt := range []struct {
		question  string
		want, not []string
	}{
		{"total units by region", []string{"The total units is the same for all 2 groups: 4 (north; south).", "only 2 rows"}, []string{"highest", assumption}},
		{"only north", []string{"Among the rows where region is north: the total units is 4 for north, over 2 rows."}, []string{"smallest", "Over all"}},
		{"which region has the highest units?", []string{"2 of 2 groups share the highest total units, 4: north; south.", assumption}, nil},
		{"count by region", []string{"The 4 rows fall into 2 groups of 2 rows each: north; south."}, nil},
		{"average units by product", []string{"The mean units is highest for lamp (2.50)"}, nil},
		{"share of units by region", []string{"All 2 groups have the same share of units, 50.0%"}, nil},
		{"units by region and product", nil, []string{assumption, "smallest"}},
		{"units of lamp in the north", []string{"units is 3 (lamp, north)."}, []string{assumption, "rows", "total"}},
		{"monthly units by product", []string{"desk: the total units was 3 in 2024-01, the only month.", "lamp: the total units was 5 in 2024-02, the only month."}, []string{"went from", "%"}},
		{"which region has the highest units in 2024-01 for desk and south?", []string{"there is one group only, south: its total units is 2."}, []string{"of 1 group"}},
		{"how many orders have units over 2", []string{"1 of 4 rows (25.0%) has units > 2."}, nil},
	} {
		e := a.ask(tt.question)
		if e.final == nil {
			t.Errorf("%q: no answer but %q", tt.question, e.text)
			continue
		}
		said := e.final.Story + "\n" + strings.Join(e.final.Caveats, "\n")
		for _, want := range tt.want {
			if !strings.Contains(strings.ReplaceAll(said, `\>`, ">"), want) {
				t.Errorf("%q: %q is not in the answer:\n%s", tt.question, want, said)
			}
		}
		for _, not := range append(tt.not, "1 rows", "(s)") {
			if strings.Contains(said, not) {
				t.Errorf("%q: %q is in the answer:\n%s", tt.question, not, said)
			}
		}
	}
}

// TestATrendThatEndsWhereItBeganIsNoChange asks for a course whose ends are equal.
func TestATrendThatEndsWhereItBeganIsNoChange(t *testing.T) {
	visits := profiles.New("visits", []string{"door", "people", "year"}, [][]string{
		{"front", "4", "2001"}, {"front", "7", "2002"}, {"front", "4", "2003"},
		{"back", "1", "2001"}, {"back", "9", "2002"}, {"back", "1", "2003"},
	})
	a := newAgent(t, realPython(t, visits), visits)
	for text, want := range map[string]string{
		"total people over time":         "The total people was 5 both in 2001 and in 2003.",
		"total people by door over time": "front: the total people was 4 both in 2001 and in 2003.",
	} {
		e := a.ask(text)
		if e.final == nil || !strings.Contains(e.final.Story, want) || strings.Contains(e.final.Story, "0.0%") {
			t.Errorf("%q: %q is not in the answer: %+v %s", text, want, e.final, e.text)
		}
	}
}
