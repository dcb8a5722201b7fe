package program

import (
	"testing"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

func TestFiltersAsPythonAndInWords(t *testing.T) {
	text := question.Column{Name: "a\"b", Type: question.String}
	number := question.Column{Name: "n", Type: question.Float}
	year := question.Column{Name: "year", Type: question.Integer, Min: "1990", Max: "2020"}
	day := question.Column{Name: "d", Type: question.Date}
	flag := question.Column{Name: "ok", Type: question.Boolean}
	tests := []struct {
		filter        question.Filter
		python, words string
	}{
		{question.Filter{Column: text, Op: question.Eq, Values: []string{`x"); import os #`}}, `df["a\"b"] == "x\"); import os #"`, `a"b = x"); import os #`},
		{question.Filter{Column: text, Op: question.Ne, Values: []string{"x"}}, `df["a\"b"] != "x"`, `a"b other than x`},
		{question.Filter{Column: text, Op: question.In, Values: []string{"x", "y"}}, `df["a\"b"].isin(["x", "y"])`, `a"b = x or y`},
		{question.Filter{Column: text, Op: question.NotIn, Values: []string{"x", "y"}}, `~df["a\"b"].isin(["x", "y"])`, `a"b neither x nor y`},
		{question.Filter{Column: text, Op: question.Unknown}, `df["a\"b"].isna()`, `a"b missing`},
		{question.Filter{Column: text, Op: question.Known}, `df["a\"b"].notna()`, `a"b known`},
		{question.Filter{Column: number, Op: question.Gt, Values: []string{"4000.5"}}, `df["n"] > 4000.5`, "n > 4,000.5"},
		{question.Filter{Column: number, Op: question.Ge, Values: []string{"1234567"}}, `df["n"] >= 1234567`, "n >= 1,234,567"},
		{question.Filter{Column: number, Op: question.Between, Values: []string{"-1000", "5"}}, `df["n"].between(-1000, 5)`, "n from -1,000 to 5"},
		{question.Filter{Column: number, Op: question.Eq, Values: []string{"__import__('os')"}}, `df["n"] == "__import__('os')"`, "n = __import__('os')"},
		{question.Filter{Column: year, Op: question.Eq, Values: []string{"2007"}}, `df["year"] == 2007`, "year = 2007"},
		{question.Filter{Column: flag, Op: question.Eq, Values: []string{"True"}}, `df["ok"] == True`, "ok = True"},
		{question.Filter{Column: day, Op: question.Eq, Values: []string{"2024"}}, `(df["d"] >= "2024-01-01") & (df["d"] < "2025-01-01")`, "d = 2024"},
		{question.Filter{Column: day, Op: question.Eq, Values: []string{"2024-02"}}, `(df["d"] >= "2024-02-01") & (df["d"] < "2024-03-01")`, "d = 2024-02"},
		{question.Filter{Column: day, Op: question.Eq, Values: []string{"2024-02-29"}}, `(df["d"] >= "2024-02-29") & (df["d"] < "2024-03-01")`, "d = 2024-02-29"},
		{question.Filter{Column: day, Op: question.Gt, Values: []string{"2023"}}, `df["d"] >= "2024-01-01"`, "d > 2023"},
		{question.Filter{Column: day, Op: question.Ge, Values: []string{"2023"}}, `df["d"] >= "2023-01-01"`, "d >= 2023"},
		{question.Filter{Column: day, Op: question.Le, Values: []string{"2023-06"}}, `df["d"] < "2023-07-01"`, "d <= 2023-06"},
		{question.Filter{Column: day, Op: question.Lt, Values: []string{"2023-06"}}, `df["d"] < "2023-06-01"`, "d < 2023-06"},
		{question.Filter{Column: day, Op: question.Between, Values: []string{"2023-11", "2024-01-15"}}, `(df["d"] >= "2023-11-01") & (df["d"] < "2024-01-16")`, "d from 2023-11 to 2024-01-15"},
	}
	for _, tt := range tests {
		if got := condition([]question.Filter{tt.filter}); got != tt.python {
			t.Errorf("%v as Python:\n got %s\nwant %s", tt.filter, got, tt.python)
		}
		if got := Words([]question.Filter{tt.filter}); got != tt.words {
			t.Errorf("%v in words:\n got %s\nwant %s", tt.filter, got, tt.words)
		}
	}
}

func TestOnlyAReaderLoads(t *testing.T) {
	for given, want := range map[string]string{
		`pd.read_csv("/mnt/data/x.csv")`:                                     `pd.read_csv("/mnt/data/x.csv")`,
		`pd.read_csv("/mnt/data/x.csv", sep=";", na_values=["-"], header=0)`: `pd.read_csv("/mnt/data/x.csv", sep=";", na_values=["-"], header=0)`,
		`pd.read_excel("/mnt/data/x.xlsx", sheet_name="Sheet (1)")`:          `pd.read_excel("/mnt/data/x.xlsx", sheet_name="Sheet (1)")`,
		"":                                     `pd.read_csv("/mnt/data/x.csv")`,
		"pd.read_csv('x')\nimport os":          `pd.read_csv("/mnt/data/x.csv")`,
		`pd.read_csv("x"); import os`:          `pd.read_csv("/mnt/data/x.csv")`,
		`__import__("os").system("x")`:         `pd.read_csv("/mnt/data/x.csv")`,
		`pd.read_csv("x", sep="` + "\n" + `")`: `pd.read_csv("/mnt/data/x.csv")`,
	} {
		if got := Load(question.Dataset{File: "x.csv", Load: given}); got != want {
			t.Errorf("Load of %q = %s, want %s", given, got, want)
		}
	}
	if got := Load(question.Dataset{File: `a"b.tsv`}); got != `pd.read_csv("/mnt/data/a\"b.tsv", sep="\t")` {
		t.Errorf("Load of a file with a quotation mark = %s", got)
	}
}
