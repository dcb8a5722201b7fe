package question_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/llm/offline/internal/profiles"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

func TestAssumptionsAreOwnedUpTo(t *testing.T) {
	penguins, sales := profiles.Penguins(t).Profile, profiles.Sales().Profile
	gapminder := profiles.Gapminder(t).Profile
	tests := []struct {
		data     question.Dataset
		question string
		note     string
	}{
		{penguins, "average mass by species", "I took “mass” to be body_mass_g."},
		{penguins, "mean body mass by gender", "I took “gender” to be sex."},
		{penguins, "averge body mass", "I read “averge” as “average”."},
		{penguins, "penguins heavier than 4 kg", "4 kg is 4000 g, the unit of body_mass_g."},
		{penguins, "mean body mass of Gentooo penguins", "I took “Gentooo” to be Gentoo, a value of species."},
		{sales, "orders with a discount over 5%", "5% is 0.05 in discount."},
		{gapminder, "top 5 countries by population", "You named no year, so I took the latest, 2007."},
		{gapminder, "average lifeExp by continent", "All years from 1952 to 2007 are taken together; add “in 2007” to look at one."},
		{gapminder, "total gdpPercap", "The column gdpPercap looks like a rate; a sum of rates may mean little."},
		{penguins, "pie chart of average body mass by species", "A pie shows the parts of a whole, which these numbers are not, so I drew bars."},
	}
	for _, tt := range tests {
		t.Run(tt.question, func(t *testing.T) {
			r := tt.data.Read(tt.question, question.Context{})
			if r.Query == nil {
				t.Fatalf("not understood: %s", brief(r))
			}
			if !slices.Contains(r.Query.Notes, tt.note) {
				t.Errorf("notes = %q, want %q among them", r.Query.Notes, tt.note)
			}
		})
	}
}

func TestAChoiceOfAggregationIsMarked(t *testing.T) {
	sales := profiles.Sales().Profile
	ctx := question.Context{}
	for _, tt := range []struct {
		question string
		assumed  bool
	}{{"revenue by region", true}, {"only North", true}, {"and the median?", false}, {"total revenue by region", false}, {"monthly revenue", true}, {"top 3 products by revenue", true}} {
		r := sales.Read(tt.question, ctx)
		if r.Query == nil || r.Query.Assumed != tt.assumed {
			t.Errorf("%q: %s, assumed is not %t", tt.question, brief(r), tt.assumed)
		}
		ctx.Previous = r.Query
	}
}

func TestPlainQuestionsNeedNoNotes(t *testing.T) {
	d := profiles.Penguins(t).Profile
	for _, text := range []string{"average body mass by species", "median flipper_length_mm", "count by island", "distribution of bill length"} {
		if r := d.Read(text, question.Context{}); r.Query == nil || len(r.Query.Notes) > 0 {
			t.Errorf("%q: %s with notes %q, want none", text, brief(r), r.Query.Notes)
		}
	}
}

func TestValuesBeyondTheSamplesAreLookedUp(t *testing.T) {
	d := profiles.Gapminder(t).Profile
	const text = "life expectancy of Japan and Narnia over time"
	r := d.Read(text, question.Context{})
	if !slices.Contains(r.Lookup, "Japan") || !slices.Contains(r.Lookup, "Narnia") {
		t.Fatalf("lookup = %q, want Japan and Narnia", r.Lookup)
	}
	found := []question.Found{{Term: "Japan", Column: "country", Value: "Japan"}}
	r = d.Read(text, question.Context{Found: found, Missed: []string{"Narnia", "Japan and Narnia"}})
	if r.Query != nil || !strings.Contains(r.Problem, "“Narnia”") || strings.Contains(r.Problem, "Japan") {
		t.Errorf("with Narnia missed: %s, want a problem about Narnia alone", brief(r))
	}
	r = d.Read("life expectancy of Japan over time", question.Context{Found: found})
	if got, want := brief(r), "trend mean(lifeExp) over year/year where country = Japan"; got != want {
		t.Errorf("with Japan found: %s, want %s", got, want)
	}
	// A column that the profile does not have is not taken from a lookup.
	forged := []question.Found{{Term: "Japan", Column: "made up", Value: "x"}}
	if r := d.Read("life expectancy of Japan", question.Context{Found: forged}); r.Query != nil {
		t.Errorf("a made-up column was taken: %s", brief(r))
	}
}

