package program

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/llm/offline/internal/profiles"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

var update = flag.Bool("update", false, "write the golden programs anew")

// TestGolden holds one program of every template to what was reviewed. That the
// programs run and that their numbers are right is tested in the sandbox.
func TestGolden(t *testing.T) {
	penguins, gapminder, sales := profiles.Penguins(t).Profile, profiles.Gapminder(t).Profile, profiles.Sales().Profile
	for name, tt := range map[string]struct {
		data     question.Dataset
		question string
	}{
		"describe":           {penguins, "describe the data"},
		"preview":            {penguins, "show the first 5 rows"},
		"columns":            {sales, "which columns are there?"},
		"count":              {penguins, "how many female penguins are there?"},
		"count_by":           {penguins, "how many penguins per species and island?"},
		"distinct":           {penguins, "which islands are there?"},
		"distinct_by":        {gapminder, "how many countries per continent?"},
		"top_rows":           {gapminder, "top 5 countries by population in 2007"},
		"top_groups":         {sales, "which product has the highest revenue?"},
		"aggregate":          {penguins, "median body mass"},
		"aggregate_by":       {penguins, "average body mass by species for males"},
		"trend":              {sales, "monthly revenue in 2024"},
		"trend_by":           {gapminder, "life expectancy over time by continent"},
		"distribution":       {penguins, "distribution of flipper length by species as a box plot"},
		"correlation_pair":   {penguins, "plot body mass against flipper length coloured by sex"},
		"correlation_matrix": {penguins, "correlation matrix"},
		"missing":            {penguins, "missing values"},
		"duplicates":         {sales, "duplicate order ids"},
		"outliers":           {sales, "outliers in revenue"},
		"compare":            {penguins, "compare Adelie and Gentoo by body mass"},
		"compare_many":       {penguins, "compare species"},
		"share_by":           {sales, "share of revenue by region"},
		"share_part":         {penguins, "what percentage of Gentoo penguins are female?"},
		"rows":               {penguins, "penguins with body mass over 5500"},
	} {
		t.Run(name, func(t *testing.T) {
			r := tt.data.Read(tt.question, question.Context{})
			if r.Query == nil {
				t.Fatalf("not understood: %+v", r)
			}
			p, err := Write(*r.Query, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, p.Code)
		})
	}
	t.Run("lookup", func(t *testing.T) {
		p, err := Lookup([]string{"Japan", "USA"}, gapminder)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "lookup", p.Code)
	})
}

func golden(t *testing.T, name, code string) {
	t.Helper()
	path := filepath.Join("testdata", name+".py")
	if *update {
		if err := os.WriteFile(path, []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), code); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, diff)
	}
}
