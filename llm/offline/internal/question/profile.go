package question

import (
	"math"
	"strconv"
	"strings"
)

// Type is the type of a column.
type Type string

// The types that a profile knows.
const (
	String    Type = "STRING"
	Integer   Type = "INTEGER"
	Float     Type = "FLOAT"
	Boolean   Type = "BOOLEAN"
	Date      Type = "DATE"
	Timestamp Type = "TIMESTAMP"
	Time      Type = "TIME"
)

// Column is a column of a data set, as its profile shows it.
type Column struct {
	Name     string
	Type     Type
	Nulls    int64 // -1: not known
	Distinct int64 // -1: not known
	Min, Max string
	Samples  []string
}

// Dataset is the profile of a data set.
type Dataset struct {
	Name    string
	File    string
	Load    string // the Python expression that loads it
	Rows    int64
	Columns []Column
}

// Numeric tells whether c holds numbers.
func (c Column) Numeric() bool { return c.Type == Integer || c.Type == Float }

// Temporal tells whether c holds points in time.
func (c Column) Temporal() bool { return c.Type == Date || c.Type == Timestamp }

// Text tells whether c holds words: something to group by or to select from.
func (c Column) Text() bool { return c.Type == String || c.Type == Boolean }

// Year tells whether c holds years as whole numbers: it is called so, and its
// values can be years.
func (c Column) Year() bool {
	if c.Type != Integer {
		return false
	}
	named := false
	for _, w := range nameWords(c.Name) {
		named = named || w == "year" || w == "yr"
	}
	low, high, ok := c.Range()
	return named && (!ok || low >= earliestYear && high <= latestYear)
}

// The years that a number in a question may stand for.
const (
	earliestYear = 1000
	latestYear   = 2999
)

// Range returns the least and the greatest value of a numeric column.
func (c Column) Range() (low, high float64, ok bool) {
	low, errLow := strconv.ParseFloat(c.Min, 64)
	high, errHigh := strconv.ParseFloat(c.Max, 64)
	ok = errLow == nil && errHigh == nil && !math.IsNaN(low) && !math.IsNaN(high) &&
		!math.IsInf(low, 0) && !math.IsInf(high, 0)
	return low, high, ok
}

// Complete tells whether Samples are all the values that c has.
func (c Column) Complete() bool {
	return c.Distinct >= 0 && int64(len(c.Samples)) >= c.Distinct
}

// Additive tells whether the values of c are amounts whose sum means something
// ("revenue"), going by its name. A price, a rate or a length is not.
func (c Column) Additive() bool {
	if !c.Numeric() {
		return false
	}
	if c.rate() {
		return false
	}
	for _, w := range nameWords(c.Name) {
		if hasWord("amount.words", w) {
			return true
		}
	}
	return false
}

// rate tells whether the name of c says that its values do not add up.
func (c Column) rate() bool {
	for _, w := range nameWords(c.Name) {
		if hasWord("rate.words", w) {
			return true
		}
	}
	return false
}

// Identifier tells whether c only tells rows apart ("order_id").
func (c Column) Identifier() bool {
	words := nameWords(c.Name)
	last := words[len(words)-1]
	return last == "id" || last == "uuid" || last == "key" || last == "code" && c.Distinct > 50
}

// perRow tells whether every row has its own value of c.
func (d *Dataset) perRow(c Column) bool {
	return c.Distinct >= 0 && c.Distinct == d.Rows && c.Nulls <= 0 && (!c.Numeric() || c.Identifier())
}

// column returns the column of that exact name.
func (d *Dataset) column(name string) (Column, bool) {
	for _, c := range d.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// measures returns the columns worth computing with: numbers that are neither
// identifiers nor years.
func (d *Dataset) measures() []Column {
	var out []Column
	for _, c := range d.Columns {
		if c.Numeric() && !c.Identifier() && !c.Year() {
			out = append(out, c)
		}
	}
	return out
}

// groups returns the text columns with few enough values to group by.
func (d *Dataset) groups() []Column {
	var out []Column
	for _, c := range d.Columns {
		if c.Text() && !c.Identifier() && c.Distinct > 1 && c.Distinct <= maxGroups {
			out = append(out, c)
		}
	}
	return out
}

// maxGroups is how many groups a suggestion may have: more do not fit a chart.
const maxGroups = 30

// timeColumns returns the columns that can carry a trend: dates first, else years.
func (d *Dataset) timeColumns() []Column {
	var dates, years []Column
	for _, c := range d.Columns {
		switch {
		case c.Temporal():
			dates = append(dates, c)
		case c.Year():
			years = append(years, c)
		}
	}
	if len(dates) > 0 {
		return dates
	}
	return years
}

// panel returns the column of years and the entities where every row is one of
// the entities in one of the years ("country" in gapminder).
func (d *Dataset) panel() (entity, year Column, ok bool) {
	for _, y := range d.Columns {
		if !y.Year() || y.Distinct < 2 {
			continue
		}
		for _, e := range d.Columns {
			if e.Type == String && e.Distinct > 1 && e.Distinct*y.Distinct == d.Rows {
				return e, y, true
			}
		}
	}
	return Column{}, Column{}, false
}

// subject returns the words that stand for the rows as such: "rows", "records"
// and the data set's own name.
func (d *Dataset) subject() map[string]bool {
	out := map[string]bool{}
	for _, w := range words("row.words") {
		out[stem(w)] = true
	}
	name := d.Name
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	for _, w := range nameWords(name) {
		if len(w) > 2 {
			out[stem(w)] = true
		}
	}
	return out
}
