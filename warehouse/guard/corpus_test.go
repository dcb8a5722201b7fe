package guard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mark-analyst/mark/warehouse"
)

// entry is a statement of the corpus with its right verdict.
type entry struct {
	Name      string               `yaml:"name"`
	SQL       string               `yaml:"sql"`
	Long      int                  `yaml:"long"` // instead of SQL: a query of so many bytes
	Refused   string               `yaml:"refused"`
	Stage     warehouse.Stage      `yaml:"stage"`
	Verdict   warehouse.Verdict    `yaml:"verdict"`
	Type      *string              `yaml:"type"`
	Tables    []string             `yaml:"tables"`
	Many      int                  `yaml:"many"` // instead of Tables: so many
	Bytes     int64                `yaml:"bytes"`
	Inexact   bool                 `yaml:"inexact"`
	Views     warehouse.ViewPolicy `yaml:"views"`
	Known     []string             `yaml:"known"` // views
	Others    int                  `yaml:"others"`
	Wildcards bool                 `yaml:"wildcards"`
	SpentRun  int64                `yaml:"spent_run"`
	SpentDay  int64                `yaml:"spent_day"`
}

func corpus(t testing.TB) []entry {
	t.Helper()
	data, err := os.ReadFile("testdata/corpus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&entries); err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if e := &entries[i]; e.Long > 0 {
			e.SQL = "SELECT " + strings.Repeat("1+", (e.Long-8)/2) + strings.Repeat("1", e.Long-7-2*((e.Long-8)/2))
		}
	}
	return entries
}

func testGuard(t testing.TB, e entry) Guard {
	t.Helper()
	allow, err := NewAllowList([]string{"shop.sales.*", "shop.public.events_*", "shop.public.people"})
	if err != nil {
		t.Fatal(err)
	}
	return Guard{Allow: allow, Project: "shop", Policy: warehouse.Policy{
		BytesPerQuery: tib, BytesPerRun: 2 * tib, BytesPerUserDay: 4 * tib, ApprovalBytes: 10 << 30,
		MicrosPerTiB: 6_250_000, MaxSQLBytes: 100_000, Views: e.Views, Wildcards: e.Wildcards,
	}}
}

// facts is what the dry run says of an entry; nil when it says nothing.
func (e entry) facts(t testing.TB) *Facts {
	t.Helper()
	f := &Facts{Statement: "SELECT", Bytes: e.Bytes, Exact: !e.Inexact, Others: e.Others}
	if e.Type != nil {
		f.Statement = *e.Type
	}
	if f.Statement == "-" {
		return nil
	}
	for _, name := range e.Tables {
		f.Tables = append(f.Tables, ref(t, name))
	}
	for i := range e.Many {
		f.Tables = append(f.Tables, warehouse.TableRef{Project: "shop", Dataset: "sales", Table: fmt.Sprint("t", i)})
	}
	for _, name := range e.Known {
		f.Views = append(f.Views, ref(t, name))
	}
	return f
}

func ref(t testing.TB, name string) warehouse.TableRef {
	t.Helper()
	parts := strings.SplitN(name, ".", 3)
	if len(parts) != 3 {
		t.Fatalf("%q is no table", name)
	}
	return warehouse.TableRef{Project: parts[0], Dataset: parts[1], Table: parts[2]}
}

func TestCorpus(t *testing.T) {
	entries := corpus(t)
	if len(entries) < 150 {
		t.Fatalf("the corpus has %d statements", len(entries))
	}
	refused := 0
	for i, e := range entries {
		name := e.Name
		if name == "" {
			name = e.SQL
		}
		asked := false
		got, err := testGuard(t, e).Decide(t.Context(), warehouse.Query{SQL: e.SQL, Spent: warehouse.Spent{Run: e.SpentRun, UserDay: e.SpentDay}},
			func(context.Context) (*Facts, error) { asked = true; return e.facts(t), nil })
		want := e.expected()
		if e.Refused != "" {
			refused++
		}
		if got.Decision.Verdict != want.Verdict || got.Decision.Stage != want.Stage || reason(err) != e.Refused {
			t.Errorf("%d %q: %s by %s (%s), want %s by %s (%s): %v", i, name,
				got.Decision.Verdict, got.Decision.Stage, reason(err), want.Verdict, want.Stage, e.Refused, err)
		}
		if asked != (want.Stage != warehouse.StageLexical) {
			t.Errorf("%d %q: dry run asked: %t", i, name, asked)
		}
		if got.Decision.SQL != e.SQL || (err != nil) != (got.Decision.Verdict == warehouse.Refused) ||
			(got.Decision.Reason == "") != (got.Decision.Verdict == warehouse.Allowed) {
			t.Errorf("%d %q: the record is not whole: %+v, %v", i, name, got.Decision, err)
		}
		if got.Decision.Verdict != warehouse.Refused && got.MaxBilled < max(got.Decision.Billed, 1) {
			t.Errorf("%d %q: may bill %d of %d", i, name, got.MaxBilled, got.Decision.Billed)
		}
	}
	t.Logf("%d statements, %d of them refused", len(entries), refused)
}

// expected is the verdict and the stage that an entry asks for.
func (e entry) expected() warehouse.Decision {
	d := warehouse.Decision{Verdict: warehouse.Allowed, Stage: warehouse.StagePassed}
	if e.Refused != "" {
		d.Verdict, d.Stage = warehouse.Refused, warehouse.StageLexical
	}
	if e.Verdict != "" {
		d.Verdict = e.Verdict
	}
	if e.Stage != "" {
		d.Stage = e.Stage
	}
	return d
}

// reason is the lexical rule or else the code of a refusal.
func reason(err error) string {
	var lexical *LexicalError
	if errors.As(err, &lexical) {
		return string(lexical.Rule)
	}
	return string(warehouse.CodeOf(err))
}