func TestLookedUpValuesThatAreSeveralAreAskedAbout(t *testing.T) {
	d := profiles.Gapminder(t).Profile
	ctx := question.Context{Found: []question.Found{
		{Term: "Congo", Column: "country", Value: "Congo, Dem. Rep."}, {Term: "Congo", Column: "country", Value: "Congo, Rep."},
	}}
	const text = "population of Congo in 2007"
	r := d.Read(text, ctx)
	if r.Ambiguous == nil || len(r.Ambiguous.Candidates) != 2 {
		t.Fatalf("read as %s, want an ambiguity of two", brief(r))
	}
	for reply, want := range map[string]string{
		"Congo, Rep.": "Congo, Rep.", "the Dem. one": "Congo, Dem. Rep.", "Dem. Rep.": "Congo, Dem. Rep.", "Congo, Dem. Rep.": "Congo, Dem. Rep.", "Congo": "", "both": "",
	} {
		whole, ok := r.Ambiguous.Resolve(text, reply)
		if want == "" {
			if ok {
				t.Errorf("%q was taken as %q", reply, whole)
			}
			continue
		}
		got := brief(d.Read(whole, ctx))
		if wanted := "aggregate sum(pop) where year = 2007 & country = " + want; got != wanted {
			t.Errorf("%q: %q reads as %s, want %s", reply, whole, got, wanted)
		}
	}
}

func TestAmbiguousColumnsAreAskedAbout(t *testing.T) {
	d := profiles.Penguins(t).Profile
	const text = "average bill by species"
	r := d.Read(text, question.Context{})
	if r.Ambiguous == nil {
		t.Fatalf("read as %s, want an ambiguity", brief(r))
	}
	for _, reply := range []string{"length", "bill length", "bill_length_mm", "I mean the length", "bill length please"} {
		whole, ok := r.Ambiguous.Resolve(text, reply)
		if !ok {
			t.Errorf("%q was not taken", reply)
			continue
		}
		if got, want := brief(d.Read(whole, question.Context{})), "aggregate mean(bill_length_mm) by species"; got != want {
			t.Errorf("%q: %s, want %s", reply, got, want)
		}
	}
	for _, reply := range []string{"bill", "mass", "", "show me everything that there is about all of the penguins"} {
		if whole, ok := r.Ambiguous.Resolve(text, reply); ok {
			t.Errorf("%q was taken as %q", reply, whole)
		}
	}
}

func TestTwoDateColumnsAreAskedAbout(t *testing.T) {
	d := profiles.New("orders", []string{"ordered", "shipped", "revenue"}, [][]string{
		{"2024-01-01", "2024-01-05", "10.5"}, {"2024-02-01", "2024-02-05", "20.5"}, {"2024-03-01", "2024-03-05", "30.5"},
	}).Profile
	const text = "revenue by month"
	r := d.Read(text, question.Context{})
	if r.Ambiguous == nil {
		t.Fatalf("read as %s, want an ambiguity", brief(r))
	}
	whole, ok := r.Ambiguous.Resolve(text, "shipped")
	if got, want := brief(d.Read(whole, question.Context{})), "trend sum(revenue) over shipped/month"; !ok || got != want {
		t.Errorf("%q reads as %s, want %s", whole, got, want)
	}
}

func TestSuggestionsAreUnderstood(t *testing.T) {
	odd := profiles.New("odd", []string{"count", "max temp (°C)", "Größe", "a\"b", "weird\nname", "total"}, [][]string{
		{"x", "1.5", "2", "3", "4", "5"}, {"y", "2.5", "3", "4", "5", "6"}, {"x", "3.5", "9", "5", "6", "7"},
	}).Profile
	for _, d := range []question.Dataset{profiles.Penguins(t).Profile, profiles.Gapminder(t).Profile, profiles.Sales().Profile, odd} {
		for _, text := range question.Suggest(&d) {
			r := d.Read(text, question.Context{})
			if r.Query == nil {
				t.Errorf("%s: the suggestion %q is not understood: %s", d.Name, text, brief(r))
				continue
			}
			follow := question.FollowUps(*r.Query, &d)
			if len(follow) != 3 {
				t.Errorf("%s: %q has %d follow-ups", d.Name, text, len(follow))
			}
			for _, next := range follow {
				if after := d.Read(next, question.Context{Previous: r.Query}); after.Query == nil {
					t.Errorf("%s: the follow-up %q of %q is not understood: %s", d.Name, next, text, brief(after))
				}
			}
		}
	}
}

