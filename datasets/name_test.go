package datasets

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/fault"
)

func TestCleanFileName(t *testing.T) {
	for in, want := range map[string]string{
		"sales.csv":              "sales.csv",
		"../../etc/passwd":       "passwd",
		`C:\Users\me\sales.xlsx`: "sales.xlsx",
		"a\x00b\n\x1b[31mc.csv":  "ab [31mc.csv",
		"  sales  2024 .csv ":    "sales 2024 .csv",
		"u\u0308ber.csv":         "über.csv",
		"evil\u202evsc.exe":      "evilvsc.exe",
		"":                       "data",
		"/":                      "data",
		"..":                     "data",
		".csv":                   "csv",
		"\xff\xfe.csv":           "\uFFFD.csv",
		"名前.csv":                 "名前.csv",
		`say "hi'.csv`:           `say "hi'.csv`,
	} {
		if got := cleanFileName(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestCleanName(t *testing.T) {
	longest := strings.Repeat("ü", 200) // 400 bytes: characters count
	for _, test := range []struct{ in, want string }{
		{"Sales\n2024", "Sales 2024"},
		{" \u202e\x00 \n", "file.csv"},
		{longest, longest},
	} {
		if got, err := cleanName(test.in, "file.csv"); got != test.want || err != nil {
			t.Errorf("%q became %q, %v", test.in, got, err)
		}
	}
	_, err := cleanName(longest+"ü", "file.csv")
	if f, ok := fault.As(err); !ok || f.Code != fault.BadUserInput || f.Field != "name" || !strings.Contains(f.Message, "201 characters") {
		t.Errorf("201 characters: %v", err)
	}
}

func FuzzCleanFileName(f *testing.F) {
	f.Add(strings.Repeat("ä", 200) + ".parquet")
	f.Add("a." + strings.Repeat("b", 200))
	f.Add(strings.Repeat(". ", 100))
	f.Fuzz(func(t *testing.T, in string) {
		got := cleanFileName(in)
		if got == "" || got == "." || got == ".." || len(got) > maxFileName || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\n") {
			t.Errorf("%q became %q", in, got)
		}
		if again := cleanFileName(got); again != got {
			t.Errorf("not settled: %q, %q", got, again)
		}
	})
}
