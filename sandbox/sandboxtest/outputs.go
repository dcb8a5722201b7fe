package sandboxtest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/execution"
)

// table runs code that must show exactly one table.
func (s session) table(t *testing.T, code string) execution.Table {
	t.Helper()
	o := s.one(t, code, execution.MIMETable)
	if o.Table == nil {
		t.Fatalf("%s\nshowed a table output without a table", code)
	}
	return *o.Table
}

func sameTable(t *testing.T, got, want execution.Table) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table differs (-want +got):\n%s", diff)
	}
}

func outputCases() []testCase {
	return []testCase{
		{name: "the last expression", run: func(t *testing.T, s session) {
			if got := s.one(t, "x = 'a'\nx * 3", execution.MIMEText).Text; got != "'aaa'" {
				t.Errorf("showed %q", got)
			}
			for _, quiet := range []string{"None", "x = 5", "5;", "(5) ;  # no", "for i in range(3): i"} {
				if o := s.ok(t, quiet); len(o.outputs) != 0 {
					t.Errorf("%q showed %v", quiet, o.order)
				}
			}
			if got := s.one(t, "'a;'", execution.MIMEText).Text; got != "'a;'" {
				t.Errorf("showed %q", got)
			}
		}},
		{name: "a long repr is cut", run: func(t *testing.T, s session) {
			if got := s.one(t, "'x' * 10_000_000", execution.MIMEText).Text; len(got) > 70_000 || !strings.Contains(got, "characters") {
				t.Errorf("showed %d bytes", len(got))
			}
		}},
		{name: "long outputs of long characters", run: func(t *testing.T, s session) {
			if got := s.one(t, "'🐧' * 10_000_000", execution.MIMEText).Text; !strings.HasPrefix(got, "'🐧🐧") || !utf8.ValidString(got) {
				t.Errorf("showed %d bytes", len(got))
			}
			got := s.table(t, "pd.DataFrame([['🐧' * 5000] * 200] * 60)")
			if len(got.Columns) != 200 || len(got.Rows) == 0 || len(got.Rows) == 50 || !got.Truncated || got.RowCount != 60 {
				t.Errorf("%d columns, %d of %d rows", len(got.Columns), len(got.Rows), got.RowCount)
			}
			s.fails(t, "display_json(['x' * 1000] * 10_000)", "ValueError")
			s.fails(t, "import sys\nsys.setrecursionlimit(100_000)\ndeep = []\nfor _ in range(20_000): deep = [deep]\ndisplay_json(deep)", "ValueError")
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "HTML leaves as a file", run: func(t *testing.T, s session) {
			o := s.one(t, "class Map:\n    def _repr_html_(self): return '<b>here</b><script>alert(1)</script>'\nMap()", execution.MIMEFile)
			if o.Artifact.MIMEType != "text/html" || o.Artifact.Name != "Map.html" {
				t.Errorf("an artifact %q of type %s", o.Artifact.Name, o.Artifact.MIMEType)
			}
			contains(t, "the page", content(t, o), "<b>here</b>", "<!doctype html>")
			// Where there are words too, they can be read at once.
			if got := s.ok(t, "class Told(Map):\n    def __repr__(self): return 'a map of here'\nTold()"); len(got.outputs) != 2 ||
				got.outputs[0].Text != "a map of here" || got.outputs[1].Artifact.MIMEType != "text/html" {
				t.Errorf("showed %v", got.order)
			}
			// And where there is something better, it is not for HTML.
			s.table(t, "pd.DataFrame({'a': [1]})")
			s.one(t, "class Nothing:\n    def _repr_html_(self): return None\nNothing()", execution.MIMEText)
			s.one(t, "Map", execution.MIMEText)
			s.one(t, "from sklearn.linear_model import LinearRegression\nLinearRegression()", execution.MIMEText)
			s.fails(t, "class Broken:\n    def _repr_html_(self): raise LookupError('no page')\nBroken()", "LookupError")
		}},
		{name: "a data frame", run: func(t *testing.T, s session) {
			sameTable(t, s.table(t, "pd.DataFrame({'city': ['Brno', None], 'pop': [400_000, 1], 'r': [0.5, float('nan')], 'ok': [True, False]})"),
				execution.Table{
					Columns:  []string{"city", "pop", "r", "ok"},
					Rows:     [][]any{{"Brno", 4e5, 0.5, true}, {nil, 1., nil, false}},
					RowCount: 2,
				})
		}},
		{name: "cells that JSON cannot hold", run: func(t *testing.T, s session) {
			sameTable(t, s.table(t, `import datetime, decimal
pd.DataFrame({
  "int": [2**53 + 1, 7], "inf": [np.inf, -1.5], "day": pd.to_datetime(["2024-02-29", None]),
  "time": pd.to_datetime(["2024-02-29 10:30", "2024-02-29 00:00"]), "f32": np.array([0.1, 2], "float32"),
  "date": [datetime.date(2020, 1, 2), None], "dec": [decimal.Decimal("1.10"), decimal.Decimal("NaN")],
  "list": [[1, "a"], {"k": None}], "na": pd.array([1, None], dtype="Int64"), "cat": pd.Categorical(["x", None]),
})`), execution.Table{
				Columns: []string{"int", "inf", "day", "time", "f32", "date", "dec", "list", "na", "cat"},
				Rows: [][]any{
					{"9007199254740993", nil, "2024-02-29", "2024-02-29T10:30:00", 0.1, "2020-01-02", 1.1, `[1, "a"]`, 1., "x"},
					{7., -1.5, nil, "2024-02-29T00:00:00", 2., nil, nil, `{"k": null}`, nil, nil},
				},
				RowCount: 2,
			})
		}},
		{name: "cells of endless digits are cut", run: func(t *testing.T, s session) {
			got := s.table(t, `import decimal
class Moment:
    def isoformat(self): return "m" * 5000
pd.DataFrame({"int": [10**4200], "more": [-10**5000], "dec": [decimal.Decimal("1" * 5000)], "iso": [Moment()]})`)
			for i, want := range []string{"1000", "a negative integer of 16,610 bits", "1111", "mmmm"} {
				if cell, ok := got.Rows[0][i].(string); !ok || !strings.HasPrefix(cell, want) || utf8.RuneCountInString(cell) > 1000 {
					t.Errorf("%s is shown as %v", got.Columns[i], got.Rows[0][i])
				}
			}
		}},
		{name: "a relation that is another at each look", run: func(t *testing.T, s session) {
			// Fewer rows are counted than were shown.
			got := s.table(t, `import duckdb
seen = []
def is_early(_: int) -> bool:
    seen.append(1)
    return len(seen) <= 200
looks = duckdb.connect()
looks.create_function("is_early", is_early, side_effects=True)
looks.sql("SELECT * FROM range(200) AS all_of_them(n) WHERE is_early(n)")`)
			if len(got.Rows) != 50 || got.RowCount < 50 || !got.Truncated {
				t.Errorf("%d rows of %d, truncated %v", len(got.Rows), got.RowCount, got.Truncated)
			}
		}},
		{name: "the head of a long frame", run: func(t *testing.T, s session) {
			got := s.table(t, "pd.DataFrame({'n': range(1000)})")
			if len(got.Rows) != 50 || got.RowCount != 1000 || !got.Truncated || got.Rows[49][0] != 49. {
				t.Errorf("%d rows of %d, truncated %v", len(got.Rows), got.RowCount, got.Truncated)
			}
		}},
		{name: "a wide frame", run: func(t *testing.T, s session) {
			got := s.table(t, "pd.DataFrame([range(3000)])")
			if len(got.Columns) != 200 || !got.Truncated || got.Columns[199] != "199" {
				t.Errorf("%d columns, truncated %v", len(got.Columns), got.Truncated)
			}
		}},
		{name: "an index that says something is kept", run: func(t *testing.T, s session) {
			s.ok(t, "df = pd.DataFrame({'k': ['a', 'b', 'a'], 'v': [1, 2, 3]})")
			sameTable(t, s.table(t, "df.groupby('k').agg({'v': ['sum', 'max']})"), execution.Table{
				Columns: []string{"k", "v_sum", "v_max"}, Rows: [][]any{{"a", 4., 3.}, {"b", 2., 2.}}, RowCount: 2,
			})
			sameTable(t, s.table(t, "df[df.v > 1].sort_values('v', ascending=False)"), execution.Table{
				Columns: []string{"k", "v"}, Rows: [][]any{{"a", 3.}, {"b", 2.}}, RowCount: 2,
			})
			sameTable(t, s.table(t, "df['k'].value_counts()"), execution.Table{
				Columns: []string{"k", "count"}, Rows: [][]any{{"a", 2.}, {"b", 1.}}, RowCount: 2,
			})
			sameTable(t, s.table(t, "pd.Series([5], index=['x'])"), execution.Table{
				Columns: []string{"", "value"}, Rows: [][]any{{"x", 5.}}, RowCount: 1,
			})
		}},
		{name: "empty frames", run: func(t *testing.T, s session) {
			sameTable(t, s.table(t, "pd.DataFrame()"), execution.Table{Columns: []string{}, Rows: [][]any{}})
			sameTable(t, s.table(t, "pd.DataFrame({'a': []})"), execution.Table{Columns: []string{"a"}, Rows: [][]any{}})
		}},
		{name: "tables of other libraries", run: func(t *testing.T, s session) {
			want := execution.Table{Columns: []string{"n"}, Rows: [][]any{{1.}, {2.}}, RowCount: 2}
			sameTable(t, s.table(t, "import pyarrow as pa\npa.table({'n': [1, 2]})"), want)
			sameTable(t, s.table(t, "import duckdb\nduckdb.sql('select unnest([1, 2]) as n')"), want)
			if got := s.table(t, "duckdb.sql('select * from range(1000)')"); got.RowCount != 1000 || !got.Truncated {
				t.Errorf("%d rows of %d", len(got.Rows), got.RowCount)
			}
		}},
		{name: "display shows in order, with a title", run: func(t *testing.T, s session) {
			o := s.ok(t, "print('a')\ndisplay(pd.DataFrame({'x': [1]}), title='One')\nprint('b')\ndisplay(1, 2)\nprint('c')")
			want := []string{"out:a\n", execution.MIMETable, "out:b\n", execution.MIMEText, execution.MIMEText, "out:c\n"}
			if diff := cmp.Diff(want, o.order); diff != "" {
				t.Errorf("the order differs (-want +got):\n%s", diff)
			}
			if o.outputs[0].Title != "One" {
				t.Errorf("the title is %q", o.outputs[0].Title)
			}
		}},
		{name: "display_json", run: func(t *testing.T, s session) {
			o := s.one(t, `display_json({"a": np.int64(3), "b": [np.nan, pd.Timestamp("2024-01-02")], 5: np.arange(2), "c": "\x00\ud800"}, title="J")`, execution.MIMEJSON)
			var got any
			if err := json.Unmarshal(o.JSON, &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"a": 3., "b": []any{nil, "2024-01-02T00:00:00"}, "5": []any{0., 1.}, "c": "\uFFFD?"}
			if diff := cmp.Diff(want, got); diff != "" || o.Title != "J" {
				t.Errorf("title %q, JSON differs (-want +got):\n%s", o.Title, diff)
			}
		}},
		{name: "no more outputs than the limit", spec: limited(execution.Limits{Outputs: 3}), run: func(t *testing.T, s session) {
			o := s.ok(t, "for i in range(10): display(i)\nprint('end')")
			if len(o.outputs) != 3 || !o.result.Truncated || !strings.HasSuffix(o.stdout, "end\n") {
				t.Errorf("%d outputs, truncated %v", len(o.outputs), o.result.Truncated)
			}
			o.noticed(t, execution.NoticeOutputs, "7 more", "3 at most")
		}},
		{name: "hostile column names", run: func(t *testing.T, s session) {
			got := s.table(t, `pd.DataFrame([[1, 2]], columns=["a\x00\x1b[31m\n\U000e0041b", "x" * 10_000])`)
			if name := got.Columns[0]; strings.ContainsAny(name, "\x00\x1b\n\U000e0041") || len(got.Columns[1]) > 2100 {
				t.Errorf("columns %q", got.Columns)
			}
		}},
		{name: "showing is stopped too", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			o := s.try(t, ctx, "import time\nclass Slow:\n    def __repr__(self):\n        print('in')\n        time.sleep(60)\nSlow()",
				func(execution.Event) { cancel() })
			o.ends(t, execution.CodeCancelled, false)
		}},
	}
}
