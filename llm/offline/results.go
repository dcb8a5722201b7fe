package offline

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// listed is a data set in the result of list_datasets.
type listed struct {
	ID, Name, File, State, Error string
	Rows                         *int64
}

func (l listed) ready() bool { return strings.EqualFold(l.State, "READY") }

// jsonIn decodes the first JSON object in a result: a line that says that data
// follows may stand before it, remarks after it.
func jsonIn(result string, v any) bool {
	start := strings.IndexByte(result, '{')
	return start >= 0 && json.NewDecoder(strings.NewReader(result[start:])).Decode(v) == nil
}

func parseList(result string) ([]listed, bool) {
	var list struct{ Datasets *[]listed }
	if !jsonIn(result, &list) || list.Datasets == nil {
		return nil, false
	}
	return *list.Datasets, true
}

// cell is a text that some writers give as a number or a truth value.
type cell string

// UnmarshalJSON implements json.Unmarshaler.
func (c *cell) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*c = cell(text)
		return nil
	}
	if s := string(raw); s != "null" {
		*c = cell(s)
	}
	return nil
}

func parseDescription(result string) (question.Dataset, bool) {
	var d struct {
		Name, File, Load string
		Rows             *int64
		Columns          []struct {
			Name, Type      string
			Nulls, Distinct *int64
			Min, Max        cell
			Samples         []cell
		}
	}
	if !jsonIn(result, &d) || len(d.Columns) == 0 {
		return question.Dataset{}, false
	}
	known := func(n *int64) int64 {
		if n == nil {
			return -1
		}
		return *n
	}
	out := question.Dataset{Name: d.Name, File: d.File, Load: d.Load, Rows: known(d.Rows)}
	for _, c := range d.Columns {
		column := question.Column{
			Name: c.Name, Type: question.Type(strings.ToUpper(c.Type)), Nulls: known(c.Nulls), Distinct: known(c.Distinct),
			Min: string(c.Min), Max: string(c.Max),
		}
		for _, s := range c.Samples {
			column.Samples = append(column.Samples, string(s))
		}
		out.Columns = append(out.Columns, column)
	}
	return out, true
}

// printed is the result of run_python.
type printed struct {
	stdout  string
	outputs []output
	problem string // the error, if there is one
}

// output is a rich output: its name for evidence, and what it is.
type output struct {
	name, kind, title string
}

// outputLine is how an output is announced. Tables are followed by their cells,
// which may look like such a line: only names of the same step, counted up from
// one, are taken.
var outputLine = regexp.MustCompile(`^\[([A-Za-z]+\d+)\.o(\d+)\] (\w+)(?: ("(?:[^"\\]|\\.)*"))?`)

func parsePython(result string) printed {
	var p printed
	// The program's own output stands between the first opening tag and the last
	// closing one: whatever it prints, it cannot end the section.
	head, rest := tagged(result, "<outputs>\n", "</outputs>")
	_, p.stdout = tagged(head, "<stdout>\n", "\n</stdout>")
	// An error stands after everything that was printed.
	tail := result
	for _, closing := range []string{"</stdout>", "</stderr>", "</outputs>"} {
		if i := strings.LastIndex(tail, closing); i >= 0 {
			tail = tail[i:]
		}
	}
	if _, after, ok := strings.Cut(tail, "<error>\n"); ok {
		p.problem = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(after), "</error>"))
	}
	step := ""
	for line := range strings.Lines(rest) {
		m := outputLine.FindStringSubmatch(line)
		if m == nil || step != "" && m[1] != step || m[2] != fmt.Sprint(len(p.outputs)+1) {
			continue
		}
		step = m[1]
		var title string
		if m[4] != "" && json.Unmarshal([]byte(m[4]), &title) != nil {
			title = ""
		}
		p.outputs = append(p.outputs, output{name: m[1] + ".o" + m[2], kind: m[3], title: title})
	}
	return p
}

// tagged returns what stands before and after an opening tag, of the latter what
// stands before the last closing one.
func tagged(text, opening, closing string) (before, inside string) {
	i := strings.Index(text, opening)
	if i < 0 {
		return text, ""
	}
	inside = text[i+len(opening):]
	if j := strings.LastIndex(inside, closing); j >= 0 {
		inside = inside[:j]
	}
	return text[:i], inside
}

// sentences returns what a program printed, line by line: its findings, and its
// remarks ("Note: …") without that word.
func (p printed) sentences() (findings, notes []string) {
	for line := range strings.Lines(p.stdout) {
		line = strings.TrimSpace(line)
		if note, ok := strings.CutPrefix(line, "Note: "); ok {
			notes = append(notes, note)
		} else if line != "" {
			findings = append(findings, line)
		}
	}
	return findings, notes
}

// stdoutName is the name for evidence of what the step printed; "" where no
// output tells the step's name.
func (p printed) stdoutName() string {
	if len(p.outputs) == 0 || p.stdout == "" {
		return ""
	}
	step, _, _ := strings.Cut(p.outputs[0].name, ".")
	return step + ".stdout"
}

// of returns the outputs of a kind.
func (p printed) of(kind string) []output {
	return slices.DeleteFunc(slices.Clone(p.outputs), func(o output) bool { return o.kind != kind })
}

// lookedUp reads what lookups found and what they did not.
func lookedUp(p printed) (found []question.Found, missed []string) {
	for line := range strings.Lines(p.stdout) {
		var l struct {
			Word, Column, Value string
			Missed              []string
		}
		if json.Unmarshal([]byte(line), &l) != nil {
			continue
		}
		missed = append(missed, l.Missed...)
		if l.Word != "" && l.Column != "" {
			found = append(found, question.Found{Term: l.Word, Column: l.Column, Value: l.Value})
		}
	}
	return found, missed
}