func TestTheWorldIsAllRowsUnlessARowIsAboutIt(t *testing.T) {
	d := profiles.Gapminder(t).Profile
	ctx := question.Context{Missed: []string{"world"}}
	for text, want := range map[string]string{
		"What is the world population over time?": "trend sum(pop) over year/year",
		"what is the population of the world":     "aggregate sum(pop) where year = 2007",
	} {
		if got := brief(d.Read(text, ctx)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	found := question.Context{Found: []question.Found{{Term: "world", Column: "country", Value: "World"}}}
	if got, want := brief(d.Read("world population over time", found)), "trend sum(pop) over year/year where country = World"; got != want {
		t.Errorf("with a row about the world: %s, want %s", got, want)
	}
}

func TestNoFollowUpIsTheQuestionAgain(t *testing.T) {
	for _, d := range []question.Dataset{profiles.Penguins(t).Profile, profiles.Gapminder(t).Profile, profiles.Sales().Profile} {
		asked := append(question.Suggest(&d), "Are there missing values?", "Are there duplicates?", "Describe the data", "count by "+d.Columns[0].Name)
		for _, m := range d.Columns {
			if m.Numeric() && !m.Year() {
				asked = append(asked, "Distribution of "+m.Name, m.Name+" over time", "average "+m.Name+" by "+d.Columns[1].Name)
			}
		}
		for _, text := range asked {
			r := d.Read(text, question.Context{})
			if r.Query == nil {
				continue // penguins.csv has no amounts that grow
			}
			for _, next := range question.FollowUps(*r.Query, &d) {
				if again := d.Read(next, question.Context{}); brief(again) == brief(r) {
					t.Errorf("%s: %q is followed by %q, the same again", d.Name, text, next)
				}
			}
		}
	}
}

func TestSuggestionsShowNoNeedlessQuotes(t *testing.T) {
	d := profiles.New("shop", []string{"date", "region", "sales"}, [][]string{
		{"2024-01-01", "n", "1"}, {"2024-02-01", "s", "2"}, {"2024-03-01", "n", "3"},
	}).Profile
	for _, text := range question.Suggest(&d) {
		if strings.Contains(text, `"`) {
			t.Errorf("suggested %s", text)
		}
	}
}

func TestAQuestionForCausesIsOfferedWhatCanBeShown(t *testing.T) {
	d := profiles.Penguins(t).Profile
	r := d.Read("Why are Gentoo heavier?", question.Context{})
	next := question.Instead(r, &d)
	if len(next) != 3 || next[0] != "Compare body_mass_g by species" || next[1] != "What correlates with body_mass_g?" {
		t.Errorf("offered %q", next)
	}
	for _, text := range next {
		if r := d.Read(text, question.Context{}); r.Query == nil {
			t.Errorf("%q is not understood: %s", text, brief(r))
		}
	}
}

func TestAMeanOverAPanelSaysThatItIsNotWeighted(t *testing.T) {
	d := profiles.Gapminder(t).Profile
	const note = "Every country counts the same in a mean, however large it is."
	ctx := question.Context{Found: []question.Found{{Term: "Japan", Column: "country", Value: "Japan"}}}
	for text, want := range map[string]bool{
		"life expectancy over time": true, "average life expectancy by continent in 2007": true, "compare Europe and Africa by life expectancy": true,
		"life expectancy of Japan over time": false, "total population over time": false, "median life expectancy by continent": false,
	} {
		r := d.Read(text, ctx)
		if r.Query == nil || slices.Contains(r.Query.Notes, note) != want {
			t.Errorf("%q: %s, the note stands there: %t", text, brief(r), !want)
		}
	}
}

func TestOwnPythonIsTakenAsItIs(t *testing.T) {
	d := profiles.Penguins(t).Profile
	r := d.Read("Run this please:\n```python\nprint('x')\n```\nthanks", question.Context{})
	if r.Query == nil || r.Query.Intent != question.Run || r.Query.Code != "print('x')\n" {
		t.Errorf("read as %s", brief(r))
	}
	if r := d.Read("```python\n\n```", question.Context{}); r.Query != nil {
		t.Errorf("empty code was taken: %s", brief(r))
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"average body mass by species", "in 2007 vs 2009", "\"", "“x", "1,000.5e99 %", "between 3 and", "-", "by by by", "it's 'quoted' text", "1980-2000", "\xff\xfe", "top 99999999999999999999"} {
		f.Add(seed)
	}
	penguins, gapminder := profiles.Penguins(f).Profile, profiles.Gapminder(f).Profile
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []question.Dataset{penguins, gapminder} {
			r := d.Read(text, question.Context{})
			said := 0
			for _, is := range []bool{r.Query != nil, r.Talk != "", len(r.Lookup) > 0, r.Ambiguous != nil, r.Problem != ""} {
				if is {
					said++
				}
			}
			if said != 1 {
				t.Fatalf("%q: %d readings at once: %+v", text, said, r)
			}
			if r.Query != nil {
				again := d.Read("now as a bar chart", question.Context{Previous: r.Query})
				if again.Query == nil && again.Problem == "" && again.Ambiguous == nil && len(again.Lookup) == 0 {
					t.Fatalf("%q: the follow-up came to nothing", text)
				}
			}
		}
	})
}
