package offline

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/llm/offline/internal/program"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// finalArgs are the arguments of final_answer.
type finalArgs struct {
	Story     string   `json:"story"`
	Claims    []claim  `json:"claims"`
	Charts    []titled `json:"charts"`
	Tables    []titled `json:"tables"`
	FollowUps []string `json:"followUps"`
	Caveats   []string `json:"caveats"`
}

type claim struct {
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
}

type titled struct {
	Title  string `json:"title"`
	Output string `json:"output"`
}

// maxClaims is how many findings are claims of their own.
const maxClaims = 10

// maxCaveats is how many remarks stand beside the one about the analyst itself.
const maxCaveats = 15

// clip shortens a printed line to what final_answer takes as one claim or
// caveat: a cell of the data may be of any length.
func clip(text string) string {
	const longest = 800
	return cut.ToCharacters(text, longest)
}

// answer tells what the program showed.
func answer(s subject, result printed) reply {
	q := *s.reading.Query
	findings, notes := result.sentences()
	for i := range findings {
		findings[i] = clip(findings[i])
	}
	f := finalArgs{
		Claims: []claim{}, Charts: []titled{}, Tables: []titled{},
		FollowUps: question.FollowUps(q, s.data), Caveats: caveats(q.Notes, notes),
	}
	if q.Intent == question.Run {
		switch {
		case result.stdout != "":
			f.Story = "Your Python ran and printed:\n\n" + fenced(result.stdout)
		case len(result.outputs) > 0:
			f.Story = "Your Python ran. What it showed is with its step."
		default:
			f.Story = "Your Python ran and printed nothing."
		}
		findings = nil
		f.Caveats = caveats(nil, nil)
	} else {
		f.Story = story(findings, result)
	}
	for _, o := range result.outputs {
		switch o.kind {
		case "chart":
			f.Charts = append(f.Charts, titled{o.title, o.name})
		case "table":
			f.Tables = append(f.Tables, titled{o.title, o.name})
		}
	}
	for _, text := range findings[:min(len(findings), maxClaims)] {
		f.Claims = append(f.Claims, claim{text, evidence(result)})
	}
	return final("I have what I need for the answer.", f)
}

// story makes Markdown of the findings: the first is the point, the others say
// more.
func story(findings []string, result printed) string {
	if len(findings) == 0 {
		if len(result.outputs) == 0 {
			return "The program ran and showed nothing."
		}
		return "The tables and charts below show the answer."
	}
	var out strings.Builder
	out.WriteString("**" + escapeMarkdown(findings[0]) + "**")
	switch rest := findings[1:]; {
	case len(rest) > 3:
		out.WriteString("\n")
		for _, f := range rest {
			out.WriteString("\n- " + escapeMarkdown(f))
		}
	case len(rest) > 0:
		out.WriteString("\n")
		for _, f := range rest {
			out.WriteString("\n" + escapeMarkdown(f))
		}
	}
	return out.String()
}

// evidence names what shows the numbers: what the step printed, and its first
// table.
func evidence(result printed) []string {
	out := []string{}
	if name := result.stdoutName(); name != "" {
		out = append(out, name)
	}
	if tables := result.of("table"); len(tables) > 0 {
		out = append(out, tables[0].name)
	}
	return out
}

func caveats(groups ...[]string) []string {
	var out []string
	for _, g := range groups {
		for _, text := range g {
			if len(out) < maxCaveats {
				out = append(out, clip(capital(text)))
			}
		}
	}
	return append(out, strings.TrimSpace(caveatText))
}

// capital writes the first letter large.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// failure says honestly that the program did not run through.
func failure(s subject, result printed) reply {
	q := *s.reading.Query
	what := "I understood the question, but the program for it did not run through"
	if q.Intent == question.Run {
		what = "Your Python did not run through"
	}
	return final("The program failed and I know no further way.", finalArgs{
		Story:  what + ", so I have no result to give. It ended with:\n\n" + fenced(lastLine(result.problem)),
		Claims: []claim{}, Charts: []titled{}, Tables: []titled{},
		FollowUps: question.Suggest(s.data), Caveats: caveats(),
	})
}

// refused tells that a person has not allowed the program, as Mark words it.
func refused(problem string) bool {
	return strings.HasPrefix(problem, "Not run: the person has refused it.")
}

// unallowed answers when a person has not allowed the program: there is no other
// that answers the question, and what the person says to it is not understood.
func unallowed(s subject) reply {
	return final("The program is not to run and I know no other.", finalArgs{
		Story: "You did not allow the program, so it has not run and I have no result to give. I can write no other for this question, and do not " +
			"understand notes: ask in other words, or change the program and run that.",
		Claims: []claim{}, Charts: []titled{}, Tables: []titled{},
		FollowUps: question.Suggest(s.data), Caveats: caveats(),
	})
}

// lastWord answers when nothing but final_answer may be called any more: with
// the latest result, else with the reason why there is none.
func lastWord(c conversation) reply {
	none := finalArgs{
		Story:  "I ran out of steps before there was a result. Please ask more narrowly.",
		Claims: []claim{}, Charts: []titled{}, Tables: []titled{}, FollowUps: []string{}, Caveats: caveats(),
	}
	var profiles []question.Dataset
	for _, e := range append(append([]exchange{}, c.earlier...), c.now) {
		for _, r := range e.results(describeDataset) {
			if d, ok := parseDescription(r.result); ok {
				profiles = append(profiles, d)
			}
		}
	}
	runs := c.now.results(runPython)
	if len(profiles) == 0 || len(runs) == 0 {
		return final("This is the last step.", none)
	}
	latest := runs[len(runs)-1]
	s := choose(c, profiles)
	result := parsePython(latest.result)
	if s.reading.Query == nil || program.IsLookup(latest.code()) {
		return final("This is the last step.", none)
	}
	switch {
	case refused(result.problem):
		return unallowed(s)
	case result.problem != "":
		return failure(s, result)
	}
	return answer(s, result)
}

func final(reasoning string, args finalArgs) reply {
	return reply{reasoning: reasoning, calls: []toolUse{{finalAnswer, args}}}
}
