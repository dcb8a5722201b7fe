package offline_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/mark-analyst/mark/llm/offline/internal/profiles"
)

// frame computes over a data set in Go, apart from pandas, what the answers are
// held to.
type frame struct {
	t testing.TB
	profiles.Data
}

// where keeps the rows in which the column has that value.
func (f frame) where(column, value string) frame {
	i := f.at(column)
	return f.keep(func(r []string) bool { return r[i] == value })
}

func (f frame) keep(ok func([]string) bool) frame {
	out := f
	out.Records = slices.DeleteFunc(slices.Clone(f.Records), func(r []string) bool { return !ok(r) })
	return out
}

func (f frame) at(column string) int {
	i := slices.Index(f.Header, column)
	if i < 0 {
		f.t.Fatalf("no column is called %q", column)
	}
	return i
}

// values are the numbers of a column, without gaps.
func (f frame) values(column string) []float64 {
	i := f.at(column)
	var out []float64
	for _, r := range f.Records {
		if v, err := strconv.ParseFloat(r[i], 64); err == nil {
			out = append(out, v)
		}
	}
	return out
}

func (f frame) sum(column string) float64 {
	total := 0.0
	for _, v := range f.values(column) {
		total += v
	}
	return total
}

func (f frame) mean(column string) float64 {
	return f.sum(column) / float64(len(f.values(column)))
}

func (f frame) median(column string) float64 {
	v := f.values(column)
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// std is the standard deviation of a sample.
func (f frame) std(column string) float64 {
	mean, sum := f.mean(column), 0.0
	for _, v := range f.values(column) {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(f.values(column))-1))
}

// pearson is the correlation of two columns over the rows that have both.
func (f frame) pearson(a, b string) float64 {
	i, j := f.at(a), f.at(b)
	both := f.keep(func(r []string) bool {
		_, errA := strconv.ParseFloat(r[i], 64)
		_, errB := strconv.ParseFloat(r[j], 64)
		return errA == nil && errB == nil
	})
	x, y := both.values(a), both.values(b)
	mx, my := both.mean(a), both.mean(b)
	var xy, xx, yy float64
	for k := range x {
		xy += (x[k] - mx) * (y[k] - my)
		xx += (x[k] - mx) * (x[k] - mx)
		yy += (y[k] - my) * (y[k] - my)
	}
	return xy / math.Sqrt(xx*yy)
}

// comma writes a number with so many decimals and with thousands separators.
func comma(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole := len(s)
	if decimals > 0 {
		whole -= decimals + 1
	}
	for i := whole - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		s = "-" + s
	}
	return s
}

func percent(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

func TestFrameComputes(t *testing.T) {
	f := frame{t, profiles.New("x", []string{"g", "a", "b"}, [][]string{{"u", "1", "2"}, {"u", "3", "6"}, {"w", "NA", "1"}, {"w", "5", "10"}})}
	if f.mean("a") != 3 || f.median("a") != 3 || f.sum("b") != 19 || f.where("g", "u").sum("b") != 8 || f.std("a") != 2 || f.pearson("a", "b") != 1 {
		t.Errorf("mean %v, median %v, sum %v, std %v, pearson %v", f.mean("a"), f.median("a"), f.sum("b"), f.std("a"), f.pearson("a", "b"))
	}
	if comma(1234567.891, 2) != "1,234,567.89" || comma(-999, 0) != "-999" || percent(0.4796) != "48.0%" {
		t.Errorf("comma and percent: %s %s %s", comma(1234567.891, 2), comma(-999, 0), percent(0.4796))
	}
}
