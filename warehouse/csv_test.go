package warehouse

import (
	"io"
	"math"
	"strings"
	"testing"
)

// Rows are the same lines of CSV whether they come from a warehouse or from a file
// of theirs.
func TestAppendCSV(t *testing.T) {
	rows := [][]any{
		{nil, "", "plain", "a,b", "say \"hi\"", "two\nlines", "\r"},
		{int64(math.MinInt64), 0.1, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), true},
		{[]any{int64(1), nil, "x"}, Record{Names: []string{"z", "a"}, Values: []any{math.Inf(1), []any{}}}, false},
		{nil},
		{""},
		{"<grüße>"},
	}
	want := `,"",plain,"a,b","say ""hi""","two
lines","` + "\r" + `"
-9223372036854775808,0.1,1e+300,NaN,Infinity,-Infinity,true
"[1,null,""x""]","{""z"":""Infinity"",""a"":[]}",false

""
<grüße>
`
	var direct []byte
	var lines strings.Builder
	if _, err := WriteJSONLines(t.Context(), &lines, &fixed{rows: append([][]any{}, rows...), err: io.EOF}); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		var err error
		if direct, err = AppendCSV(direct, row); err != nil {
			t.Fatal(err)
		}
	}
	if string(direct) != want {
		t.Errorf("rows are\n%q, want\n%q", direct, want)
	}
	var again []byte
	for line := range strings.Lines(lines.String()) {
		var err error
		if again, err = AppendCSVOfLine(again, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if string(again) != want {
		t.Errorf("rows of a file are\n%q, want\n%q", again, want)
	}
	if _, err := AppendCSVOfLine(nil, []byte("{")); err == nil {
		t.Error("what is no row is one")
	}
}
