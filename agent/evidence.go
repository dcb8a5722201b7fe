package agent

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mark-analyst/mark/ent"
)

// evidence is what the steps of a run have shown, by name.
type evidence struct {
	list []Evidence
	// told is what else the model was shown: the datasets, earlier questions
	// and the results of earlier runs. Claims cannot name it, but its numbers
	// are not made up.
	told []string
}

func (e *evidence) add(s *ent.Step, outputs []Output) {
	for _, o := range outputs {
		e.list = append(e.list, Evidence{StepID: s.ID, Path: o.Name, Output: &o})
	}
}

// find is the output of that name; models write names in many ways.
func (e *evidence) find(name string) (Evidence, bool) {
	name = strings.ToLower(strings.Trim(strings.TrimSpace(name), "[]\"'`"))
	for _, x := range e.list {
		if strings.ToLower(x.Path) == name {
			return x, true
		}
	}
	return Evidence{}, false
}

// number matches what a reader takes for a number: thousands in groups, a
// fraction, an exponent, a percent sign or a word for its size after it.
var number = regexp.MustCompile(`(?i)[-−+]?(?:\d{1,3}(?:[,\x{2009}\x{202f}\x{a0}]\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?:\s?%|\s?(?:thousand|million|billion|trillion|[kmb])\b)?`)

// unit matches what may stand right behind a number that is one all the same. Seconds
// are not in it: the 1990s are none.
var unit = regexp.MustCompile(`(?i)^(?:[mkµ]?g|t|lbs?|oz|[mck]m|ft|mi|m?l|ms|h|hrs?|mins?|usd|eur|gbp|x|pp|bps|[kmg]?w|[kmg]?wh|[kmgt]i?b|[kmg]?hz)\b`)

// figureIn is a number that was read from a text.
type figureIn struct {
	text    string
	value   float64
	quantum float64 // half of the last digit's worth: how much rounding may hide
	percent bool
}

// checkNumbers flags the numbers of a story that no step has shown, rounding
// and scale allowed. Small whole numbers are let go: they count things in the
// text itself. So are numbers of the question and of what else was told.
func (e *evidence) checkNumbers(story, question string) []Check {
	var shown []float64
	for _, x := range e.list {
		shown = append(shown, numbersOf(x.Output)...)
	}
	for _, text := range append([]string{question}, e.told...) {
		for _, n := range readNumbers(text) {
			shown = append(shown, n.value)
		}
	}
	// By size alone: a story tells "fell by 3" of a -3.
	for i, v := range shown {
		shown[i] = math.Abs(v)
	}
	slices.Sort(shown)
	var checks []Check
	flagged := map[string]bool{}
	for _, n := range readNumbers(withoutMarkup(story)) {
		small := !n.percent && n.value == math.Trunc(n.value) && math.Abs(n.value) <= 12
		if small || flagged[n.text] || isShown(n, shown) {
			continue
		}
		flagged[n.text] = true
		if len(checks) == maxFlagged {
			return append(checks, Check{CheckNoEvidence, "There are more numbers that no step has shown."})
		}
		checks = append(checks, Check{CheckNoEvidence, fmt.Sprintf("No step has shown the number %s.", n.text)})
	}
	return checks
}

// maxFlagged is how many numbers of one story are flagged.
const maxFlagged = 20

// isShown looks among sorted sizes.
func isShown(n figureIn, shown []float64) bool {
	size := math.Abs(n.value)
	near := func(size, quantum float64) bool {
		by := quantum*1.0001 + size*1e-9
		i, _ := slices.BinarySearch(shown, size-by)
		return i < len(shown) && shown[i] <= size+by
	}
	// A share that was shown as 0.42 is told as 42 %.
	return near(size, n.quantum) || n.percent && near(size/100, n.quantum/100)
}

func readNumbers(text string) []figureIn {
	var out []figureIn
	for _, at := range number.FindAllStringIndex(text, -1) {
		// Part of a word or of another number, like s2 or 1.2.3: a name.
		inside := at[0] > 0 && isWord(text[at[0]-1]) || at[0] > 1 && text[at[0]-1] == '.' && isWord(text[at[0]-2])
		if inside || at[1] < len(text) && isWord(text[at[1]]) && !unit.MatchString(text[at[1]:]) {
			continue
		}
		if n, ok := parseNumber(text[at[0]:at[1]]); ok {
			out = append(out, n)
		}
	}
	return out
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

var scales = map[string]float64{
	"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "b": 1e9, "trillion": 1e12,
}

func parseNumber(text string) (figureIn, bool) {
	n := figureIn{text: strings.TrimSpace(text)}
	s := strings.NewReplacer("−", "-", ",", "", "\u2009", "", "\u202f", "", "\u00a0", "").Replace(strings.ToLower(n.text))
	scale := 1.0
	if digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz% "); digits != s {
		unit := strings.TrimSpace(s[len(digits):])
		n.percent = unit == "%"
		if by, ok := scales[unit]; ok {
			scale = by
		}
		s = digits
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return n, false
	}
	decimals := 0
	mantissa, _, exponent := strings.Cut(s, "e")
	if i := strings.IndexByte(mantissa, '.'); i >= 0 {
		decimals = len(mantissa) - i - 1
	}
	if exponent {
		scale = math.Max(scale, math.Abs(v)/10)
	}
	n.value, n.quantum = v*scale, 0.5*math.Pow(10, -float64(decimals))*scale
	if exponent {
		n.value = v
	}
	return n, true
}

// numbersOf are the numbers that an output shows.
func numbersOf(o *Output) []float64 {
	if o == nil {
		return nil
	}
	var out []float64
	add := func(text string) {
		for _, n := range readNumbers(text) {
			out = append(out, n.value)
		}
	}
	add(o.Text)
	if o.Table != nil {
		out = append(out, float64(o.Table.RowCount))
		for _, row := range o.Table.Rows {
			for _, cell := range row {
				if v, ok := cell.(float64); ok {
					out = append(out, v)
					continue
				}
				add(cellText(cell))
			}
		}
	}
	return out
}

// link and code spans hold numbers that say nothing.
var markup = regexp.MustCompile("`[^`\n]*`|\\]\\([^)\n]*\\)|(?m)^\\s*\\d+[.)]\\s")

// withoutMarkup leaves of a story what a person reads. A code span with a number and
// nothing else is a number that is set off.
func withoutMarkup(story string) string {
	return markup.ReplaceAllStringFunc(story, func(m string) string {
		if code := strings.TrimSpace(strings.Trim(m, "`")); m[0] == '`' && code != "" && number.FindString(code) == code {
			return " " + code + " "
		}
		return " "
	})
}
