package bench_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// spread is a series of measurements of one thing.
type spread []time.Duration

func (s spread) at(p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[int(math.Ceil(p*float64(len(sorted))))-1]
}

// measure calls once n times.
func measure(n int, once func() time.Duration) spread {
	s := make(spread, n)
	for i := range s {
		s[i] = once()
	}
	return s
}

// row is a line of the table.
type row struct {
	what     string
	p50, p95 string
	ratio    string // to something measured in the same run
	goal     string
	met      string
}

// table gathers what is printed in the end.
type table struct {
	rows []row
	cold time.Duration // what native measured, in the middle
}

// usual is how long native takes on the machine that the goals were set on, when
// nobody else uses it.
const usual = 765 * time.Millisecond

// native is what starts are compared with.
func (t *table) native(b *testing.B) against {
	b.Helper()
	if t.cold == 0 { // this part alone
		t.cold = measure(5, func() time.Duration { return native(b) }).at(0.5)
	}
	return against{"native", t.cold}
}

// slower is how many times slower than usual the machine is in this run.
func (t *table) slower(b *testing.B) float64 {
	b.Helper()
	return max(1, float64(t.native(b).took)/float64(usual))
}

// goal is what a measurement should be at most; zero fields: no goal. On a machine
// that is slower than usual, times are met as ratios to native.
type goal struct {
	p50, p95 time.Duration
	ratio    float64
}

// against is something that was measured in the same run.
type against struct {
	name string
	took time.Duration
}

// add adds a measurement of time. The ratio is that of the medians.
func (t *table) add(b *testing.B, what string, s spread, to against, g goal) {
	b.Helper()
	r := row{what: what, p50: ms(s.at(0.5)) + " ms", p95: ms(s.at(0.95)) + " ms"}
	worst := 0.0 // how far the worst is beyond its goal
	var goals []string
	for _, quantile := range []struct {
		name string
		at   float64
		most time.Duration
	}{{"", 0.5, g.p50}, {"p95 ", 0.95, g.p95}} {
		if quantile.most > 0 {
			goals = append(goals, quantile.name+"≤ "+ms(quantile.most)+" ms")
			worst = max(worst, float64(s.at(quantile.at))/float64(quantile.most))
		}
	}
	met := worst <= 1
	scaled := !met && worst <= t.slower(b)
	if to.took > 0 {
		ratio := float64(s.at(0.5)) / float64(to.took)
		r.ratio = times(ratio) + " " + to.name
		if g.ratio > 0 {
			goals = append(goals, "≤ "+times(g.ratio))
			met = met && ratio <= g.ratio
		}
	}
	if r.goal = strings.Join(goals, ", "); r.goal != "" {
		r.met = "no"
		if scaled {
			r.met = "as a ratio"
		}
		if met {
			r.met = "yes"
		}
	}
	t.rows = append(t.rows, r)
	fmt.Printf("  %s: %s, %s %s\n", r.what, r.p50, r.p95, r.ratio) // a sign of life: the whole takes minutes
}

// note adds a line that is no time.
func (t *table) note(what, value, compared string) {
	t.rows = append(t.rows, row{what: what, p50: value, ratio: compared})
	fmt.Printf("  %s: %s %s\n", what, value, compared)
}

// print writes the table as Markdown.
func (t *table) print() {
	lines := [][]string{{"what", "p50", "p95", "ratio", "goal", "met"}, nil}
	for _, r := range t.rows {
		lines = append(lines, []string{r.what, r.p50, r.p95, r.ratio, r.goal, r.met})
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, w := range widths {
		lines[1] = append(lines[1], strings.Repeat("-", w))
	}
	fmt.Println()
	for _, line := range lines {
		for i, cell := range line {
			fmt.Print("| ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))+1))
		}
		fmt.Println("|")
	}
	if t.cold > 0 {
		fmt.Printf("\nNative took %.1f times what it takes where the goals were set; \"as a ratio\" is a goal met that many times slower.\n", float64(t.cold)/float64(usual))
	}
	fmt.Println()
}

// ms tells a duration in milliseconds: tenths where they matter.
func ms(d time.Duration) string {
	value := float64(d.Microseconds()) / 1000
	if value < 20 && value != math.Trunc(value) {
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.0f", value)
}

// times tells a ratio.
func times(ratio float64) string {
	if ratio < 0.1 {
		return fmt.Sprintf("%.3f ×", ratio)
	}
	return fmt.Sprintf("%.2f ×", ratio)
}
