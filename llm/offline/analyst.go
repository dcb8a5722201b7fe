package offline

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/program"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

var (
	//go:embed texts/help.md
	helpText string
	//go:embed texts/greeting.md
	greetingText string
	//go:embed texts/thanks.md
	thanksText string
	//go:embed texts/no_dataset.md
	noDatasetText string
	//go:embed texts/caveat.md
	caveatText string
)

// next decides what to say next. Everything that it knows is in the conversation.
func next(c conversation) reply {
	switch {
	case len(c.offered) == 1 && c.offered[finalAnswer]:
		return lastWord(c)
	case !c.offered[listDatasets] || !c.offered[describeDataset] || !c.offered[runPython]:
		if talk := question.Talk(c.now.question); talk != "" {
			return talkReply(talk)
		}
		return plainText("I am the offline analyst, and I work with the tools list_datasets, describe_dataset, run_python and final_answer, which this conversation does not offer.")
	}
	if sql := block(sqlFence, c.now.question); sql != "" {
		return broughtAlong(c, sql)
	}
	if talk := question.Talk(c.now.question); talk != "" {
		return talkReply(talk)
	}
	lists := c.now.results(listDatasets)
	if len(lists) == 0 {
		return reply{reasoning: "First I look which data sets there are.", calls: []toolUse{{listDatasets, map[string]string{}}}}
	}
	list, ok := parseList(lists[len(lists)-1].result)
	if !ok {
		return plainText("The list of data sets could not be read, so I cannot answer. Please ask again.")
	}
	ready := slices.DeleteFunc(slices.Clone(list), func(l listed) bool { return !l.ready() })
	if len(ready) == 0 {
		return plainText(nothingReady(list))
	}
	chosen := candidates(c, ready)
	if len(chosen) > maxDescribed {
		return plainText("There are " + counted(len(chosen)) + " data sets in this chat. Name the one you mean: " + nameList(chosen) + ".")
	}
	profiles, missing := describedOf(c, chosen)
	if len(missing) > 0 {
		return describe(missing)
	}
	if len(profiles) == 0 {
		return plainText("No data set could be described, so I cannot answer. " + problemsOf(c))
	}
	return work(c, profiles)
}

// maxDescribed is how many data sets are described to find the one that a
// question is about.
const maxDescribed = 6

func describe(missing []listed) reply {
	r := reply{reasoning: "I look at the columns of " + nameList(missing) + "."}
	for _, l := range missing {
		r.calls = append(r.calls, toolUse{describeDataset, map[string]string{"name": l.handle()}})
	}
	return r
}

// work answers the question with the profiles at hand.
func work(c conversation, profiles []question.Dataset) reply {
	s := choose(c, profiles)
	switch {
	case s.ask != "":
		return plainText(s.ask)
	case s.reading.Talk != "":
		return talkReply(s.reading.Talk)
	case len(s.reading.Lookup) > 0:
		return lookup(c, s)
	case s.reading.Ambiguous != nil:
		return askBack(c, whichOne(*s.reading.Ambiguous), s.reading.Ambiguous.Replies(s.data, c.now.question))
	case s.reading.Query == nil:
		return notUnderstood(c, s)
	}
	return compute(c, s)
}

// lookup has words looked up in the data; words that the same program did not
// find already are not understood.
func lookup(c conversation, s subject) reply {
	p, err := program.Lookup(s.reading.Lookup, *s.data)
	again := slices.ContainsFunc(c.now.calls, func(r call) bool { return r.code() == p.Code })
	if err != nil || again {
		verb := map[bool]string{true: "means", false: "mean"}[len(s.reading.Lookup) == 1]
		s.reading.Problem = "I do not know what “" + strings.Join(s.reading.Lookup, "”, “") + "” " + verb + " here, and could not look it up in " + s.data.File + "."
		return notUnderstood(c, s)
	}
	return reply{
		reasoning: "Some words are neither columns nor among the sample values: " + strings.Join(s.reading.Lookup, ", ") + ". Perhaps they are values; I look them up.",
		calls:     []toolUse{{runPython, map[string]string{"code": p.Code}}},
	}
}

// compute has the program run that answers the query, mends it once if it
// fails, and tells what it showed.
func compute(c conversation, s subject) reply {
	var runs []call
	for _, r := range c.now.results(runPython) {
		if !program.IsLookup(r.code()) {
			runs = append(runs, r)
		}
	}
	q := *s.reading.Query
	if len(runs) == 0 {
		p, err := program.Write(q, *s.data)
		if err != nil {
			return plainText("I understood the question but could not write the program for it. Please ask in another way.")
		}
		return reply{reasoning: thought(q, *s.data, p), calls: []toolUse{{runPython, map[string]string{"code": p.Code}}}}
	}
	result := parsePython(runs[len(runs)-1].result)
	if result.problem == "" {
		return answer(s, result)
	}
	if refused(result.problem) {
		return unallowed(s)
	}
	mended, err := program.Mend(q, *s.data)
	if len(runs) > 1 || err != nil || mended.Code == runs[0].code() || !mendable(result.problem) {
		return failure(s, result)
	}
	return reply{
		reasoning: "The program failed: " + lastLine(result.problem) + " I try once more, leaving out what is not as the profile says.",
		calls:     []toolUse{{runPython, map[string]string{"code": mended.Code}}},
	}
}

// mendable tells whether Mend may help: the data is not what the profile says.
// A limit of the sandbox, say, it cannot lift.
func mendable(problem string) bool {
	last := lastLine(problem)
	for _, name := range []string{"TypeError", "ValueError", "ParserError", "UnicodeDecodeError", "AttributeError", "ZeroDivisionError", "OverflowError", "IndexError"} {
		if strings.Contains(last, name) {
			return true
		}
	}
	return false
}

// lastLine returns the last line of a traceback: what went wrong.
func lastLine(problem string) string {
	problem, _, _ = strings.Cut(strings.TrimSpace(problem), "\n(Nothing is loaded yet.") // a hint for models
	lines := strings.Split(strings.TrimSpace(problem), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func talkReply(talk string) reply {
	switch talk {
	case "greeting":
		return plainText(greetingText)
	case "thanks":
		return plainText(thanksText)
	}
	return plainText(helpText)
}

func plainText(text string) reply { return reply{text: strings.TrimSpace(text)} }
