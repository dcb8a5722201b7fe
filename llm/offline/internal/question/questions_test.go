package question_test

import (
	"os"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/llm/offline/internal/profiles"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// TestQuestions reads the questions of testdata/questions.txt. A line is a
// question, "=>" and how it is to be read; "@name" changes the data set, "> " in
// front makes it a follow-up of the line before.
func TestQuestions(t *testing.T) {
	table, err := os.ReadFile("testdata/questions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var data question.Dataset
	var ctx question.Context
	questions := 0
	for line := range strings.Lines(string(table)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "@"); ok {
			data = profile(t, name)
			continue
		}
		text, want, ok := strings.Cut(line, " => ")
		if !ok {
			t.Fatalf("no reading in %q", line)
		}
		text, followUp := strings.CutPrefix(text, "> ")
		if !followUp {
			ctx = question.Context{}
		}
		questions++
		r := data.Read(text, ctx)
		if got := brief(r); got != strings.TrimSpace(want) {
			t.Errorf("%s: %q\n got %s\nwant %s", data.Name, text, got, want)
		}
		ctx.Pending = r.Partial != nil
		if r.Query != nil {
			ctx.Previous = r.Query
		} else if r.Partial != nil {
			ctx.Previous = r.Partial
		}
	}
	if questions < 120 {
		t.Errorf("only %d questions were read", questions)
	}
}

func profile(t testing.TB, name string) question.Dataset {
	t.Helper()
	switch name {
	case "penguins":
		return profiles.Penguins(t).Profile
	case "gapminder":
		return profiles.Gapminder(t).Profile
	case "sales":
		return profiles.Sales().Profile
	case "ledger":
		return profiles.Ledger().Profile
	}
	t.Fatalf("no data set is called %q", name)
	return question.Dataset{}
}
