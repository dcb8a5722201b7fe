package bigquery

import (
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// A model that does whatever it is told sends every statement of the guard's
// corpus, and tries to run what came of it. The fake would run anything: nothing
// but queries over the list's tables reaches it, and none without a limit.
func TestModelThatObeysEverything(t *testing.T) {
	data, err := os.ReadFile("../guard/testdata/corpus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var corpus []struct {
		SQL string `yaml:"sql"`
	}
	if err := yaml.Unmarshal(data, &corpus); err != nil {
		t.Fatal(err)
	}
	fake := shop(t)
	w := open(t, fake, func(c *Config) { c.Policy.Wildcards = true })
	tried := 0
	for _, c := range corpus {
		if c.SQL == "" {
			continue
		}
		tried++
		plan, _ := w.Plan(t.Context(), warehouse.Query{SQL: c.SQL})
		plan.Verdict, plan.Approval = warehouse.Allowed, &warehouse.Approval{By: "the model", Billed: 1 << 60}
		if r, err := w.Run(t.Context(), plan); err == nil {
			r.Close()
		}
	}
	ran := fake.Ran()
	if tried < 150 || len(ran) < 20 {
		t.Fatalf("%d were tried and %d ran: too few to show anything", tried, len(ran))
	}
	for _, sql := range ran {
		if kind := bqfake.StatementType(sql); kind != "SELECT" {
			t.Errorf("%q ran and is %s", sql, kind)
		}
		if strings.Contains(sql, "secret.") || strings.Contains(sql, "other.") {
			t.Errorf("%q ran", sql)
		}
	}
	for i, most := range fake.Maxima() {
		if most <= 0 || most > w.config.Policy.BytesPerQuery {
			t.Errorf("%q may bill %d", ran[i], most)
		}
	}
	t.Logf("%d tried, %d ran", tried, len(ran))
}
