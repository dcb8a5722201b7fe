package agent

import (
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

func TestCheckNumbers(t *testing.T) {
	shown := evidence{list: []Evidence{
		{Path: "s1.stdout", Output: &Output{Text: "mean 4201.754 g over 342 rows, share 0.4237, 1.25e6 people, -3.5; 2008,114"}},
		{Path: "s1.o1", Output: &Output{Table: &execution.Table{Columns: []string{"a"}, Rows: [][]any{{float64(5076)}, {"1,234.5"}}, RowCount: 17}}},
	}}
	for name, tc := range map[string]struct {
		story string
		want  []string // numbers flagged
	}{
		"exact":                {"4201.754 of 342", nil},
		"rounded":              {"about 4,202 g, or 4.2 thousand", nil},
		"wrong rounding":       {"about 4,203 g", []string{"4,203"}},
		"percent of a share":   {"42.4 % and 42%", nil},
		"wrong percent":        {"43 %", []string{"43 %"}},
		"millions":             {"1.3 million people", nil},
		"wrong millions":       {"1.4 million people", []string{"1.4 million"}},
		"table cells":          {"5,076 and 1,234.5 in 17 rows", nil},
		"small counts":         {"3 species on 2 islands", nil},
		"of the question":      {"since 2007", nil},
		"unsigned change":      {"fell by 3.5", nil},
		"code and numbering":   {"1. `x[999]`\n2. see [a](u777)", nil},
		"a number set as code": {"The result is `25%`, of ` 5,076 `.", []string{"25%"}},
		"cells without spaces": {"2008 had 114", nil},
		"part of a word":       {"column s99x and v1.2.345", nil},
		"a unit behind it":     {"4,202g of 3171.00g, 1,234.5mm and 999mm", []string{"3171.00", "999"}},
		"no unit behind it":    {"the 1990s, 45th, 3D, 0x2ff and 100abc", nil},
		"flagged once":         {"777 and again 777", []string{"777"}},
		"nothing shown of it":  {"It is 98.6.", []string{"98.6"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := shown.checkNumbers(tc.story, "What happened in 2007?")
			var flagged []string
			for _, c := range got {
				if c.Code != CheckNoEvidence {
					t.Errorf("code %s", c.Code)
				}
				flagged = append(flagged, c.Text)
			}
			if len(flagged) != len(tc.want) {
				t.Fatalf("flagged %q, want %q", flagged, tc.want)
			}
			for i, w := range tc.want {
				if !strings.Contains(flagged[i], " "+w+".") {
					t.Errorf("flagged %q, want %q", flagged[i], w)
				}
			}
		})
	}
}

func TestClipKeepsBothEnds(t *testing.T) {
	long := "begin" + strings.Repeat("ö", 10_000) + "end"
	got := clip(long, 1_000)
	if n := len([]rune(got)); n > 1_000 || n < 950 {
		t.Errorf("%d characters", n)
	}
	if !strings.HasPrefix(got, "begin") || !strings.HasSuffix(got, "end") || !strings.Contains(got, "left out") {
		t.Errorf("%q", got)
	}
	if clip("short", 10) != "short" {
		t.Error("a short text was changed")
	}
}
