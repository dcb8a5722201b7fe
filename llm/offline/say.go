package offline

import (
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/program"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// notUnderstood says what was not understood, and offers three questions that
// can be asked of these very columns.
func notUnderstood(c conversation, s subject) reply {
	story := escapeMarkdown(s.reading.Problem) + "\n\n(I am the offline analyst, a built-in program without a language model, and I do not guess. “What can you do?” lists what I understand.)"
	if s.reading.Partial != nil {
		return asked(c, story, nil)
	}
	return asked(c, story, question.Instead(s.reading, s.data))
}

// askBack asks the person which of several things was meant, and waits for the
// answer, once; where that cannot be, the exchange ends with it.
func askBack(c conversation, text string, options []string) reply {
	if !c.offered[askUser] || len(c.now.results(askUser)) > 0 {
		return asked(c, text, options)
	}
	return reply{reasoning: "The question can mean several things, so I ask.", calls: []toolUse{{askUser, askArgs{text, options}}}}
}

// askArgs are the arguments of ask_user.
type askArgs struct {
	Question string   `json:"question"`
	Options  []string `json:"options,omitempty"`
}

// asked ends an exchange without a result: with a text, and with questions that
// a client may show as buttons.
func asked(c conversation, story string, next []string) reply {
	if len(next) == 0 {
		return plainText(story)
	}
	if c.offered[finalAnswer] {
		return final("There is nothing to compute yet.", finalArgs{
			Story: story, Claims: []claim{}, Charts: []titled{}, Tables: []titled{}, FollowUps: next, Caveats: []string{},
		})
	}
	var list strings.Builder
	for _, text := range next {
		list.WriteString("\n- " + escapeMarkdown(text))
	}
	return plainText(story + "\n\nFor example:\n" + list.String())
}

// whichOne asks which of several columns or values was meant.
func whichOne(a question.Ambiguity) string {
	candidates := make([]string, len(a.Candidates))
	for i, c := range a.Candidates {
		candidates[i] = "“" + escapeMarkdown(c) + "”"
	}
	kind := "columns"
	if a.Values {
		kind = "values"
	}
	return fmt.Sprintf("“%s” fits several %s. Which do you mean: %s? (I am the offline analyst and do not guess.)",
		escapeMarkdown(a.Phrase), kind, joined(candidates, "or"))
}

// nothingReady says why there is no data set to work with.
func nothingReady(list []listed) string {
	if len(list) == 0 {
		return noDatasetText
	}
	var out strings.Builder
	out.WriteString("No data set of this chat can be used yet:\n")
	for _, l := range list {
		why := "it is still being read; ask again in a moment"
		if strings.EqualFold(l.State, "FAILED") {
			why = "it could not be read"
			if l.Error != "" {
				why += ": " + l.Error
			}
		}
		out.WriteString("\n- " + escapeMarkdown(l.Name) + ": " + escapeMarkdown(why))
	}
	out.WriteString("\n\n(I am the offline analyst, a built-in program without a language model.)")
	return out.String()
}

// problemsOf returns what describe_dataset said instead of describing.
func problemsOf(c conversation) string {
	for _, r := range c.now.results(describeDataset) {
		text := strings.TrimSpace(strings.NewReplacer("<error>", "", "</error>", "").Replace(r.result))
		if runes := []rune(text); len(runes) > 300 {
			text = string(runes[:300]) + "…"
		}
		if text != "" {
			return escapeMarkdown(text)
		}
	}
	return ""
}

// thought is the reasoning before a program: how the question was taken.
func thought(q question.Query, d question.Dataset, p program.Program) string {
	if q.Intent == question.Run {
		return "The question brings its own Python; I have it run as it is."
	}
	out := "I take the question as: " + p.Title + ", from " + d.File + "."
	if len(q.Notes) > 0 {
		out += " " + strings.Join(q.Notes, " ")
	}
	return out + " I write the program."
}
