package samples

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSamplesHoldWhatTheyPromise(t *testing.T) {
	want := map[string]struct {
		rows    int
		columns []string
	}{
		"penguins": {344, []string{"species", "island", "bill_length_mm", "bill_depth_mm",
			"flipper_length_mm", "body_mass_g", "sex", "year"}},
		"gapminder": {1704, []string{"country", "continent", "year", "lifeExp", "pop", "gdpPercap"}},
	}
	licences, err := os.ReadFile("LICENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	all := All()
	if len(all) != len(want) {
		t.Fatalf("All returned %d samples, want %d", len(all), len(want))
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			f, err := s.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			sum := sha256.New()
			records, err := csv.NewReader(io.TeeReader(f, sum)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[s.Name].columns, records[0]); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			if got := len(records) - 1; got != want[s.Name].rows {
				t.Errorf("rows = %d, want %d", got, want[s.Name].rows)
			}
			if digest := hex.EncodeToString(sum.Sum(nil)); !strings.Contains(string(licences), digest) {
				t.Errorf("LICENCES.md does not name the digest %s of %s", digest, s.File)
			}
			if s.Title == "" || s.Description == "" || s.Licence == "" || s.Attribution == "" {
				t.Errorf("a field is empty: %+v", s)
			}
		})
	}
}

func TestFindKnowsOnlyTheSamples(t *testing.T) {
	if s, ok := Find("gapminder"); !ok || s.File != "gapminder.csv" {
		t.Errorf("Find(gapminder) = %+v, %v", s, ok)
	}
	if s, ok := Find("../secrets"); ok {
		t.Errorf("Find(../secrets) = %+v, want nothing", s)
	}
	if _, err := (Sample{Name: "made up", File: "samples.go"}).Open(); err == nil {
		t.Error("opening a file that is not a sample succeeded")
	}
}
