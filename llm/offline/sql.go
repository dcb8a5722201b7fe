package offline

import (
	"regexp"
	"strings"
)

// sqlFence and pythonFence are what a question brings along to be run as it is.
var (
	sqlFence    = regexp.MustCompile("(?s)```sql[ \t]*\r?\n(.*?)```")
	pythonFence = regexp.MustCompile("(?s)```(?:python|py)[ \t]*\r?\n(.*?)```")
)

// block is what stands in the first fence of a kind; "" where there is none.
func block(fence *regexp.Regexp, text string) string {
	found := fence.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(found[1])
}

// sqlTitle is what the result of a person's own SQL is called.
const sqlTitle = "What the query answers"

// broughtAlong has a warehouse, or the files, asked with the SQL of the question, then has the
// question's Python run, where it has some, and tells what both showed.
func broughtAlong(c conversation, sql string) reply {
	asked, ran := c.now.results(runSQL), c.now.results(runPython)
	code := block(pythonFence, c.now.question)
	switch {
	case !c.offered[runSQL]:
		return plainText("There is nothing here that could be asked with SQL. Files are asked without: attach one, or add a sample.")
	case len(asked) == 0:
		return reply{reasoning: "The question brings its own SQL; I have it asked.", calls: []toolUse{{runSQL, map[string]string{"sql": sql, "title": sqlTitle}}}}
	}
	answer := parsePython(asked[len(asked)-1].result)
	if answer.problem != "" {
		return broken("The query was not answered", answer.problem)
	}
	if code != "" && len(ran) == 0 {
		return reply{reasoning: "The question brings its own Python, too.", calls: []toolUse{{runPython, map[string]string{"code": code}}}}
	}
	f := finalArgs{
		Story: "The query was answered" + toldBy(asked[len(asked)-1].result) + ".", Claims: []claim{}, Charts: []titled{}, Tables: []titled{},
		FollowUps: []string{}, Caveats: caveats(),
	}
	shown := []printed{answer}
	if len(ran) > 0 {
		program := parsePython(ran[len(ran)-1].result)
		if program.problem != "" {
			return broken("The query was answered, and your Python did not run through", lastLine(program.problem))
		}
		if program.stdout != "" {
			f.Story += " Your Python printed:\n\n" + fenced(program.stdout)
		}
		shown = append(shown, program)
	}
	for _, p := range shown {
		for _, t := range p.of("table") {
			f.Tables = append(f.Tables, titled{t.title, t.name})
		}
		for _, t := range p.of("chart") {
			f.Charts = append(f.Charts, titled{t.title, t.name})
		}
	}
	return final("I have what was asked for.", f)
}

// sqlNote is how the agent begins the result of a query.
var sqlNote = regexp.MustCompile(`^\((\d+) rows; ([a-z0-9, ]+)\.`)

// toldBy is what a result says of itself: ", with 5 rows; 10485760 bytes billed".
func toldBy(result string) string {
	found := sqlNote.FindStringSubmatch(result)
	if found == nil {
		return ""
	}
	return ", with " + found[1] + " rows; " + found[2]
}

// broken says honestly that there is no result.
func broken(what, problem string) reply {
	return final("There is no result.", finalArgs{
		Story:  what + ":\n\n" + fenced(clip(problem)),
		Claims: []claim{}, Charts: []titled{}, Tables: []titled{}, FollowUps: []string{}, Caveats: caveats(),
	})
}
