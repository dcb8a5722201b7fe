package profile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const honest = `{"profile":{"format":"CSV","encoding":"utf-8","delimiter":",","hasHeader":true,"rowCount":2,
"columns":[{"name":"a","originalName":"a\u0000\u202e","type":"INTEGER","nullCount":0,"distinctCount":2,"min":"1","max":"2","samples":["1","2"]},
{"name":"b","originalName":"b","type":"STRING","nullCount":1,"distinctCount":1,"min":"x","max":"x","samples":["x"]}],
"sample":{"columns":["a","b"],"rows":[[1,"x"],[2,null]],"rowCount":2,"truncated":false},
"loadCode":"pd.read_csv('a.csv')","notes":["One."]}}`

func shown(text string) []execution.Output {
	return []execution.Output{
		{MIME: execution.MIMEText, Text: "noise"},
		{MIME: execution.MIMEJSON, Title: "mark.profile", JSON: json.RawMessage(text)},
	}
}

func TestParse(t *testing.T) {
	p, err := profile.Parse(shown(honest))
	if err != nil {
		t.Fatal(err)
	}
	if p.Columns[0].OriginalName != "a" || p.Sample.Rows[1][0] != 2. || p.LoadCode != "pd.read_csv('a.csv')" {
		t.Errorf("%+v", p)
	}
	_, err = profile.Parse(shown(`{"failure":{"code":"NO_ROWS","message":"No\u200b rows."}}`))
	if code(err) != profile.NoRows || !strings.Contains(err.Error(), "No rows.") {
		t.Errorf("a failure gives %v", err)
	}
}

// TestParseBelievesNothing changes one thing at a time of an honest profile.
func TestParseBelievesNothing(t *testing.T) {
	for name, change := range map[string][2]string{
		"a format":               {`"CSV"`, `"EXE"`},
		"no rows":                {`"rowCount":2,` + "\n", `"rowCount":0,`},
		"rows in the sample":     {`"rowCount":2,"truncated"`, `"rowCount":3,"truncated"`},
		"a column's type":        {`"INTEGER"`, `"integer"`},
		"a hidden name":          {`"name":"a"`, `"name":"a\u200b"`},
		"no name":                {`"name":"a"`, `"name":""`},
		"a name of two lines":    {`"name":"a"`, `"name":"a\nb"`},
		"a name twice":           {`"name":"a"`, `"name":"b"`},
		"an endless name":        {`"name":"a"`, `"name":"` + strings.Repeat("a", 201) + `"`},
		"more nulls than rows":   {`"nullCount":1`, `"nullCount":3`},
		"more values than rows":  {`"distinctCount":2`, `"distinctCount":3`},
		"negative nulls":         {`"nullCount":0`, `"nullCount":-1`},
		"six samples":            {`["1","2"]`, `["1","2","3","4","5","6"]`},
		"a sample's other names": {`"columns":["a","b"]`, `"columns":["a","c"]`},
		"a ragged sample":        {`[2,null]`, `[2]`},
		"a cell that is a list":  {`[2,null]`, `[2,[1]]`},
		"code of two lines":      {`pd.read_csv('a.csv')`, `1\nimport os`},
		"code that hides":        {`pd.read_csv('a.csv')`, `pd.read_csv('a\u202e.csv')`},
		"no code":                {`pd.read_csv('a.csv')`, ``},
		"an unknown field":       {`"notes"`, `"html":"x","notes"`},
		"both":                   {`{"profile"`, `{"failure":{"code":"NO_ROWS","message":"x"},"profile"`},
		"neither":                {honest, `{}`},
		"two values":             {honest, honest + honest},
		"no JSON":                {honest, `{`},
		"an unknown code":        {honest, `{"failure":{"code":"PROFILE_FAILED","message":"x"}}`},
		"a long delimiter":       {`"delimiter":","`, `"delimiter":",,"`},
		"an encoding's name":     {`"utf-8"`, `"utf-8\u0007"`},
		"twenty-one notes":       {`["One."]`, `["One."` + strings.Repeat(`,""`, 20) + `]`},
	} {
		changed := strings.Replace(honest, change[0], change[1], 1)
		if changed == honest {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := profile.Parse(shown(changed)); code(err) != profile.Failed {
			t.Errorf("%s: %v, want %s", name, err, profile.Failed)
		}
	}
	if _, err := profile.Parse(nil); code(err) != profile.Failed {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(honest)
	f.Add(`{"failure":{"code":"NO_ROWS","message":"x"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := profile.Parse(shown(text))
		if err != nil {
			if code(err) == "" {
				t.Fatalf("%v is no *Failure", err)
			}
			return
		}
		for _, c := range p.Columns {
			if c.Name != untrusted.Line(c.Name) || c.Min != untrusted.Clean(c.Min) {
				t.Fatalf("a column %+v", c)
			}
		}
	})
}
