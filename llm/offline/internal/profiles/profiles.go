// Package profiles gives the tests of the offline analyst data sets to ask
// about, with the profiles that Mark would have of them.
package profiles

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// samplesShown is how many values of a column a profile shows.
const samplesShown = 10

// Data is a data set in memory: its profile and its cells, by column.
type Data struct {
	Profile question.Dataset
	Header  []string
	Records [][]string
}

// CSV returns the content as a CSV file.
func (d Data) CSV() string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.Write(d.Header) // a strings.Builder never fails
	_ = w.WriteAll(d.Records)
	return out.String()
}

// Penguins returns the bundled penguins.
func Penguins(t testing.TB) Data { return sample(t, "penguins") }

// Gapminder returns the bundled gapminder.
func Gapminder(t testing.TB) Data { return sample(t, "gapminder") }

func sample(t testing.TB, name string) Data {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the place of the test's source is not known")
	}
	path := filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "datasets", "samples", name+".csv")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return New(name, records[0], records[1:])
}

// Sales returns orders of a made-up shop over two years: the same ones each time.
func Sales() Data {
	regions := []string{"North", "South", "East", "West"}
	products := []string{"Chair", "Desk", "Lamp", "Shelf", "Bar Stool"}
	prices := []float64{49.5, 199, 24.9, 89, 65}
	header := []string{"order_id", "order_date", "region", "product", "quantity", "unit_price", "discount", "revenue"}
	var records [][]string
	day := time.Date(2023, 1, 2, 0, 0, 0, 0, time.UTC)
	state := uint32(7)
	next := func(n int) int { // a small linear congruential generator
		state = state*1664525 + 1013904223
		return int(state>>8) % n
	}
	for i := range 400 {
		p, quantity, discount := next(len(products)), 1+next(9), float64(next(4))*0.05
		revenue := float64(quantity) * prices[p] * (1 - discount)
		records = append(records, []string{
			fmt.Sprintf("SO-%04d", i+1), day.AddDate(0, 0, i*729/400).Format(time.DateOnly), regions[next(4)], products[p],
			strconv.Itoa(quantity), strconv.FormatFloat(prices[p], 'f', -1, 64),
			strconv.FormatFloat(discount, 'f', 2, 64), strconv.FormatFloat(revenue, 'f', 2, 64),
		})
	}
	records[17][6] = "" // a discount nobody wrote down
	return New("sales", header, records)
}

// Ledger returns sales as a spreadsheet has them: names with spaces and units,
// order numbers that are whole numbers, one of them twice, and no column called
// like the file.
func Ledger() Data {
	header := []string{"Order ID", "Order Date", "Region", "Product", "Units", "Amount (USD)", "Sales Rep"}
	regions, reps := []string{"North", "South", "West"}, []string{"Ann Smith", "Bob Jones"}
	day := time.Date(2023, 1, 4, 0, 0, 0, 0, time.UTC)
	var records [][]string
	for i := range 120 {
		records = append(records, []string{
			strconv.Itoa(1000 + i), day.AddDate(0, 0, 6*i).Format(time.DateOnly), regions[i%3], []string{"Laptop", "Phone"}[i%2],
			strconv.Itoa(1 + i%9), strconv.FormatFloat(20.5+float64(i*37%1900), 'f', 2, 64), reps[i%2],
		})
	}
	records = append(records, records[20])
	return New("sales", header, records)
}

// New profiles cells as Mark does: "" and "NA" are missing.
func New(name string, header []string, records [][]string) Data {
	d := question.Dataset{
		Name: name, File: name + ".csv", Rows: int64(len(records)),
		Load: fmt.Sprintf("pd.read_csv(%q)", "/mnt/data/"+name+".csv"),
	}
	for i, column := range header {
		var cells []string
		for _, r := range records {
			cells = append(cells, r[i])
		}
		d.Columns = append(d.Columns, profile(column, cells))
	}
	return Data{Profile: d, Header: header, Records: records}
}

func profile(name string, cells []string) question.Column {
	c := question.Column{Name: name, Type: question.Integer}
	seen := map[string]bool{}
	var numbers []float64
	for _, cell := range cells {
		if cell == "" || cell == "NA" {
			c.Nulls++
			continue
		}
		if !seen[cell] {
			seen[cell] = true
			if len(c.Samples) < samplesShown {
				c.Samples = append(c.Samples, cell)
			}
			c.Min, c.Max = least(c.Min, cell), greatest(c.Max, cell)
		}
		c.Type = widen(c.Type, cell)
		if f, err := strconv.ParseFloat(cell, 64); err == nil {
			numbers = append(numbers, f)
		}
	}
	c.Distinct = int64(len(seen))
	if c.Numeric() && len(numbers) > 0 {
		c.Min = strconv.FormatFloat(slices.Min(numbers), 'f', -1, 64)
		c.Max = strconv.FormatFloat(slices.Max(numbers), 'f', -1, 64)
	}
	return c
}

func least(a, b string) string {
	if a == "" {
		return b
	}
	return min(a, b)
}

func greatest(a, b string) string { return max(a, b) }

// widen returns the narrowest type for what fitted t so far and one more cell.
func widen(t question.Type, cell string) question.Type {
	_, errInt := strconv.ParseInt(cell, 10, 64)
	_, errFloat := strconv.ParseFloat(cell, 64)
	_, errDate := time.Parse(time.DateOnly, cell)
	switch {
	case errDate == nil:
		return question.Date
	case t == question.Integer && errInt == nil:
		return question.Integer
	case (t == question.Integer || t == question.Float) && errFloat == nil:
		return question.Float
	}
	return question.String
}
