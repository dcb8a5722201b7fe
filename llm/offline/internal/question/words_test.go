package question

import (
	"slices"
	"strings"
	"testing"
)

func TestNameWords(t *testing.T) {
	for name, want := range map[string]string{
		"bill_length_mm": "bill length mm", "gdpPercap": "gdp percap", "HTTPStatusCode": "http status code",
		"Culmen Length (mm)": "culmen length mm", "Q3revenue": "q 3 revenue", "lifeExp": "life exp", "Größe": "größe", "": "", "!!": "!!",
	} {
		if got := strings.Join(nameWords(name), " "); got != want {
			t.Errorf("nameWords(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestStem(t *testing.T) {
	for _, pair := range [][2]string{{"countries", "country"}, {"species", "species"}, {"boxes", "box"}, {"masses", "mass"}, {"years", "year"}, {"ids", "id"}, {"status", "status"}} {
		if stem(pair[0]) != stem(pair[1]) {
			t.Errorf("stem(%q) = %q, stem(%q) = %q, want the same", pair[0], stem(pair[0]), pair[1], stem(pair[1]))
		}
	}
}

func TestNear(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"averge", "average", true}, {"speceis", "species", true}, {"gentooo", "gentoo", true}, {"boddy", "body", true},
		{"mass", "male", false}, {"cat", "car", false}, {"same", "same", false}, {"bill", "fill", false},
		{"correlaton", "correlation", true}, {"meaning", "mean", false}, {"north", "south", false},
	}
	for _, tt := range tests {
		if got := near(tt.a, tt.b); got != tt.want {
			t.Errorf("near(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestTokenize(t *testing.T) {
	for text, want := range map[string]string{
		"1,000.5 and 4k":         "1000.5 and 4000",
		"1980-2000":              "1980 to 2000",
		"over -5":                "over -5",
		"2024-03-01 to 2024-03":  "d2024-03-01 to d2024-03",
		"it's \"New York\"":      "it 'New York",
		"x>=5 != 3":              "x >= 5 != 3",
		"don't 'quote me' ok":    "don't 'quote me ok",
		"$1,200 10%":             "1200 10",
		"Guinea-Bissau":          "guinea bissau",
		"a & b":                  "a and b",
		"Cote d'Ivoire, really?": "cote d'ivoire , really ?",
		"2m 3bn 1e3":             "2000000 3000000000 1000",
	} {
		var got []string
		for _, tok := range tokenize(text) {
			switch tok.kind {
			case numberToken:
				got = append(got, plain(tok.value))
			case dateToken:
				got = append(got, "d"+tok.text)
			case quotedToken:
				got = append(got, "'"+tok.text)
			default:
				got = append(got, tok.lower)
			}
			if tok.from < 0 || tok.to > len(text) || tok.from >= tok.to {
				t.Errorf("%q: token %q stands at %d to %d", text, tok.text, tok.from, tok.to)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("tokenize(%q) = %q, want %q", text, strings.Join(got, " "), want)
		}
	}
}

func TestWordFilesAreSound(t *testing.T) {
	lex := theLexicon()
	for phrase, keys := range lex.keys {
		if phrase == "" {
			t.Errorf("an empty phrase has the keys %q", keys)
		}
		for _, k := range keys {
			if strings.HasPrefix(k, "scale.") && scaleOf(k) < 1000 {
				t.Errorf("the scale of %s is %v", k, scaleOf(k))
			}
		}
	}
	for _, code := range []string{"weight", "length", "depth", "height", "age", "income", "population", "price", "speed", "temperature", "quantity"} {
		if !slices.ContainsFunc(lex.classes, func(c class) bool { return c.code == code }) {
			t.Errorf("superlatives are about %q, and no class of synonyms is called so", code)
		}
	}
	for _, list := range []string{"row.words", "amount.words", "rate.words", "unit.words"} {
		if len(words(list)) == 0 {
			t.Errorf("the list %s is empty", list)
		}
	}
}

func TestColumnsAreMatchedInManyWays(t *testing.T) {
	d := &Dataset{Columns: []Column{{Name: "body_mass_g"}, {Name: "gdpPercap"}, {Name: "lifeExp"}, {Name: "sex"}, {Name: "order_id"}, {Name: "temp_max_c"}}}
	for phrase, want := range map[string]struct {
		name string
		sure int
	}{
		"BODY MASS G": {"body_mass_g", sureExact}, "bodymass": {"body_mass_g", sureNoUnit}, "weight": {"body_mass_g", sureSynonym},
		"gdp per capita": {"gdpPercap", sureSynonym}, "income": {"gdpPercap", sureSynonym}, "life expectancy": {"lifeExp", sureSynonym},
		"genders": {"sex", sureSynonym}, "maximum": {"temp_max_c", 0}, "mass": {"body_mass_g", sureSynonym}, "boddy mass": {"body_mass_g", sureTypo},
		"temperature maximum": {"temp_max_c", sureAbbrev}, "order": {"order_id", sureNoUnit}, "max": {"temp_max_c", surePart}, "salary": {"", 0},
	} {
		got := d.matchColumns(tokenize(phrase))
		switch {
		case want.sure == 0:
			if len(got) > 0 {
				t.Errorf("%q is taken for %s (%d)", phrase, got[0].column.Name, got[0].sure)
			}
		case len(got) != 1 || got[0].column.Name != want.name || got[0].sure != want.sure:
			t.Errorf("%q: %+v, want %s with %d", phrase, got, want.name, want.sure)
		}
	}
}
