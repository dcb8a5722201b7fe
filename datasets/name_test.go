package datasets

import (
	"strings"
	"testing"
	"unicode/utf8"
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
